"""Counts over all files of a dataset: rows, missing values, and versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from avcues.pipeline.dataset.catalog import Catalog
from avcues.pipeline.store.parquet import read_metadata, read_table
from avcues.pipeline.store.timeline_table import TIMELINE


@dataclass
class TableCounts:
    """Counts over the files of a table; `nulls` by column, `computed` by device and precision."""

    files: int = 0
    rows: int = 0
    nulls: Counter[str] = field(default_factory=Counter)
    computed: Counter[str] = field(default_factory=Counter)

    def null_shares(self) -> tuple[float, float]:
        """The shares of null rows, 0 to 1, in the columns with the fewest and with the most."""
        shares = [count / self.rows for count in self.nulls.values()] if self.rows else [0.0]
        return min(shares), max(shares)


@dataclass
class DatasetStatistics:
    """Counts over the files of a dataset.

    Args:
        tables: Counts of each table.
        videos: Number of videos with a timeline.
        windows: Number of windows.
        streams: Numbers of videos that have "video" and "audio".
        versions: For avcues, the decoder and each library, the number of files by version.
        unusable: Files that are damaged or have other settings; they are not counted.
    """

    tables: dict[str, TableCounts]
    videos: int = 0
    windows: int = 0
    streams: Counter[str] = field(default_factory=Counter)
    versions: dict[str, Counter[str]] = field(default_factory=dict)
    unusable: list[str] = field(default_factory=list)


def compute_statistics(
    catalog: Catalog, on_progress: Callable[[str], None] = lambda video_id: None
) -> DatasetStatistics:
    """Reads every table of every video, one at a time."""
    statistics = DatasetStatistics({name: TableCounts() for name in catalog.tables})
    for video_id in catalog.videos:
        for name in catalog.tables:
            if catalog.has(name, video_id):
                _count(statistics, catalog, name, video_id)
        on_progress(video_id)
    return statistics


def _count(statistics: DatasetStatistics, catalog: Catalog, name: str, video_id: str) -> None:
    path, table = catalog.path(name, video_id), catalog.tables[name]
    metadata = read_metadata(path)
    try:
        rows = read_table(path, [column.documentation.name for column in table.columns])
    except (OSError, ValueError, pa.ArrowException):
        metadata = None
    if metadata is None or metadata["recipe"] != table.recipe:
        statistics.unusable.append(f"{name}/{path.name}")
        return
    counts = statistics.tables[name]
    counts.files += 1
    counts.rows += len(rows)
    counts.nulls.update({column: rows[column].null_count for column in rows.column_names})
    counts.computed[f"{metadata['device']}, {metadata['precision']}"] += 1
    _count_versions(statistics, metadata)
    if name == TIMELINE.name:
        statistics.videos += 1
        statistics.windows += len(rows)
        statistics.streams.update(kind for kind in ("video", "audio") if metadata["source"].get(kind))


def _count_versions(statistics: DatasetStatistics, metadata: dict[str, Any]) -> None:
    versions = {"avcues": metadata["avcues"], "decoder": metadata["decoder"]} | metadata["libraries"]
    for library, version in versions.items():
        statistics.versions.setdefault(library, Counter())[version] += 1
