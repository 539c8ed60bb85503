"""Histograms of each column over all videos of a dataset, and the means of each video.

The files of a table are read twice: first for range, count and mean of each column and for the summary of each video,
then for the standard deviation and for counts in `_FINE` bins. Pages show up to `_BARS` bars of the middle 99 % of the
values. Ratings and predictions are treated like tables.
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
from avcues.pipeline.report.summaries import ColumnSummary, Summing, TableSummary, Targets
from avcues.pipeline.report.targets import RATINGS
from avcues.pipeline.report.video import Values
from avcues.pipeline.store.parquet import open_parquet, read_metadata

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

FILE = "histograms.js"
_BARS = 40
_FINE = 1024
_OUTSIDE = 0.005
"""Share of the values at each end that the bars may leave out."""
_BATCH_VALUES = 1 << 20

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Measured:
    """The histograms of one table, as the pages draw them, and its summary."""

    histograms: dict[str, Any]
    summary: TableSummary


def script(histograms: Sequence[Mapping[str, Any]]) -> bytes:
    """The file beside the overview: a script, because a page opened from a disk may load nothing else.

    Args:
        histograms: As `of_table` and `of_targets` return them.
    """
    return f'distributed("{packed_json(histograms)}");\n'.encode()


def window_tables(catalog: Catalog) -> list[str]:
    """The tables that have histograms: those with a row per window, except embeddings."""
    drawn = [name for name in catalog.tables if name not in registry.extra_tables()]
    return [name for name in drawn if catalog.tables[name].row == "window" and _numeric(catalog.tables[name])]


def of_table(catalog: Catalog, videos: Sequence[str], targets: Targets, name: str) -> Measured:
    """The histograms of a table's numeric columns over all windows of all videos, and the summary of each video.

    Args:
        videos: Ids in the order of the summary; they include all videos of the table.
        targets: Ratings and predictions of each video.

    Returns:
        The summary, and the histograms: "table", number of "videos" that have it, and "columns". A column has its
        documentation, the "count" of values, the number "missing", "low", "high", "mean" and "sd", and "bars": counts
        of ranges of "width" that begin at "first", with the counts "below" and "above" them.
    """
    table = catalog.tables[name]
    columns = _numeric(table)
    range_, summing = _Range(len(columns)), Summing(len(columns), videos, targets)

    def add(values: Values) -> None:
        range_.add(values)
        summing.add(values)

    read = 0
    for video_id in sorted(table.videos):
        summing.begin(video_id)
        complete = _read(catalog, table, video_id, add)
        summing.end(complete)
        read += complete
    fine = _Fine(range_, np.array([not pa.types.is_floating(column.type) for column in columns]))
    for video_id in sorted(table.videos):
        _read(catalog, table, video_id, fine.add)
    documented = [
        ColumnSummary(name=column.about.name, unit=column.about.unit, meaning=column.about.meaning)
        for column in columns
    ]
    drawn = [vars(column) | fine.histogram(i) for i, column in enumerate(documented)]
    return Measured({"table": name, "videos": read, "columns": drawn}, summing.table(name, documented))


def of_targets(targets: Targets) -> list[dict[str, Any]]:
    """Histograms of ratings and predictions over all windows, or over all videos if these were rated as a whole."""
    drawn: dict[str, dict[str, Any]] = {}
    for name in sorted({name for by_name in targets.values() for name in by_name}):
        table, _, column = name.partition(".")
        same_name = [by_name[name] for by_name in targets.values() if name in by_name]
        values = [np.atleast_1d(t.mean if t.windows is None else t.windows)[:, None] for t in same_name]
        range_ = _Range(1)
        for part in values:
            range_.add(part)
        fine = _Fine(range_, np.array([False]))
        for part in values:
            fine.add(part)
        meaning = "the ratings combined" if table == RATINGS else "predicted by the model"
        shown = {"name": column, "unit": "1", "meaning": meaning, "videos": len(same_name)} | fine.histogram(0)
        drawn.setdefault(table, {"table": table, "videos": 0, "columns": []})["columns"].append(shown)
        drawn[table]["videos"] = max(drawn[table]["videos"], len(same_name))
    return list(drawn.values())


def _numeric(table: StoredTable) -> list[Any]:
    return [column for column in table.columns if not pa.types.is_string(column.type)]


def _read(catalog: Catalog, table: StoredTable, video_id: str, add: Callable[[Values], None]) -> bool:
    """Passes a video's values to `add`, some rows at a time; False if its file is damaged or has other settings."""
    path = catalog.path(table.name, video_id)
    about = read_metadata(path)
    if about is None or about["recipe"] != table.recipe:
        return False
    try:
        for values in _batches(path, [column.about.name for column in _numeric(table)]):
            add(values)
    except (OSError, ValueError, pa.ArrowException):
        return False
    return True


