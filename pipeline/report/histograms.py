"""Histograms of each column over all videos of a dataset, and the means of each video.

The files of a table are read twice: first for the range, count and mean of each column and for the summary of each
video, then for the standard deviation and for counts in `_FINE_BINS` bins. Pages show up to `_BARS` bars of the middle
99 % of the values. Ratings and predictions are treated like tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.extractors import registry
from avcues.pipeline.dataset.catalog import Catalog, StoredTable
from avcues.pipeline.dataset.join import matrix
from avcues.pipeline.report.packing import packed_json
from avcues.pipeline.report.summaries import ColumnSummary, TableSummary, TableSums, TargetsByVideo
from avcues.pipeline.report.targets import RATINGS
from avcues.pipeline.report.video import Values
from avcues.pipeline.store.parquet import open_parquet, read_metadata

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

FILE = "histograms.js"
_BARS = 40
_FINE_BINS = 1024
_TAIL_SHARE = 0.005
"""Share of the values that the bars may leave out at each end."""
_BATCH_VALUES = 1 << 20

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TableResult:
    """The histograms of a table, in the form that pages draw, and its summary."""

    histograms: dict[str, Any]
    summary: TableSummary


def histogram_script(histograms: Sequence[Mapping[str, Any]]) -> bytes:
    """The content of the file of histograms: a script, because a page opened from a disk can load nothing else.

    Args:
        histograms: As `table_histograms` and `target_histograms` return them.
    """
    return f'distributed("{packed_json(histograms)}");\n'.encode()


def window_tables(catalog: Catalog) -> list[str]:
    """Names of the tables that have histograms: those with a row per window, except embeddings."""
    names = [name for name in catalog.tables if name not in registry.extra_tables()]
    return [name for name in names if catalog.tables[name].row == "window" and _numeric(catalog.tables[name])]


def table_histograms(catalog: Catalog, videos: Sequence[str], targets: TargetsByVideo, name: str) -> TableResult:
    """The histograms of a table's numeric columns over all windows of all videos, and the summary of each video.

    Args:
        videos: Ids, in the order of the summary; all videos of the table and possibly more.
        targets: Ratings and predictions of each video.

    Returns:
        The summary, and the histograms: the "table", the number of "videos" that have it, and its "columns". Each
        column has its documentation, the "count" of values and the number "missing", "low", "high", "mean" and "sd",
        and "bars": counts of values in ranges of "width" from "first" on, with the counts "below" and "above" them.
    """
    table = catalog.tables[name]
    columns = _numeric(table)
    ranges, sums = _Range(len(columns)), TableSums(len(columns), videos, targets)

    def add(values: Values) -> None:
        ranges.add(values)
        sums.add(values)

    videos_read = 0
    for video_id in sorted(table.videos):
        sums.begin(video_id)
        complete = _read_video(catalog, table, video_id, add)
        sums.end(complete)
        videos_read += complete
    fine_counts = _FineCounts(ranges, np.array([not pa.types.is_floating(column.type) for column in columns]))
    for video_id in sorted(table.videos):
        _read_video(catalog, table, video_id, fine_counts.add)
    column_summaries = [
        ColumnSummary(
            name=column.documentation.name, unit=column.documentation.unit, meaning=column.documentation.meaning
        )
        for column in columns
    ]
    histograms = [vars(column) | fine_counts.histogram(i) for i, column in enumerate(column_summaries)]
    return TableResult(
        {"table": name, "videos": videos_read, "columns": histograms}, sums.table(name, column_summaries)
    )


def target_histograms(targets: TargetsByVideo) -> list[dict[str, Any]]:
    """Histograms of ratings and predictions over all windows, or over all videos if videos were rated as a whole."""
    histograms_by_table: dict[str, dict[str, Any]] = {}
    for name in sorted({name for by_name in targets.values() for name in by_name}):
        table, _, column = name.partition(".")
        same_name = [by_name[name] for by_name in targets.values() if name in by_name]
        values = [
            np.atleast_1d(target.mean if target.windows is None else target.windows)[:, None] for target in same_name
        ]
        ranges = _Range(1)
        for part in values:
            ranges.add(part)
        fine_counts = _FineCounts(ranges, np.array([False]))
        for part in values:
            fine_counts.add(part)
        meaning = "the ratings combined" if table == RATINGS else "predicted by the model"
        histogram = {"name": column, "unit": "1", "meaning": meaning, "videos": len(same_name)} | fine_counts.histogram(
            0
        )
        histograms_by_table.setdefault(table, {"table": table, "videos": 0, "columns": []})["columns"].append(histogram)
        histograms_by_table[table]["videos"] = max(histograms_by_table[table]["videos"], len(same_name))
    return list(histograms_by_table.values())


def _numeric(table: StoredTable) -> list[Any]:
    return [column for column in table.columns if not pa.types.is_string(column.type)]


def _read_video(catalog: Catalog, table: StoredTable, video_id: str, add: Callable[[Values], None]) -> bool:
    """Passes a video's values to `add`, batch by batch; False if its file is damaged or has other settings."""
    path = catalog.path(table.name, video_id)
    metadata = read_metadata(path)
    if metadata is None or metadata["recipe"] != table.recipe:
        return False
    try:
        for values in _batches(path, [column.documentation.name for column in _numeric(table)]):
            add(values)
    except (OSError, ValueError, pa.ArrowException):
        return False
    return True


