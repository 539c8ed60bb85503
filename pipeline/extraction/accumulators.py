"""Collects the rows of tables in columns that grow while a video is decoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.extractors.protocol import FRAME, WINDOW, Columns, Items, Table
from avcues.pipeline.store.parquet import TableRows
from avcues.pipeline.timeline import Grid

_NUMPY: dict[str, npt.DTypeLike] = {"string": object}


@dataclass(frozen=True)
class Unfinished:
    """The tables of an extractor that may still be at work.

    Args:
        needs_network: Whether it works with a network, and so for long.
        finish: Waits for its last batch and gives its tables.
    """

    needs_network: bool
    finish: Callable[[], list[TableRows]]


class WindowRows:
    """Collects the rows of a window table in any order. A frame's row is repeated for every window that shows it.

    Args:
        table: The table.
        expected_windows: Estimate of the number of windows, for the size of buffers.
    """

    def __init__(self, table: Table, expected_windows: int) -> None:
        self._table = table
        capacity = max(1, expected_windows)
        self._present = np.zeros(capacity, bool)
        self._columns: dict[str, npt.NDArray[Any]] = {
            c.name: np.empty(capacity, _NUMPY.get(c.dtype, c.dtype)) for c in table.columns
        }

    def add(self, shown: Sequence[range], columns: Columns) -> None:
        """Takes one row per frame; row i goes to the windows `shown[i]`."""
        window_of_row = np.concatenate([np.arange(r.start, r.stop) for r in shown])
        source = np.repeat(np.arange(len(shown)), [len(r) for r in shown])
        if len(window_of_row) and window_of_row.max() >= len(self._present):
            self._grow(int(window_of_row.max()) + 1)
        self._present[window_of_row] = True
        for name, values in self._columns.items():
            values[window_of_row] = np.asarray(columns[name])[source]

    def finish(self, windows: int) -> TableRows:
        """The table's first `windows` rows."""
        if windows > len(self._present):
            self._grow(windows)
        columns = {name: values[:windows] for name, values in self._columns.items()}
        return TableRows(self._table, columns, self._present[:windows])

    def _grow(self, needed: int) -> None:
        extra = max(needed - len(self._present), len(self._present) // 2)
        self._present = np.pad(self._present, (0, extra))
        for name, values in self._columns.items():
            self._columns[name] = np.concatenate([values, np.empty(extra, values.dtype)])


class ItemRows:
    """Collects the rows of an item table. An item on a frame is repeated for every window that shows the frame.

    Args:
        table: The table.
        link: Makes the columns that are not collected, from the table's name and its items.
    """

    def __init__(self, table: Table, link: Callable[[str, Items], Columns] | None = None) -> None:
        self._table = table
        self._link = link
        self._window_of_row: list[npt.NDArray[np.int32]] = []
        self._columns: dict[str, list[npt.NDArray[Any]]] = {c.name: [] for c in table.columns}

    def add(self, shown: Sequence[range], columns: Columns) -> None:
        """Takes items that name their frame in the column `FRAME`, in frame order."""
        frames = np.asarray(columns[FRAME], np.intp)
        window_of_row, source = [], []
        for frame, shown_in in enumerate(shown):
            items = np.flatnonzero(frames == frame)
            for window in shown_in:
                window_of_row.append(np.full(len(items), window, np.int32))
                source.append(items)
        self._window_of_row.append(np.concatenate(window_of_row or [np.empty(0, np.int32)]))
        order = np.concatenate(source or [np.empty(0, np.intp)])
        for name, parts in self._columns.items():
            if self._link is None or name in columns:
                parts.append(np.asarray(columns[name])[order])

    def finish(self, shot_of_window: npt.NDArray[np.int32], grid: Grid) -> TableRows:
        """The items of the windows whose shots are given, -1 where there is none."""
        window_of_row = np.concatenate([np.empty(0, np.int32), *self._window_of_row])
        kept = window_of_row < len(shot_of_window)
        window_of_row = window_of_row[kept]
        columns: dict[str, npt.NDArray[Any]] = {}
        for column in self._table.columns:
            empty: npt.NDArray[Any] = np.empty(0, _NUMPY.get(column.dtype, column.dtype))
            collected = np.concatenate([empty, *self._columns[column.name]])
            columns[column.name] = collected[kept] if len(collected) else empty
        if self._link is not None:
            starts, _ = grid.edges(len(shot_of_window))
            items = Items(columns, starts[window_of_row], shot_of_window[window_of_row], float(grid.step))
            columns.update(self._link(self._table.name, items))
        return TableRows(self._table, columns, window_of_row=window_of_row)


def from_columns(table: Table, columns: Columns, present: npt.NDArray[np.bool_] | None = None) -> TableRows:
    """Makes rows of complete columns, in the table's column order.

    Args:
        table: The table.
        columns: Values by column name.
        present: Whether each row has values; rows without are null. None: all have.
    """
    ordered: Mapping[str, npt.NDArray[Any]] = {column.name: columns[column.name] for column in table.columns}
    return TableRows(table, ordered, present)


def from_transcript(table: Table, columns: Columns) -> TableRows:
    """Makes rows of a table of words: a row per window, or items that name their window in the column `WINDOW`."""
    rows = from_columns(table, columns)
    return rows if table.row == "window" else replace(rows, window_of_row=np.asarray(columns[WINDOW], np.int32))


def missing_rows(table: Table, windows: int) -> TableRows:
    """Makes the rows of a table whose stream the video lacks: a row of nulls per window, and no items."""
    count = windows if table.row == "window" else 0
    columns = {c.name: np.zeros(count, _NUMPY.get(c.dtype, c.dtype)) for c in table.columns}
    if table.row == "window":
        return TableRows(table, columns, present=np.zeros(count, bool))
    return TableRows(table, columns, window_of_row=np.empty(0, np.int32))
