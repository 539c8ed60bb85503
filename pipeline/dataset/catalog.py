"""The contents of a finished folder, read from its files: tables, documented columns, and videos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from avcues.extractors.protocol import Column, RowKind
from avcues.pipeline.errors import DatasetError
from avcues.pipeline.store.layout import MANIFEST, table_path, videos_with_table
from avcues.pipeline.store.manifest import BASE_FEATURE, read_manifest
from avcues.pipeline.store.parquet import misfit, open_parquet, read_metadata
from avcues.pipeline.store.records import read_records
from avcues.pipeline.store.timeline_table import TIMELINE

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

FIRST_TABLES = (TIMELINE.name, BASE_FEATURE)
"""The tables that every dataset has."""


@dataclass(frozen=True, kw_only=True)
class StoredColumn:
    """A column of a table, as the dataset's files document it.

    Args:
        table: Name of the table.
        documentation: Name, unit, meaning and range.
        type: Arrow type in the files.
    """

    table: str
    documentation: Column
    type: pa.DataType

    @property
    def name(self) -> str:
        """The name in joined tables: `<table>.<column>`."""
        return f"{self.table}.{self.documentation.name}"

    def documentation_as_json(self) -> dict[str, Any]:
        """The documentation of the column as JSON values; missing bounds are left out."""
        bounds = (("low", self.documentation.low), ("high", self.documentation.high))
        return {
            "name": self.name,
            "table": self.table,
            "type": str(self.type),
            "unit": self.documentation.unit,
            "meaning": self.documentation.meaning,
            **{name: bound for name, bound in bounds if bound is not None},
        }


@dataclass(frozen=True, kw_only=True)
class StoredTable:
    """A table of a dataset, as one of its files describes it.

    Args:
        row: Kind of row: "window", "item" (any number per window) or "shot".
        columns: Feature columns, without keys, in the order of the files.
        recipe: Everything that determines the values, apart from the video: extractor, version, settings, step,
            weights.
        citation: The paper or tool that the extractor follows.
        videos: Ids of the videos with a file of this table.
    """

    name: str
    row: RowKind
    columns: tuple[StoredColumn, ...]
    recipe: Mapping[str, Any]
    citation: str
    videos: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """The contents of a dataset.

    Args:
        tables: By name: the timeline and the shots, then other tables in the order in which they were added.
        absent: Tables in the manifest of which no video has a readable file.
        videos: Ids of all videos that have a file or a record of their failure, sorted.
        records: The record of each video in `_status`, by id.
    """

    folder: Location
    step: Fraction
    tables: Mapping[str, StoredTable]
    absent: tuple[str, ...]
    videos: tuple[str, ...]
    records: Mapping[str, Mapping[str, Any]]

    @property
    def name(self) -> str:
        """Name of the dataset's folder."""
        return (self.folder.resolve() if isinstance(self.folder, Path) else self.folder).name

    def path(self, table: str, video_id: str) -> Location:
        """The path of a table of a video."""
        return table_path(self.folder, table, video_id)

    def has(self, table: str, video_id: str) -> bool:
        """Whether the video has a file of the table."""
        return table in self.tables and video_id in self.tables[table].videos


def read_catalog(folder: Location) -> Catalog:
    """Reads the contents of a folder from its manifest, its file names, and one file of each table.

    Raises:
        SettingsError: The manifest is damaged or of another version.
        DatasetError: avcues did not make the folder, or no video in it is finished.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise DatasetError(f"{folder}: has no {MANIFEST}; name a folder that avcues extract made")
    names = [name for name in dict.fromkeys((*FIRST_TABLES, *manifest.tables)) if name in manifest.tables]
    tables = {}
    for name in names:
        table = _describe(folder, name, manifest.recipes[manifest.tables[name]])
        if table is not None:
            tables[name] = table
    if TIMELINE.name not in tables:
        raise DatasetError(f"{folder}: no video in it is finished; run avcues extract again")
    records = {record["video_id"]: record for record in read_records(folder)}
    failed = {video_id for video_id, record in records.items() if record.get("state") == "failed"}
    return Catalog(
        folder=folder,
        step=manifest.step,
        tables=tables,
        absent=tuple(name for name in names if name not in tables),
        videos=tuple(sorted(failed.union(*(table.videos for table in tables.values())))),
        records=records,
    )


def _describe(folder: Location, name: str, recipe: Mapping[str, Any]) -> StoredTable | None:
    """Describes a table from its first file with the pinned recipe; None if there is none."""
    video_ids = videos_with_table(folder, name)
    for video_id in video_ids:
        path = table_path(folder, name, video_id)
        metadata = read_metadata(path)
        if metadata is None or metadata["recipe"] != recipe:
            continue
        with open_parquet(path) as file:
            schema = file.schema_arrow
        if misfit(schema, metadata["row"], [column["name"] for column in metadata["columns"]]):
            continue
        columns = tuple(
            StoredColumn(table=name, documentation=_documentation(column), type=schema.field(column["name"]).type)
            for column in metadata["columns"]
        )
        return StoredTable(
            name=name,
            row=metadata["row"],
            columns=columns,
            recipe=recipe,
            citation=metadata["citation"],
            videos=frozenset(video_ids),
        )
    return None


def _documentation(column: Mapping[str, Any]) -> Column:
    keys = ("name", "unit", "meaning", "low", "high")
    return Column(**{key: column[key] for key in keys if key in column})
