"""Numbers the repeated ratings of clips that a rater rated more than once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.ratings.keys import starts

Ints = npt.NDArray[np.int64]

_FEWEST = 5  # a course through a clip has at least this many ratings
_SHARED = 0.5  # two courses share at least this part of the shorter one's time


def numbered(series: Ints, time: npt.NDArray[np.float64], part: Ints) -> Ints:
    """(N,) number of earlier ratings of the clip by the rater, for ratings in the order of their source.

    A new rating of the clip begins where time goes back, where another file has the same time, or where an instant is
    repeated.

    Args:
        series: (N,) codes of rater, clip and dimension.
        time: (N,) seconds; NaN for ratings once per clip.
        part: (N,) index of the source file.
    """
    order = np.argsort(series, kind="stable")
    series, time, part = series[order], np.nan_to_num(time[order], nan=-1.0), part[order]
    earlier_ratings = np.zeros(len(series), np.int64)
    for first, end in zip(begins := starts(series), np.append(begins[1:], len(series)), strict=True):
        earlier_ratings[first:end] = _earlier_ratings(time[first:end], part[first:end])
    numbers = np.empty(len(series), np.int64)
    numbers[order] = earlier_ratings
    return numbers


def _earlier_ratings(time: npt.NDArray[np.float64], part: Ints) -> Ints:
    restarts = (np.diff(time) < 0) | ((np.diff(part) != 0) & (np.diff(time) <= 0))
    course = np.concatenate([[0], np.cumsum(restarts)])
    # Two courses may alternate row by row: equal instants of one course are numbered.
    instant = np.unique(np.column_stack([course, time]), axis=0, return_inverse=True)[1].ravel()
    order = np.argsort(instant, kind="stable")
    rank_at_instant = np.empty(len(time), np.int64)
    rank_at_instant[order] = np.arange(len(time)) - np.searchsorted(instant[order], instant[order])
    return np.asarray(course + rank_at_instant)


def looks_repeated(time: npt.NDArray[np.float64]) -> bool:
    """Whether a series, in the order of its source, runs through the clip twice rather than being unsorted."""
    restart = np.flatnonzero(np.diff(time) < 0) + 1
    if len(restart) != 1:
        return False
    first, second = np.split(time, restart)
    if min(len(first), len(second)) < _FEWEST:
        return False
    shared = min(first[-1], second[-1]) - max(first[0], second[0])
    return bool(shared >= _SHARED * min(np.ptp(first), np.ptp(second)))


def counts_down(time: npt.NDArray[np.float64]) -> bool:
    """Whether the times of a series, in the order of its source, only decrease."""
    return len(time) >= _FEWEST and bool((np.diff(time) < 0).all())


def repeat_column(column: Sequence[int | None] | npt.NDArray[np.float64]) -> Ints | None:
    """A column `repeat` as integers, 0 for empty cells; None: it holds anything but 0, 1, 2, ..."""
    values = np.nan_to_num(np.array(column, np.float64))
    return values.astype(np.int64) if (values >= 0).all() and (values % 1 == 0).all() else None
