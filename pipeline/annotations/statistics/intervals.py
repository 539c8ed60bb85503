"""95 % intervals over independent units: videos, or groups of videos, because windows of one are not independent.

Intervals are studentised bootstraps (Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 12): units
are drawn, and each draw's deviation is measured in its own standard error, which the jackknife gives. Percentiles of
the draws themselves are too narrow where units are few. Below 20 units, quantiles of Student's t take the place of
draws. Statistics are resampled on a scale on which their standard error hardly depends on their value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

REPLICATES = 2000
FEW_UNITS = 20
"""With fewer units, bootstrap intervals of skewed scores are twice as wide but cover no more."""

_TAIL = 0.025  # probability beyond either end of an interval
_NUMBERS_AT_ONCE = 1 << 21  # most numbers in memory
_BOUND = 1 - 1e-12


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The scale on which a statistic is resampled.

    Args:
        transform: From values to the scale.
        inverse: From the scale to values.
        lowest: The lowest possible value, below which no interval reaches.
        highest: The highest possible value.
    """

    transform: Callable[[Values], Values] = lambda x: x
    inverse: Callable[[Values], Values] = lambda x: x
    lowest: float = -np.inf
    highest: float = np.inf


IDENTITY = Scale()
COEFFICIENT = Scale(lowest=-1, highest=1)
"""For means of correlations and coefficients of agreement, whose intervals cover less on other scales."""

SHARE = Scale(lowest=0, highest=1)
CORRELATION = Scale(transform=lambda x: np.arctanh(np.clip(x, -_BOUND, _BOUND)), inverse=np.tanh)
ERROR = Scale(transform=lambda x: np.log(np.maximum(x, 1e-300)), inverse=np.exp)
DISTANCE = Scale(lowest=0)
"""For differences between ratings, many of which may be zero."""


class Statistic(Protocol):
    """A statistic of units, each of which may be drawn several times."""

    @property
    def units(self) -> int:
        """Number of units."""
        ...

    @property
    def numbers(self) -> int:
        """Numbers in memory per draw and unit."""
        ...

    def of(self, counts: Values) -> Values:
        """(B,) the statistic of samples, given (B, units) how often each unit is drawn; NaN where undefined."""
        ...

    def without_each(self, counts: Values) -> Values:
        """(B, units) the statistic with one copy of each unit left out; meaningless for units that are not drawn."""
        ...


@dataclass(frozen=True)
class OfSums:
    """A statistic of sums over units.

    Args:
        sums: (units, d) the terms of each unit.
        function: From (..., d) sums to (...) values.
    """

    sums: Values
    function: Callable[[Values], Values]

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.sums)

    @property
    def numbers(self) -> int:
        """Numbers in memory per draw and unit."""
        return self.sums.shape[1]

    def of(self, counts: Values) -> Values:
        """As for `Statistic`."""
        return self.function(counts @ self.sums)

    def without_each(self, counts: Values) -> Values:
        """As for `Statistic`."""
        return self.function((counts @ self.sums)[:, None, :] - self.sums)


def interval(
    statistic: Statistic, scale: Scale = IDENTITY, *, replicates: int = REPLICATES, seed: int = 0
) -> tuple[float, float]:
    """The 95 % interval of a statistic.

    Args:
        scale: The scale on which the statistic is resampled.
        replicates: Number of draws, if there are 20 units or more.
        seed: Seed of the draws.

    Returns:
        Both ends; NaN if there are fewer than two units, or where the statistic is not defined with all units, without
        one of them, or in most draws.
    """
    from scipy import stats

    units = statistic.units
    if units < 2:
        return float("nan"), float("nan")

    def with_errors(counts: Values) -> tuple[Values, Values]:
        """(B,) the statistic and its standard error on the scale."""
        without_unit = scale.transform(statistic.without_each(counts))
        drawn = counts > 0
        mean = np.where(drawn, counts * without_unit, 0).sum(axis=1, keepdims=True) / units
        squares = np.where(drawn, counts * (without_unit - mean) ** 2, 0).sum(axis=1)
        return scale.transform(statistic.of(counts)), np.sqrt(squares * (units - 1) / units)

    with np.errstate(all="ignore"):
        (value,), (error,) = with_errors(np.ones((1, units)))
        if not np.isfinite(value) or not np.isfinite(error):
            return float("nan"), float("nan")
        if units < FEW_UNITS:
            low, high = stats.t.ppf([_TAIL, 1 - _TAIL], units - 1)
        else:
            counts = _draws(units, replicates, seed)
            pieces = np.array_split(counts, -(-counts.size * statistic.numbers // _NUMBERS_AT_ONCE))
            values, errors = np.concatenate([with_errors(piece) for piece in pieces], axis=1)
            t = (values - value) / errors
            t = t[np.isfinite(t)]
            if error == 0:
                low = high = 0.0
            elif len(t) < replicates / 2:
                return float("nan"), float("nan")
            else:
                low, high = np.percentile(t, [100 * _TAIL, 100 * (1 - _TAIL)])
        ends = np.clip(
            scale.inverse(np.array([value - high * error, value - low * error])), scale.lowest, scale.highest
        )
    return float(ends[0]), float(ends[1])


def _draws(units: int, replicates: int, seed: int) -> Values:
    """(replicates, units) how often each unit is drawn."""
    drawn = np.random.default_rng(seed).integers(0, units, (replicates, units))
    drawn += units * np.arange(replicates)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=replicates * units)
    return counts.reshape(replicates, units).astype(np.float64)
