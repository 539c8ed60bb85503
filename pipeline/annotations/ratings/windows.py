"""One value per window of a series, and short gaps between windows filled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.ratings.keys import starts

Values = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]


def one_per_window(owner: Ints, window: Ints, value: Values) -> tuple[Ints, Ints, Values]:
    """Sorts values by series and window, and averages those of one window."""
    ahead = np.diff(window)
    same = np.diff(owner)
    if ((same > 0) | ((same == 0) & (ahead > 0))).all():
        return owner, window, value
    windows = int(window.max(initial=0)) + 1
    key = owner.astype(np.int64) * windows + window
    order = np.argsort(key, kind="stable")
    key, value = key[order], value[order]
    begins = starts(key)
    if len(begins) < len(key):
        value = np.add.reduceat(value, begins) / np.diff(np.append(begins, len(key)))
        key = key[begins]
    return (key // windows).astype(np.int32), (key % windows).astype(np.int32), value


def bridged(owner: Ints, window: Ints, value: Values, gap: int) -> tuple[Ints, Ints, Values]:
    """Fills gaps of at most `gap` windows within a series by linear interpolation."""
    ahead = np.where(owner[1:] == owner[:-1], np.diff(window), 0)
    before = np.flatnonzero((ahead > 1) & (ahead <= gap + 1))
    if not len(before):
        return owner, window, value
    times = np.ones(len(value), np.int64)
    times[before] = ahead[before]
    slope = np.zeros(len(value))
    slope[before] = (value[before + 1] - value[before]) / ahead[before]
    value_before = np.repeat(np.arange(len(value)), times)
    offset = np.arange(len(value_before)) - np.repeat(np.cumsum(times) - times, times)
    return (
        owner[value_before],
        (window[value_before] + offset).astype(np.int32),
        value[value_before] + slope[value_before] * offset,
    )
