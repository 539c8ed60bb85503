"""Measures how late a rater's pointer follows a moving point."""

from __future__ import annotations

import numpy as np

from avcues.pipeline.collection.export.trace import Trace, Values

_RATE_HZ = 100
_SETTLED_S = 2.0
_MAX_LAG_S = 2.0
_MAX_DISTANCE = 0.12
"""Mean distance, relative to the side of the plane, beyond which the point was not followed."""


def point_path(seconds: Values) -> Values:
    """(n, 2) positions of the point at (n,) seconds, 0..1; `assets/follow.js` has the same path."""
    angle = 2 * np.pi * np.asarray(seconds)
    x = 0.5 + 0.24 * np.sin(0.11 * angle) + 0.14 * np.sin(0.23 * angle)
    y = 0.5 + 0.24 * np.sin(0.09 * angle) + 0.14 * np.sin(0.19 * angle + 1) - 0.14 * np.sin(1)
    return np.stack([x, y], -1)


def lag_s(trace: Trace) -> float | None:
    """The lag of the pointer in seconds; None if the point was not followed."""
    if len(trace.clock) < 2 or len(trace.moves) < 2:
        return None
    start = trace.clock[0, 0] - trace.clock[0, 1] * 1000
    end = trace.clock[-1, 1]
    times = np.arange(_SETTLED_S, end, 1 / _RATE_HZ)
    if len(times) < 2 * _RATE_HZ:
        return None
    pointer = trace.position(start + times * 1000)
    lags = np.arange(round(_MAX_LAG_S * _RATE_HZ) + 1) / _RATE_HZ
    distances = np.array([np.linalg.norm(pointer - point_path(times - lag), axis=1).mean() for lag in lags])
    best = int(np.nanargmin(distances)) if np.isfinite(distances).any() else 0
    if not distances[best] < _MAX_DISTANCE:
        return None
    return float(lags[best])
