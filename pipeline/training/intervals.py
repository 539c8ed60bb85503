"""95 % intervals and paired tests over videos, or over groups of videos, because windows of one are not independent.

Intervals are those of `annotations.statistics.intervals`: studentised bootstraps, and Student's t below 20 units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.statistics import intervals
from avcues.pipeline.annotations.statistics.intervals import AS_IT_IS, CORRELATION, ERROR, OfSums, Scale

__all__ = ["AS_IT_IS", "CORRELATION", "ERROR", "interval", "mean_interval", "paired", "paired_statistic"]

Floats = npt.NDArray[np.float64]
Statistic = Callable[[Floats], Floats]

_PERMUTATIONS = 9999


def interval(sums: Floats, statistic: Statistic, scale: Scale = AS_IT_IS) -> tuple[float, float]:
    """95 % of a statistic of sums.

    Args:
        sums: (n, d) what each of n independent units adds to the sums.
        statistic: Of (..., d) sums gives (...).
        scale: The scale on which the statistic is resampled.

    Returns:
        NaN where there are fewer than two units, or where the statistic is not defined.
    """
    return intervals.interval(OfSums(sums, statistic), scale)


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
