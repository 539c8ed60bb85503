"""95 % intervals and paired tests over videos, or over groups of videos, because windows of one are not independent.

Intervals are studentised bootstraps (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 12): videos
are drawn, and each draw's deviation is measured in its own standard error, which the jackknife gives. Percentiles of
the draws themselves are too narrow where videos are few. Below 20 units, quantiles of Student's t take the place of
draws. Correlations are resampled as their inverse hyperbolic tangent and errors as their logarithm, on which scales the
standard error hardly depends on the value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
Scale = tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]

_RESAMPLES = 2000
_PERMUTATIONS = 9999
_AT_ONCE = 1 << 21  # numbers in memory
_FEWEST = 20  # below, draws of skewed scores give intervals twice as wide that hold the truth no more often
_BOUND = 1 - 1e-12

AS_IT_IS: Scale = (lambda x: x, lambda x: x)
CORRELATION: Scale = (lambda x: np.arctanh(np.clip(x, -_BOUND, _BOUND)), np.tanh)
ERROR: Scale = (lambda x: np.log(np.maximum(x, 1e-300)), np.exp)


def interval(sums: Floats, statistic: Statistic, scale: Scale = AS_IT_IS) -> tuple[float, float]:
    """95 % of a statistic of sums.

    Args:
        sums: (n, d) what each of n independent units adds to the sums.
        statistic: Of (..., d) sums gives (...).
        scale: The scale on which the statistic is resampled, and the way back.

    Returns:
        NaN where there are fewer than two units, or where the statistic is not defined.
    """
    count = len(sums)
    forth, back = scale
    if count < 2:
        return float("nan"), float("nan")

    def with_error(drawn: Floats) -> tuple[Floats, Floats]:
        """(B,) the statistic of (B, n, d) and its standard error."""
        total = drawn.sum(axis=1)
        undrawn = forth(statistic(total[:, None, :] - drawn))
        squares = ((undrawn - undrawn.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        return forth(statistic(total)), np.sqrt(squares * (count - 1) / count)

    with np.errstate(all="ignore"):
        (value,), (error,) = with_error(sums[None])
        if not np.isfinite(value) or not np.isfinite(error):
            return float("nan"), float("nan")
        if count < _FEWEST:
            low, high = stats.t.ppf([0.025, 0.975], count - 1)
        else:
            drawn = np.random.default_rng(0).integers(0, count, (_RESAMPLES, count))
            pieces = np.array_split(drawn, -(-_RESAMPLES * sums.size // _AT_ONCE))
            values, errors = np.concatenate([with_error(sums[piece]) for piece in pieces], axis=1)
            t = (values - value) / errors
            t = t[np.isfinite(t)]
            if not len(t) or error == 0:
                return float(back(value)), float(back(value))
            low, high = np.percentile(t, [2.5, 97.5])
        ends = back(np.array([value - high * error, value - low * error]))
    return float(ends[0]), float(ends[1])


def mean_interval(
    values: Floats, groups: Sequence[str] | None = None, possible: tuple[float, float] = (-np.inf, np.inf)
) -> tuple[float, float]:
    """95 % of the mean of (n,) values.

    Args:
        groups: The group of each value; None: each is a unit of its own.
        possible: The lowest and highest possible value, beyond which no end lies.
    """
    units = by_group(np.column_stack([values, np.ones(len(values))]), groups)
    low, high = np.clip(interval(units, lambda s: s[..., 0] / s[..., 1]), *possible)
    return float(low), float(high)


def by_group(sums: Floats, groups: Sequence[str] | None) -> Floats:
    """(groups, d) the sums of (n, d) rows by group."""
    if groups is None:
        return sums
    unit = np.unique(np.array(groups), return_inverse=True)[1]
    total = np.zeros((unit.max(initial=-1) + 1, sums.shape[1]))
    np.add.at(total, unit, sums)
    return total


def paired(first: Floats, second: Floats, groups: Sequence[str] | None = None) -> dict[str, Any]:
    """Whether one model is better than another on the same videos.

    Args:
        first: (videos,) scores.
        second: (videos,) scores of the same videos.
        groups: The group of each video.

    Returns:
        The mean difference with its 95 % interval over videos or groups, and the two-sided p of a permutation test that
        swaps the models' scores within them.
    """
    differences = first - second
    totals = by_group(differences[:, None], groups)[:, 0]
    observed = abs(totals.sum())
    extreme = int((np.abs((_signs(len(totals)) * totals).sum(axis=1)) >= observed - 1e-12 * len(differences)).sum())
    low, high = mean_interval(differences, groups)
    return {
        "videos": len(differences),
        **_group_count(groups),
        "difference": float(differences.mean()),
        "low": _json(low),
        "high": _json(high),
        "p": (1 + extreme) / (1 + _PERMUTATIONS),
    }


def paired_statistic(
    first: Floats, second: Floats, statistic: Statistic, groups: Sequence[str] | None = None
) -> dict[str, Any]:
    """As `paired`, for a statistic of all videos together.

    Args:
        first: (videos, d) what each video adds to the sums of one model.
        second: (videos, d) to the sums of the other.
        statistic: Of (..., d) sums gives (...).
    """
    videos = len(first)
    first, second = by_group(first, groups), by_group(second, groups)
    unswapped = (_signs(len(first)) > 0).astype(np.float64)
    total = first + second

    def difference(drawn: Floats) -> Floats:
        return np.asarray(statistic(drawn) - statistic(total.sum(axis=0) - drawn))

    observed = float(difference(first.sum(axis=0)))
    swapped = difference(unswapped @ first + (1 - unswapped) @ second)
    extreme = int((np.abs(swapped) >= abs(observed) - 1e-12).sum())
    width = first.shape[1]
    low, high = interval(
        np.column_stack([first, second]), lambda sums: statistic(sums[..., :width]) - statistic(sums[..., width:])
    )
    return {
        "videos": videos,
        **_group_count(groups),
        "difference": observed,
        "low": _json(low),
        "high": _json(high),
        "p": (1 + extreme) / (1 + _PERMUTATIONS),
    }


def _signs(count: int) -> Floats:
    return np.random.default_rng(0).choice([-1.0, 1.0], (_PERMUTATIONS, count))


def _group_count(groups: Sequence[str] | None) -> Mapping[str, int]:
    return {} if groups is None else {"groups": len(set(groups))}


def _json(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
