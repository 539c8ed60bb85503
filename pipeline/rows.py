"""Rows on their way from extractors to tables: columns that grow while a video is decoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from extractors.protocol import FRAME, Columns, Table

_NUMPY: dict[str, npt.DTypeLike] = {"string": object}


@dataclass(frozen=True)
class Rows:
    """A table's finished rows.

    Args:
        columns: Arrays of one length in the table's column order.
        present: Rows that were measured; the others are null throughout. None: all.
        windows: For item tables, the window of each row.
    """

    table: Table
    columns: Columns
    present: npt.NDArray[np.bool_] | None = None
    windows: npt.NDArray[np.int32] | None = None


class WindowRows:
    """Collects the rows of a window table, in any order, one frame's row for every window that shows the frame."""

    def __init__(self, table: Table, expected_windows: int) -> None:
        self._table = table
        capacity = max(1, expected_windows)
        self._present = np.zeros(capacity, bool)
        self._columns: dict[str, npt.NDArray[Any]] = {
            c.name: np.empty(capacity, _NUMPY.get(c.dtype, c.dtype)) for c in table.columns
        }

    def add(self, shown: Sequence[range], columns: Columns) -> None:
        """Takes one row per frame; row i goes to the windows `shown[i]`."""
        windows = np.concatenate([np.arange(r.start, r.stop) for r in shown])
        source = np.repeat(np.arange(len(shown)), [len(r) for r in shown])
        if len(windows) and windows.max() >= len(self._present):
            self._grow(int(windows.max()) + 1)
        self._present[windows] = True
        for name, values in self._columns.items():
            values[windows] = np.asarray(columns[name])[source]

    def finish(self, windows: int) -> Rows:
        """The table's first `windows` rows."""
        if windows > len(self._present):
            self._grow(windows)
        columns = {name: values[:windows] for name, values in self._columns.items()}
        return Rows(self._table, columns, self._present[:windows])

    def _grow(self, needed: int) -> None:
        extra = max(needed - len(self._present), len(self._present) // 2)
        self._present = np.pad(self._present, (0, extra))
        for name, values in self._columns.items():
            self._columns[name] = np.concatenate([values, np.empty(extra, values.dtype)])


class ItemRows:
    """Collects the rows of an item table; an item on a frame appears in every window that shows the frame."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._windows: list[npt.NDArray[np.int32]] = []
        self._columns: dict[str, list[npt.NDArray[Any]]] = {c.name: [] for c in table.columns}

    def add(self, shown: Sequence[range], columns: Columns) -> None:
        """Takes items that name their frame in the column `FRAME`, in frame order."""
        frames = np.asarray(columns[FRAME], np.intp)
        windows, source = [], []
        for frame, windows_of_frame in enumerate(shown):
            items = np.flatnonzero(frames == frame)
            for window in windows_of_frame:
                windows.append(np.full(len(items), window, np.int32))
                source.append(items)
        self._windows.append(np.concatenate(windows or [np.empty(0, np.int32)]))
        order = np.concatenate(source or [np.empty(0, np.intp)])
        for name, parts in self._columns.items():
            parts.append(np.asarray(columns[name])[order])

    def finish(self, windows: int) -> Rows:
        """The items of the first `windows` windows."""
        of_window = np.concatenate([np.empty(0, np.int32), *self._windows])
        kept = of_window < windows
        columns = {}
        for column in self._table.columns:
            empty: npt.NDArray[Any] = np.empty(0, _NUMPY.get(column.dtype, column.dtype))
            columns[column.name] = np.concatenate([empty, *self._columns[column.name]])[kept]
        return Rows(self._table, columns, windows=of_window[kept])


def whole(table: Table, columns: Columns, present: npt.NDArray[np.bool_] | None = None) -> Rows:
    """Rows that an extractor delivers at once, in the table's column order."""
    ordered: Mapping[str, npt.NDArray[Any]] = {column.name: columns[column.name] for column in table.columns}
    return Rows(table, ordered, present)


def missing_rows(table: Table, windows: int) -> Rows:
    """The rows of a table whose stream the video does not have: nulls per window, no items."""
    count = windows if table.row == "window" else 0
    columns = {c.name: np.zeros(count, _NUMPY.get(c.dtype, c.dtype)) for c in table.columns}
    if table.row == "window":
        return Rows(table, columns, present=np.zeros(count, bool))
    return Rows(table, columns, windows=np.empty(0, np.int32))
