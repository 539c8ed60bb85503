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

_NUMPY_DTYPES: dict[str, npt.DTypeLike] = {"string": object}


@dataclass(frozen=True)
class PendingTables:
    """The tables of an extractor that may still be working.

    Args:
        needs_network: Whether the extractor runs a network, which takes long.
        finish: Waits for the last batch of the extractor and returns its tables.
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
        self._has_values = np.zeros(capacity, bool)
        self._columns: dict[str, npt.NDArray[Any]] = {
            column.name: np.empty(capacity, _NUMPY_DTYPES.get(column.dtype, column.dtype)) for column in table.columns
        }

    def add(self, windows_of_frame: Sequence[range], columns: Columns) -> None:
        """Takes one row per frame; row i goes to the windows `windows_of_frame[i]`."""
        window_of_row = np.concatenate([np.arange(windows.start, windows.stop) for windows in windows_of_frame])
        frame_of_row = np.repeat(np.arange(len(windows_of_frame)), [len(windows) for windows in windows_of_frame])
        if len(window_of_row) and window_of_row.max() >= len(self._has_values):
            self._grow(int(window_of_row.max()) + 1)
        self._has_values[window_of_row] = True
        for name, values in self._columns.items():
            values[window_of_row] = np.asarray(columns[name])[frame_of_row]

    def finish(self, windows: int) -> TableRows:
        """The table's first `windows` rows."""
        if windows > len(self._has_values):
            self._grow(windows)
        columns = {name: values[:windows] for name, values in self._columns.items()}
        return TableRows(self._table, columns, self._has_values[:windows])

    def _grow(self, min_rows: int) -> None:
        added_rows = max(min_rows - len(self._has_values), len(self._has_values) // 2)
        self._has_values = np.pad(self._has_values, (0, added_rows))
        for name, values in self._columns.items():
            self._columns[name] = np.concatenate([values, np.empty(added_rows, values.dtype)])


class ItemRows:
    """Collects the rows of an item table. An item on a frame is repeated for every window that shows the frame.

    Args:
        table: The table.
        derive_columns: Computes the columns that `add` does not receive from the table's name and all its items; None:
            `add` receives all columns.
    """

    def __init__(self, table: Table, derive_columns: Callable[[str, Items], Columns] | None = None) -> None:
        self._table = table
        self._derive_columns = derive_columns
        self._window_of_row: list[npt.NDArray[np.int32]] = []
        self._columns: dict[str, list[npt.NDArray[Any]]] = {column.name: [] for column in table.columns}

    def add(self, windows_of_frame: Sequence[range], columns: Columns) -> None:
        """Takes items that name their frame in the column `FRAME`, in frame order."""
        frames = np.asarray(columns[FRAME], np.intp)
        window_of_row, item_of_row = [], []
        for frame, windows in enumerate(windows_of_frame):
            items = np.flatnonzero(frames == frame)
            for window in windows:
                window_of_row.append(np.full(len(items), window, np.int32))
                item_of_row.append(items)
        self._window_of_row.append(np.concatenate(window_of_row or [np.empty(0, np.int32)]))
        item_order = np.concatenate(item_of_row or [np.empty(0, np.intp)])
        for name, parts in self._columns.items():
            if self._derive_columns is None or name in columns:
                parts.append(np.asarray(columns[name])[item_order])

    def finish(self, shot_of_window: npt.NDArray[np.int32], grid: Grid) -> TableRows:
        """Returns the items in the windows of the video.

        Args:
            shot_of_window: (windows,) number of the shot of each window; -1 without a shot.
            grid: The grid of windows.
        """
        window_of_row = np.concatenate([np.empty(0, np.int32), *self._window_of_row])
        is_in_video = window_of_row < len(shot_of_window)
        window_of_row = window_of_row[is_in_video]
        columns: dict[str, npt.NDArray[Any]] = {}
        for column in self._table.columns:
            empty: npt.NDArray[Any] = np.empty(0, _NUMPY_DTYPES.get(column.dtype, column.dtype))
            collected = np.concatenate([empty, *self._columns[column.name]])
            columns[column.name] = collected[is_in_video] if len(collected) else empty
        if self._derive_columns is not None:
            starts, _ = grid.edges(len(shot_of_window))
            items = Items(columns, starts[window_of_row], shot_of_window[window_of_row], float(grid.step))
            columns.update(self._derive_columns(self._table.name, items))
        return TableRows(self._table, columns, window_of_row=window_of_row)


def rows_from_columns(table: Table, columns: Columns, present: npt.NDArray[np.bool_] | None = None) -> TableRows:
    """Makes rows of complete columns, in the table's column order.

    Args:
        table: The table.
        columns: Values by column name.
        present: Whether each row has values; rows without values are null. None: all have values.
    """
    ordered_columns: Mapping[str, npt.NDArray[Any]] = {column.name: columns[column.name] for column in table.columns}
    return TableRows(table, ordered_columns, present)


def rows_from_transcript(table: Table, columns: Columns) -> TableRows:
    """Makes rows of a table of words: a row per window, or items that name their window in the column `WINDOW`."""
    rows = rows_from_columns(table, columns)
    return rows if table.row == "window" else replace(rows, window_of_row=np.asarray(columns[WINDOW], np.int32))


def null_rows(table: Table, windows: int) -> TableRows:
    """Makes the rows of a table whose stream the video lacks: a row of nulls per window, and no items."""
    count = windows if table.row == "window" else 0
    columns = {column.name: np.zeros(count, _NUMPY_DTYPES.get(column.dtype, column.dtype)) for column in table.columns}
    if table.row == "window":
        return TableRows(table, columns, present=np.zeros(count, bool))
    return TableRows(table, columns, window_of_row=np.empty(0, np.int32))
