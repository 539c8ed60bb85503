"""Clips that a rater rated again: which ratings are the first, which the second, and so on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.ratings.keys import starts

Ints = npt.NDArray[np.int64]

_FEWEST = 5  # ratings of each of two courses that look like two
_SHARED = 0.5  # of the time of the shorter one


def numbered(series: Ints, time: npt.NDArray[np.float64], part: Ints) -> Ints:
    """The number of times that a rater had rated the clip before, for ratings in the order of their source.

    A rating begins anew where time goes back, where another file has the same time, or where the same instant is
    repeated.

    Args:
        series: (N,) who rated what.
        time: (N,) seconds; NaN for ratings once per clip.
        part: (N,) which file each is from.
    """
    order = np.argsort(series, kind="stable")
    series, time, part = series[order], np.nan_to_num(time[order], nan=-1.0), part[order]
    earlier_ratings = np.zeros(len(series), np.int64)
    for first, last in zip(begins := starts(series), np.append(begins[1:], len(series)), strict=True):
        earlier_ratings[first:last] = _earlier_ratings(time[first:last], part[first:last])
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
    """Whether one series, in the order of its source, is two courses over the same time rather than in disorder."""
    back = np.flatnonzero(np.diff(time) < 0) + 1
    if len(back) != 1:
        return False
    first, second = np.split(time, back)
    if min(len(first), len(second)) < _FEWEST:
        return False
    shared = min(first[-1], second[-1]) - max(first[0], second[0])
    return bool(shared >= _SHARED * min(np.ptp(first), np.ptp(second)))


def counts_down(time: npt.NDArray[np.float64]) -> bool:
    """Whether one series, in the order of its source, runs backwards from its last instant to its first."""
    return len(time) >= _FEWEST and bool((np.diff(time) < 0).all())


def repeat_column(column: Sequence[int | None] | npt.NDArray[np.float64]) -> Ints | None:
    """A column `repeat` as numbers, empty cells being 0; None: it holds something else than 0, 1, 2, ..."""
    values = np.nan_to_num(np.array(column, np.float64))
    return values.astype(np.int64) if (values >= 0).all() and (values % 1 == 0).all() else None