def _batches(path: Location, names: Sequence[str]) -> Iterator[Values]:
    """Yields (rows, columns), NaN where a value is missing."""
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
        known = ~np.isnan(values)
        self.rows += len(values)
        self.count += known.sum(axis=0)
        self.low = np.fmin(self.low, np.min(values, axis=0, where=known, initial=np.inf))
        self.high = np.fmax(self.high, np.max(values, axis=0, where=known, initial=-np.inf))
        self.sum += np.sum(values, axis=0, where=known)

    @property
    def mean(self) -> Values:
        return self.sum / np.maximum(self.count, 1)


class _Fine:
    """Counts of each column in `_FINE` bins of its range; bins of integers are centred on them."""

    def __init__(self, range_: _Range, integer: npt.NDArray[np.bool_]) -> None:
        self.range = range_
        known = range_.count > 0
        self.low, self.high = np.where(known, range_.low, 0.0), np.where(known, range_.high, 0.0)
        span = self.high - self.low
        width = np.where(integer, np.ceil((span + 1) / _FINE), span / _FINE)
        self.width = np.where(width > 0, width, 1.0)
        self.first = np.where(integer | (span == 0), self.low - 0.5, self.low)
        self.counts: Counts = np.zeros((len(span), _FINE), np.int64)
        self.squares = np.zeros(len(span))

    def add(self, values: Values) -> None:
        known = ~np.isnan(values)
        self.squares += np.sum((values - self.range.mean) ** 2, axis=0, where=known)
        bins = np.clip((np.where(known, values, self.low) - self.first) / self.width, 0, _FINE - 1).astype(np.int64)
        bins += np.arange(len(self.low)) * _FINE
        self.counts += np.bincount(bins[known], minlength=self.counts.size).reshape(self.counts.shape)

    def histogram(self, i: int) -> dict[str, Any]:
        """Statistics and bars of a column, as the pages show them."""
        count, counts = int(self.range.count[i]), self.counts[i]
        summary: dict[str, Any] = {"count": count, "missing": self.range.rows - count}
        if not count:
            return summary
        cumulative = np.cumsum(counts)
        begin, median, end = np.searchsorted(cumulative, [_OUTSIDE * count, count / 2, (1 - _OUTSIDE) * count])
        bins_per_bar = -(-(int(end) - int(begin) + 1) // _BARS)
        stop = min(_FINE, begin + -(-(int(end) + 1 - begin) // bins_per_bar) * bins_per_bar)
        edges = np.arange(begin, stop, bins_per_bar)
        numbers = {
            "low": self.low[i],
            "high": self.high[i],
            "mean": self.range.mean[i],
            "sd": np.sqrt(self.squares[i] / count),
            "median": np.clip(self.first[i] + (median + 0.5) * self.width[i], self.low[i], self.high[i]),
            "first": self.first[i] + begin * self.width[i],
            "width": bins_per_bar * self.width[i],
        }
        summary |= {key: float(f"{value:.6g}") for key, value in numbers.items()}
        bars = np.add.reduceat(counts[:stop], edges).tolist()
        return summary | {"bars": bars, "below": int(counts[:begin].sum()), "above": int(counts[stop:].sum())}
