"""Puts logs of changes on a grid of windows: a value holds until the next one.

Sliders that write when they are moved, key presses and PAGAN's logs have no entry while the rating stays the same. The
value of a window is the mean over time of the values that hold in it, from the first entry to the end of the clip.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.ratings.keys import starts

Ints = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


def windows_of_log(key: Ints, time: Values, value: Values, end: Values, step: float) -> tuple[Ints, Ints, Values]:
    """Averages logs of changes in windows.

    Args:
        key: (N,) the series of each entry, in any order.
        time: (N,) seconds.
        value: (N,) finite.
        end: (N,) seconds until which the last value of the entry's series holds.
        step: Seconds per window.

    Returns:
        (M,) series, windows (0 or later) and values.
    """
    order = np.lexsort((time, key))
    key, time, value, end = key[order], time[order], value[order], end[order]
    begins = starts(key)
    series, windows, means = [], [], []
    for first, stop in zip(begins, np.append(begins[1:], len(key)), strict=True):
        times = time[first:stop]
        # The last value holds at least until the end of its own window.
        log_end = max(end[first], (np.floor(times[-1] / step) + 1) * step)
        knots = np.append(times, log_end)
        area = np.concatenate([[0.0], np.cumsum(value[first:stop] * np.diff(knots))])
        window = np.arange(max(0, int(np.floor(times[0] / step))), int(np.ceil(round(log_end / step, 6))))
        edges = np.clip(np.append(window, window[-1:] + 1) * step, times[0], log_end) if len(window) else knots[:0]
        covered = np.diff(edges)
        used = covered > 1e-9
        series.append(np.full(int(used.sum()), key[first]))
        windows.append(window[used])
        means.append(np.diff(np.interp(edges, knots, area))[used] / covered[used])
    if not series:
        return key, key, value
    return np.concatenate(series), np.concatenate(windows), np.concatenate(means)