def _batches(path: Location, names: Sequence[str]) -> Iterator[Values]:
    """Yields (rows, columns) values, NaN where a value is missing."""
    with open_parquet(path) as file:
        for batch in file.iter_batches(batch_size=max(1, _BATCH_VALUES // len(names)), columns=list(names)):
            yield matrix(pa.Table.from_batches([batch]), names).astype(np.float64)


class _Range:
    """Count, extremes and sum of each column."""

    def __init__(self, columns: int) -> None:
        self.rows = 0
        self.count = np.zeros(columns, np.int64)
        self.low, self.high = np.full(columns, np.inf), np.full(columns, -np.inf)
        self.sum = np.zeros(columns)

    def add(self, values: Values) -> None:
        present = ~np.isnan(values)
        self.rows += len(values)
        self.count += present.sum(axis=0)
        self.low = np.fmin(self.low, np.min(values, axis=0, where=present, initial=np.inf))
        self.high = np.fmax(self.high, np.max(values, axis=0, where=present, initial=-np.inf))
        self.sum += np.sum(values, axis=0, where=present)

    @property
    def mean(self) -> Values:
        return self.sum / np.maximum(self.count, 1)


class _FineCounts:
    """Counts of each column in `_FINE_BINS` bins of its range; bins of integers are centred on integers."""

    def __init__(self, ranges: _Range, integer: npt.NDArray[np.bool_]) -> None:
        self.ranges = ranges
        present = ranges.count > 0
        self.low, self.high = np.where(present, ranges.low, 0.0), np.where(present, ranges.high, 0.0)
        span = self.high - self.low
        width = np.where(integer, np.ceil((span + 1) / _FINE_BINS), span / _FINE_BINS)
        self.width = np.where(width > 0, width, 1.0)
        self.first = np.where(integer | (span == 0), self.low - 0.5, self.low)
        self.counts: Counts = np.zeros((len(span), _FINE_BINS), np.int64)
        self.squares = np.zeros(len(span))

    def add(self, values: Values) -> None:
        present = ~np.isnan(values)
        self.squares += np.sum((values - self.ranges.mean) ** 2, axis=0, where=present)
        bins = np.clip((np.where(present, values, self.low) - self.first) / self.width, 0, _FINE_BINS - 1).astype(
            np.int64
        )
        bins += np.arange(len(self.low)) * _FINE_BINS
        self.counts += np.bincount(bins[present], minlength=self.counts.size).reshape(self.counts.shape)

    def histogram(self, i: int) -> dict[str, Any]:
        """Statistics and bars of column `i`, in the form that pages draw."""
        count, counts = int(self.ranges.count[i]), self.counts[i]
        summary: dict[str, Any] = {"count": count, "missing": self.ranges.rows - count}
        if not count:
            return summary
        cumulative = np.cumsum(counts)
        begin, median, end = np.searchsorted(cumulative, [_TAIL_SHARE * count, count / 2, (1 - _TAIL_SHARE) * count])
        bins_per_bar = -(-(int(end) - int(begin) + 1) // _BARS)
        stop = min(_FINE_BINS, begin + -(-(int(end) + 1 - begin) // bins_per_bar) * bins_per_bar)
        edges = np.arange(begin, stop, bins_per_bar)
        numbers = {
            "low": self.low[i],
            "high": self.high[i],
            "mean": self.ranges.mean[i],
            "sd": np.sqrt(self.squares[i] / count),
            "median": np.clip(self.first[i] + (median + 0.5) * self.width[i], self.low[i], self.high[i]),
            "first": self.first[i] + begin * self.width[i],
            "width": bins_per_bar * self.width[i],
        }
        summary |= {key: float(f"{value:.6g}") for key, value in numbers.items()}
        bars = np.add.reduceat(counts[:stop], edges).tolist()
        return summary | {"bars": bars, "below": int(counts[:begin].sum()), "above": int(counts[stop:].sum())}
