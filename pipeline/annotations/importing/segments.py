"""Lays segments, which have a start and an end, on the grid of windows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from avcues.pipeline.errors import InputError


def on_grid(table: pa.Table, number: np.ndarray, step: float, file: str) -> tuple[pa.Table, np.ndarray]:
    """Makes a row for every window whose middle lies in a segment; a shorter segment gets one row at its own middle.

    Args:
        table: With columns `start` and `end`, in seconds.
        number: (N,) row of each segment in the file.
        step: Seconds per window.
        file: Name of the file, for messages.

    Returns:
        The table with a column `time` in place of `start` and `end`, and the row in the file of each of its rows.

    Raises:
        InputError: A segment has no start or end, or ends before it starts.
    """
    start, end = (table[name].to_numpy() for name in ("start", "end"))
    wrong = ~(np.isfinite(start) & np.isfinite(end) & (end >= start))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise InputError(
            f"{file}: row {number[first]}: the segment runs from {start[first]:g} to {end[first]:g} s; expected a "
            "start and a later end"
        )
    first_window = np.ceil(np.round(start / step - 0.5, 6)).astype(np.int64)
    windows = np.maximum(1, np.ceil(np.round(end / step - 0.5, 6)).astype(np.int64) - first_window)
    segment = np.repeat(np.arange(len(start)), windows)
    window = (
        np.arange(len(segment)) - np.repeat(np.cumsum(windows) - windows, windows) + np.repeat(first_window, windows)
    )
    middle_of_window, middle_of_segment = (window + 0.5) * step, ((start + end) / 2)[segment]
    inside = (middle_of_window >= start[segment] - 1e-6) & (middle_of_window < end[segment] + 1e-6)
    time = np.where(inside, window * step, middle_of_segment)
    rows = table.drop_columns(["start", "end"]).take(pa.array(segment))
    return rows.append_column("time", pa.array(time)), number[segment]
