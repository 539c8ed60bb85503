"""Differences between the tables of one video in two folders."""

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
        largest: The largest absolute difference; 0 if values are only missing on one side.
        window: The window of the largest difference; if all differences are 0, the first window with a value on only
            one side.
        relative: Root mean squared difference, in standard deviations of all values of the column.
        missing: Windows in which only one side has a value.
    """

    name: str
    largest: float
    window: int
    relative: float
    missing: int

    @property
    def rank(self) -> tuple[float, int]:
        """Sort key: larger for columns that differ more."""
        return self.relative, self.missing


@dataclass(frozen=True, kw_only=True)
class TableDifference:
    """One table of both folders, compared exactly over the windows that both have.

    Args:
        equal: Columns whose values are all equal.
        differing: Numeric columns that are not equal; the most different comes first.
        texts: For each column of words that differs, the number of differing windows.
        only_first: Columns that only the first folder has.
        only_second: Columns that only the second folder has.
        rows: How the rows differ, in words, if the table has no row per window or shot and is not compared by columns;
            empty if they are equal.
    """

    table: str
    equal: Sequence[str] = ()
    differing: Sequence[ColumnDifference] = ()
    texts: dict[str, int] = field(default_factory=dict)
    only_first: Sequence[str] = ()
    only_second: Sequence[str] = ()
    rows: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether the table is the same in both folders."""
        return not (self.differing or self.texts or self.only_first or self.only_second or self.rows)


def table_differences(first: Video, second: Video) -> list[TableDifference]:
    """Compares the tables that both videos have, in the order of the first."""
    return [_table_difference(first, second, table) for table in first.tables if table in second.tables]


def _table_difference(first: Video, second: Video, table: str) -> TableDifference:
    names, second_names = (list(video.columns(table)) for video in (first, second))
    only_first, only_second = (
        [name for name in present if name not in set(absent)]
        for present, absent in ((names, second_names), (second_names, names))
    )
    if table not in first.plottable or table not in second.plottable:
        has_same_rows, rows = first.has_same_rows(second, table), [video.rows(table) for video in (first, second)]
        difference = (
            ""
            if has_same_rows
            else f"{rows[0]} rows and {rows[1]}"
            if rows[0] != rows[1]
            else f"{rows[0]} rows that differ"
        )
        return TableDifference(table=table, equal=names if has_same_rows else (), rows=difference)
    numeric = [name for name in first.numeric(table) if name in set(second.numeric(table))]
    texts = {
        name: _count_differing_texts(first, second, table, name)
        for name in names
        if name in set(second_names) and name not in numeric
    }
    texts = {name: count for name, count in texts.items() if count}
    differing = sorted(_differing_columns(first, second, table, numeric), key=lambda column: column.rank, reverse=True)
    unequal = {*only_first, *texts, *(column.name for column in differing)}
    equal = [name for name in names if name not in unequal]
    return TableDifference(
        table=table, equal=equal, differing=differing, texts=texts, only_first=only_first, only_second=only_second
    )


def _differing_columns(first: Video, second: Video, table: str, names: Sequence[str]) -> Iterator[ColumnDifference]:
    for start in range(0, len(names), _COLUMNS_AT_ONCE):
        batch = names[start : start + _COLUMNS_AT_ONCE]
        first_values, second_values = values_of_both(first, second, table, batch)
        for i, name in enumerate(batch):
            difference = column_difference(name, first_values[:, i], second_values[:, i])
            if difference is not None:
                yield difference


def values_of_both(first: Video, second: Video, table: str, names: Sequence[str]) -> tuple[Values, Values]:
    """(windows, columns) values of two videos, over the windows that both have."""
    windows = min(first.windows, second.windows)
    return first.per_window(table, names)[:windows], second.per_window(table, names)[:windows]


def column_difference(name: str, first: Values, second: Values) -> ColumnDifference | None:
    """Compares (windows,) values; None if they are equal. NaN equals only NaN."""
    one_sided: npt.NDArray[np.bool_] = np.isnan(first) != np.isnan(second)
    difference = np.nan_to_num(np.abs(second - first))
    if not (one_sided.any() or difference.any()):
        return None
    on_both_sides = ~np.isnan(second - first)
    spread = np.nanstd(np.concatenate([first, second])) if on_both_sides.any() else 0.0
    rms = float(np.sqrt(np.mean(difference[on_both_sides] ** 2))) if on_both_sides.any() else 0.0
    return ColumnDifference(
        name=name,
        largest=float(difference.max()),
        window=int(np.argmax(difference if difference.any() else one_sided)),
        relative=rms / float(spread) if spread else 0.0,
        missing=int(one_sided.sum()),
    )


def _count_differing_texts(first: Video, second: Video, table: str, name: str) -> int:
    """Number of windows whose words differ."""
    pairs = zip(_texts(first, table, name), _texts(second, table, name), strict=False)
    return sum(first_text != second_text for first_text, second_text in pairs)


def _texts(video: Video, table: str, name: str) -> list[str | None]:
    """A column of words per window; the words of a shot apply to all its windows."""
    texts = video.texts(table, name)
    if video.tables[table]["row"] == "window":
        return texts
    return [[*texts, None][shot] for shot in video.shot_of_windows]
