"""What differs between the tables that two folders have of one video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from avcues.pipeline.report.video import Values, Video

_COLUMNS_AT_ONCE = 256


@dataclass(frozen=True, kw_only=True)
class ColumnDifference:
    """A column of numbers whose values are not all equal.

    Args:
        largest: The largest absolute difference; 0 where values are only missing on one side.
        at: Window of the largest difference, or the first in which only one side has a value.
        relative: Root of the mean squared difference, in standard deviations of all values of the column.
        missing: Windows in which only one side has a value.
    """

    name: str
    largest: float
    at: int
    relative: float
    missing: int

    @property
    def rank(self) -> tuple[float, int]:
        """The larger, the more it differs."""
        return self.relative, self.missing


@dataclass(frozen=True, kw_only=True)
class TableDifference:
    """One table of both folders, compared exactly over the windows that both have.

    Args:
        equal: Columns whose values are all equal.
        differing: The others with numbers, the most different first.
        texts: For each column of words that differs, the number of windows that do.
        only_first: Columns that only the first folder has.
        only_second: Columns that only the second one has.
        rows: Of a table without a row per window or shot: why it is not compared by columns, or what became of it.
    """

    table: str
    equal: Sequence[str] = ()
    differing: Sequence[ColumnDifference] = ()
    texts: dict[str, int] = field(default_factory=dict)
    only_first: Sequence[str] = ()
    only_second: Sequence[str] = ()
    rows: str = ""

    @property
    def same(self) -> bool:
        """Whether both folders have the same table."""
        return not (self.differing or self.texts or self.only_first or self.only_second or self.rows)


def table_differences(first: Video, second: Video) -> list[TableDifference]:
    """The tables that both have, in the order of the first."""
    return [_compared(first, second, table) for table in first.tables if table in second.tables]


def _compared(first: Video, second: Video, table: str) -> TableDifference:
    names, others = (list(video.columns(table)) for video in (first, second))
    only_first, only_second = ([n for n in a if n not in set(b)] for a, b in ((names, others), (others, names)))
    if table not in first.plottable or table not in second.plottable:
        same, rows = first.same_rows(second, table), [video.rows(table) for video in (first, second)]
        said = "" if same else f"{rows[0]} rows and {rows[1]}" if rows[0] != rows[1] else f"{rows[0]} rows that differ"
        return TableDifference(table=table, equal=names if same else (), rows=said)
    numeric = [n for n in first.numeric(table) if n in set(second.numeric(table))]
    texts = {n: _texts_that_differ(first, second, table, n) for n in names if n in set(others) and n not in numeric}
    texts = {name: count for name, count in texts.items() if count}
    differing = sorted(
        _columns_that_differ(first, second, table, numeric), key=lambda column: column.rank, reverse=True
    )
    unequal = {*only_first, *texts, *(column.name for column in differing)}
    equal = [name for name in names if name not in unequal]
    return TableDifference(
        table=table, equal=equal, differing=differing, texts=texts, only_first=only_first, only_second=only_second
    )


def _columns_that_differ(first: Video, second: Video, table: str, names: Sequence[str]) -> Iterator[ColumnDifference]:
    for at in range(0, len(names), _COLUMNS_AT_ONCE):
        some = names[at : at + _COLUMNS_AT_ONCE]
        values, others = both(first, second, table, some)
        for i, name in enumerate(some):
            difference = column_difference(name, values[:, i], others[:, i])
            if difference is not None:
                yield difference


def both(first: Video, second: Video, table: str, names: Sequence[str]) -> tuple[Values, Values]:
    """(windows, columns) of two videos, over the windows that both have."""
    windows = min(first.windows, second.windows)
    return first.per_window(table, names)[:windows], second.per_window(table, names)[:windows]


def column_difference(name: str, first: Values, second: Values) -> ColumnDifference | None:
    """How far (windows,) values differ; None where they are equal. NaN equals NaN alone."""
    one_sided: npt.NDArray[np.bool_] = np.isnan(first) != np.isnan(second)
    difference = np.nan_to_num(np.abs(second - first))
    if not (one_sided.any() or difference.any()):
        return None
    known = ~np.isnan(second - first)
    spread = np.nanstd(np.concatenate([first, second])) if known.any() else 0.0
    size = float(np.sqrt(np.mean(difference[known] ** 2))) if known.any() else 0.0
    return ColumnDifference(
        name=name,
        largest=float(difference.max()),
        at=int(np.argmax(difference if difference.any() else one_sided)),
        relative=size / float(spread) if spread else 0.0,
        missing=int(one_sided.sum()),
    )


def _texts_that_differ(first: Video, second: Video, table: str, name: str) -> int:
    """Windows whose words differ."""
    pairs = zip(_texts(first, table, name), _texts(second, table, name), strict=False)
    return sum(text != other for text, other in pairs)


def _texts(video: Video, table: str, name: str) -> list[str | None]:
    """A column of words by window; those of a shot hold for all its windows."""
    texts = video.texts(table, name)
    if video.tables[table]["row"] == "window":
        return texts
    return [[*texts, None][shot] for shot in video.shot_of_windows]
