"""Ratings per window, by the rule of the feature tables: the value when the window's first instant was on screen."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from avcues.pipeline.collection.design.rating import Axis, Plane, TimeSlider
from avcues.pipeline.collection.export.trace import Trace, Values
from avcues.pipeline.timeline import Grid

_DECIMALS = 5


def sample_ratings(
    trace: Trace, rating: Plane | TimeSlider, duration_s: float, step: Fraction
) -> tuple[Values, dict[str, Values]]:
    """Samples the ratings of a clip on a grid.

    Args:
        duration_s: Duration of the clip.
        step: Seconds between samples.

    Returns:
        (n,) instants k * step in seconds, and for each dimension (n,) values; NaN before the first rating.
    """
    windows = Grid(step).count(Fraction(duration_s).limit_denominator(1_000_000))
    times = np.array([float(k * step) for k in range(windows)])
    positions = trace.position(trace.page_ms(times))
    columns = (positions[:, 0], positions[:, 1]) if isinstance(rating, Plane) else (positions[:, 1],)
    return times, {axis.name: _scaled(axis, column) for axis, column in zip(rating.axes, columns, strict=True)}


def _scaled(axis: Axis, part: Values) -> Values:
    return np.clip(np.round(axis.low + (axis.high - axis.low) * part, _DECIMALS), axis.low, axis.high)
