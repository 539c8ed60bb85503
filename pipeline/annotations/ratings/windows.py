"""Averages values within a window, and fills short gaps between windows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.ratings.keys import starts

Values = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]


def one_per_window(series_index: Ints, window: Ints, value: Values) -> tuple[Ints, Ints, Values]:
    """Sorts values by series and window, and averages those of one window."""
    window_step = np.diff(window)
    series_step = np.diff(series_index)
    if ((series_step > 0) | ((series_step == 0) & (window_step > 0))).all():
        return series_index, window, value
    windows = int(window.max(initial=0)) + 1
    key = series_index.astype(np.int64) * windows + window
    order = np.argsort(key, kind="stable")
    key, value = key[order], value[order]
    begins = starts(key)
    if len(begins) < len(key):
        value = np.add.reduceat(value, begins) / np.diff(np.append(begins, len(key)))
        key = key[begins]
    return (key // windows).astype(np.int32), (key % windows).astype(np.int32), value


def bridged(series_index: Ints, window: Ints, value: Values, gap: int) -> tuple[Ints, Ints, Values]:
    """Fills gaps of at most `gap` windows within a series by linear interpolation."""
    window_step = np.where(series_index[1:] == series_index[:-1], np.diff(window), 0)
    gap_start = np.flatnonzero((window_step > 1) & (window_step <= gap + 1))
    if not len(gap_start):
        return series_index, window, value
    times = np.ones(len(value), np.int64)
    times[gap_start] = window_step[gap_start]
    slope = np.zeros(len(value))
    slope[gap_start] = (value[gap_start + 1] - value[gap_start]) / window_step[gap_start]
    value_before = np.repeat(np.arange(len(value)), times)
    offset = np.arange(len(value_before)) - np.repeat(np.cumsum(times) - times, times)
    return (
        series_index[value_before],
        (window[value_before] + offset).astype(np.int32),
        value[value_before] + slope[value_before] * offset,
    )
