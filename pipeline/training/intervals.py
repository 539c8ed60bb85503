"""95 % intervals and paired tests over videos or groups of videos: windows of one video are not independent.

Intervals are those of `annotations.statistics.intervals`: studentised bootstraps, and Student's t below 20 units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.statistics import intervals
from avcues.pipeline.annotations.statistics.intervals import CORRELATION, ERROR, IDENTITY, OfSums, Scale

__all__ = ["CORRELATION", "ERROR", "IDENTITY", "interval", "mean_interval", "paired_statistic_test", "paired_test"]

Floats = npt.NDArray[np.float64]
Statistic = Callable[[Floats], Floats]

_PERMUTATIONS = 9999


def interval(sums: Floats, statistic: Statistic, scale: Scale = IDENTITY) -> tuple[float, float]:
    """95 % interval of a statistic of sums.

    Args:
        sums: (n, d) contributions of n independent units to the sums.
        statistic: Maps (..., d) sums to (...) values.
        scale: The scale on which the statistic is resampled.

    Returns:
        The lower and upper bound; NaN if there are fewer than two units or the statistic is undefined.
    """
    return intervals.interval(OfSums(sums, statistic), scale)


def mean_interval(
    values: Floats, groups: Sequence[str] | None = None, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> tuple[float, float]:
    """95 % interval of the mean of (n,) values.

    Args:
        groups: The group of each value; None: each value is a unit of its own.
        bounds: The lowest and highest possible value, to which the interval is clipped.
    """
    units = sum_by_group(np.column_stack([values, np.ones(len(values))]), groups)
    low, high = np.clip(interval(units, lambda s: s[..., 0] / s[..., 1]), *bounds)
    return float(low), float(high)


def sum_by_group(sums: Floats, groups: Sequence[str] | None) -> Floats:
    """(groups, d) sums of (n, d) rows over the rows of each group."""
    if groups is None:
        return sums
    group_index = np.unique(np.array(groups), return_inverse=True)[1]
    group_sums = np.zeros((group_index.max(initial=-1) + 1, sums.shape[1]))
    np.add.at(group_sums, group_index, sums)
    return group_sums


def paired_test(first: Floats, second: Floats, groups: Sequence[str] | None = None) -> dict[str, Any]:
    """Tests whether one model is better than another on the same videos.

    Args:
        first: (videos,) scores.
        second: (videos,) scores of the same videos.
        groups: The group of each video.

    Returns:
        The mean difference with its 95 % interval over videos or groups, and the two-sided p-value of a permutation
        test that swaps the models' scores within each of them.
    """
    differences = first - second
    totals = sum_by_group(differences[:, None], groups)[:, 0]
    observed = abs(totals.sum())
    extreme = int(
        (np.abs((_random_signs(len(totals)) * totals).sum(axis=1)) >= observed - 1e-12 * len(differences)).sum()
    )
    low, high = mean_interval(differences, groups)
    return {
        "videos": len(differences),
        **_group_count(groups),
        "difference": float(differences.mean()),
        "low": finite_or_none(low),
        "high": finite_or_none(high),
        "p": (1 + extreme) / (1 + _PERMUTATIONS),
    }


def paired_statistic_test(
    first: Floats, second: Floats, statistic: Statistic, groups: Sequence[str] | None = None
) -> dict[str, Any]:
    """As `paired_test`, for a statistic of all videos together.

    Args:
        first: (videos, d) contributions of each video to the sums of one model.
        second: (videos, d) contributions to the sums of the other model.
        statistic: Maps (..., d) sums to (...) values.
    """
    videos = len(first)
    first, second = sum_by_group(first, groups), sum_by_group(second, groups)
    unswapped = (_random_signs(len(first)) > 0).astype(np.float64)
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
        "low": finite_or_none(low),
        "high": finite_or_none(high),
        "p": (1 + extreme) / (1 + _PERMUTATIONS),
    }


def _random_signs(count: int) -> Floats:
    return np.random.default_rng(0).choice([-1.0, 1.0], (_PERMUTATIONS, count))


def _group_count(groups: Sequence[str] | None) -> Mapping[str, int]:
    return {} if groups is None else {"groups": len(set(groups))}


def finite_or_none(value: float | np.floating[Any]) -> float | None:
    """A value for JSON, which has no NaN."""
    return float(value) if np.isfinite(value) else None
