"""The types of the documents of an output folder, and the table of all types; readers rely on them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from avcues.pipeline.store.document_fields import ColumnName, Count, Document, Number, Seconds, Step, TableName
from avcues.pipeline.store.report_documents import MeansDocument, ReportDocument, RowDocument
from avcues.pipeline.store.study_documents import (
    LabelsDocument,
    MetricsDocument,
    PredictionsDocument,
    RatingsDocument,
    TrainedDocument,
)

_MAX_COLUMNS = 100_000


class RecipeDocument(Document):
    """The recipe of an extractor, as `provenance.recipe` makes it."""

    extractor: TableName
    version: int
    settings: dict[str, JsonValue]
    step: Step
    weights: dict[str, str] = {}
    precision: str = ""


class ColumnDocument(Document):
    """A column, as `avcues.extractors.protocol.Column` describes it."""

    name: ColumnName
    unit: str
    meaning: str
    low: Number | None = None
    high: Number | None = None


class SourceDocument(Document):
    """The file from which a table was made."""

    name: str = ""
    fingerprint: str | None = None
    video: dict[str, JsonValue] | None = None
    audio: dict[str, JsonValue] | None = None
    frames: dict[str, JsonValue] = {}


class OriginDocument(Document):
    """The part of a table's metadata that shows whether the table is up to date."""

    recipe: RecipeDocument
    source: SourceDocument


class FooterDocument(OriginDocument):
    """The metadata of a table, as `provenance.metadata` and `parquet` make it."""

    row: Literal["window", "item", "shot"]
    columns: Annotated[list[ColumnDocument], Field(max_length=_MAX_COLUMNS)]
    sums_to_one: list[Annotated[list[ColumnName], Field(min_length=1)]]
    avcues: str
    citation: str
    device: str
    precision: str
    decoder: str
    libraries: dict[str, str]

    @model_validator(mode="after")
    def _groups_are_of_columns(self) -> Self:
        if {name for group in self.sums_to_one for name in group} <= {column.name for column in self.columns}:
            return self
        raise ValueError("sums_to_one names other columns")


class ManifestDocument(Document):
    """`dataset.json`."""

    step: Step
    recipes: dict[TableName, RecipeDocument]
    tables: dict[TableName, TableName]


class RequestedDocument(Document):
    """`_status/.inputs`: the videos that runs were asked to process."""

    video_ids: list[str]


class OwnerDocument(Document):
    """`_status/.owner.json`: the run that works on the folder."""

    host: str
    process: int
    since: str
    token: str
    alive: Number = 0.0


class CardDocument(Document):
    """`_status/.card.json`: hashes by file."""

    __pydantic_extra__: dict[str, list[str]]


_EmptyObject = Annotated[dict[str, JsonValue], Field(max_length=0)]


class StampsDocument(Document):
    """Stamps of a video's files in its record, see `avcues.pipeline.store.stamps`."""

    media: list[int]
    words: dict[str, str] | None
    tables: dict[str, list[int | str]]


class RecordDocument(Document):
    """`_status/<video_id>.json`: the fields of `records.VideoResult`."""

    video_id: str
    source: str
    state: Literal["done", "failed"]
    error_class: str | None
    error: str | None
    duration_s: Seconds
    windows: Count
    tables: dict[str, Count]
    computed: list[str] = []
    reused: list[str] = []
    left_out: dict[str, str]
    damage: dict[str, Count]
    lost_s: Seconds = 0.0
    notes: list[str] = []
    retries: Count = 0
    seconds: dict[str, Seconds]
    stamps: StampsDocument | _EmptyObject = {}
    checksums: dict[str, str] = {}


DOCUMENTS: dict[str, type[Document]] = {
    "any": Document,
    "card": CardDocument,
    "footer": FooterDocument,
    "labels": LabelsDocument,
    "manifest": ManifestDocument,
    "means": MeansDocument,
    "metrics": MetricsDocument,
    "origin": OriginDocument,
    "owner": OwnerDocument,
    "predictions": PredictionsDocument,
    "ratings": RatingsDocument,
    "record": RecordDocument,
    "report": ReportDocument,
    "requested": RequestedDocument,
    "row": RowDocument,
    "trained": TrainedDocument,
}
"""The type of each kind of document (`avcues.pipeline.store.documents.Kind`)."""
