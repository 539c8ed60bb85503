"""The types of the documents that a report keeps beside its pages, which the next report reads."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from avcues.pipeline.store.document_fields import ColumnName, Count, Document, Number, Seconds, TableName

_MAX_COLUMNS = 100_000

_Picture = Annotated[str, Field(pattern=r"^(data:image/[a-z]+;base64,[A-Za-z0-9+/=]*)?$")]


class ReportDocument(Document):
    """`made_with.json` of a report: its options, with paths relative to its folder."""

    media: str | None = None
    predictions: str | None = None
    annotations: str | None = None
    columns: list[ColumnName] = []
    stills: Literal["on", "blur", "none"] | None = None


class MeanFileDocument(Document):
    """A file with the means of columns, which the index loads."""

    file: Annotated[str, Field(max_length=300, pattern=r"^means/[^/\\:]+\.[0-9]+\.js$")]
    table: TableName
    columns: Annotated[list[ColumnName], Field(max_length=_MAX_COLUMNS)]


class MeansDocument(Document):
    """`means/about.json` of a report: videos and files of the means."""

    model_config = ConfigDict(strict=True, extra="forbid", defer_build=True)

    videos: list[str]
    files: list[MeanFileDocument]


class RowDocument(Document):
    """The row of the index that the page of a video stores, as `row_of` of `avcues.pipeline.report` makes it."""

    model_config = ConfigDict(strict=True, extra="forbid", defer_build=True)

    video_id: str
    source: str
    state: str
    error: str
    left_out: list[str]
    duration_s: Seconds
    shots: Count
    cover: _Picture
    strip: _Picture
    expressions: dict[ColumnName, Number]
    damage: str
    values: dict[ColumnName, Number]
