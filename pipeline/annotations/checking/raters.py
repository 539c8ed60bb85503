"""Each rater compared with the others: agreement, scale, and reaction lag."""

from __future__ import annotations

from typing import Any

import numpy as np

from avcues.pipeline.annotations.ratings.series import Series
from avcues.pipeline.annotations.ratings.wording import counted, listed
from avcues.pipeline.annotations.statistics.consensus import Values, mean_of_others, pearson

_LAGS = tuple(range(-6, 7))
_FEWEST_SERIES = 5
_AGAINST = -3.0
"""Standard score of a rater's mean correlation with the others below which the rater contradicts them."""

_OFF_SCALE = 3.0
"""A rater is off scale whose values lie beyond the others' range by more than this many times its width."""

_SMALL_SCALE = 0.02
"""A rater is off scale whose range is narrower than this share of the others' range."""

_FEWEST_OTHERS = 2


def beside_others(series: Series) -> list[dict[str, Any]]:
    """Per rater and dimension, the correlation with the mean of the others, over windows or over clips."""
    rater, dimension, scores = [], [], []
    for cells in series.cells():
        others_means = mean_of_others(cells.values)
        over_time = cells.codes["video_id"][0] >= 0
        lagged = [_shifted(cells.values, lag) for lag in _LAGS] if over_time else [cells.values]
        score = np.stack([pearson(shifted, others_means) for shifted in lagged], -1)
        cell, slot = np.nonzero(cells.rater >= 0)
        rater.append(cells.rater[cell, slot])
        dimension.append(cells.codes["dimension"][cell])
        scores.append(score[cell, slot])
    if not rater:
        return []
    raters, dimensions, score = np.concatenate(rater), np.concatenate(dimension), np.concatenate(scores)
    rows = []
    for key in np.unique(dimensions * len(series.names["rater"]) + raters):
        rater_rows = (dimensions == key // len(series.names["rater"])) & (raters == key % len(series.names["rater"]))
        rows.append(_of_rater(series, key, score[rater_rows]))
    return rows


def _of_rater(series: Series, key: int, score: Values) -> dict[str, Any]:
    unmoved = score[:, score.shape[1] // 2]
    unmoved = unmoved[np.isfinite(unmoved)]
    row: dict[str, Any] = {
        "rater": series.names["rater"][key % len(series.names["rater"])],
        "dimension": series.names["dimension"][key // len(series.names["rater"])],
        "series": len(unmoved),
        "correlation": round(float(unmoved.mean()), 4) if len(unmoved) else None,
        "standard_error": round(float(unmoved.std(ddof=1) / np.sqrt(len(unmoved))), 4) if len(unmoved) > 1 else None,
        "lag_s": None,
    }
    if score.shape[1] > 1 and np.isfinite(score).any():
        is_scored = np.isfinite(score).all(1)
        if is_scored.any():
            row["lag_s"] = _LAGS[int(score[is_scored].mean(0).argmax())] * float(series.step)
    return row


def _shifted(values: Values, lag: int) -> Values:
    """(..., windows) the ratings `lag` windows later."""
    shifted = np.full_like(values, np.nan)
    if abs(lag) >= values.shape[-1]:
        return shifted
    if lag >= 0:
        shifted[..., : values.shape[-1] - lag] = values[..., lag:]
    else:
        shifted[..., -lag:] = values[..., :lag]
    return shifted


def contradictions(rows: list[dict[str, Any]]) -> list[str]:
    """A line for each rater who contradicts the others, from the rows of `beside_others`."""
    return [
        f"rater {row['rater']} contradicts the others in {row['dimension']}: mean correlation {row['correlation']:.2f} "
        f"over {row['series']} series"
        for row in rows
        if row["series"] >= _FEWEST_SERIES and row["correlation"] < _AGAINST * (row["standard_error"] or 0) < 0
    ]


def off_scale(series: Series) -> list[str]:
    """A line for each rater whose numbers lie on another scale than those of at least two others."""
    lines = []
    series_index = series.series_index
    dimension, rater = series.codes["dimension"][series_index], series.codes["rater"][series_index]
    for dimension_code in np.unique(dimension):
        rows = dimension == dimension_code
        raters = np.unique(rater[rows])
        if len(raters) <= _FEWEST_OTHERS:
            continue
        ends = np.array([np.percentile(series.value[rows & (rater == rater_code)], (1, 99)) for rater_code in raters])
        for i, rater_code in enumerate(raters):
            other_ends = _of_one_scale(np.delete(ends, i, 0))
            low, high = np.percentile(other_ends[:, 0], 25), np.percentile(other_ends[:, 1], 75)
            if high <= low:
                continue
            excess = max(ends[i, 1] - high, low - ends[i, 0]) / (high - low)
            is_narrow = 0 < ends[i, 1] - ends[i, 0] < _SMALL_SCALE * np.median(other_ends[:, 1] - other_ends[:, 0])
            if excess > _OFF_SCALE or is_narrow:
                own_range, others_range = (f"{a:.3g} to {b:.3g}" for a, b in (ends[i], (low, high)))
                lines.append(
                    f"rater {series.names['rater'][rater_code]} is off everyone's scale in "
                    f"{series.names['dimension'][dimension_code]}: {own_range}, the others {others_range}; "
                    "correct the source, or leave the column out if it is no rater"
                )
    return lines


def _of_one_scale(ends: Values) -> Values:
    """(raters, 2) the ranges that are at most some times wider than the narrower half of them.

    Otherwise one rater who is off scale would make the others seem to be.
    """
    widths = ends[:, 1] - ends[:, 0]
    ordered = np.sort(widths[widths > 0])
    if not len(ordered):
        return ends
    return ends[widths <= ordered[(len(ordered) - 1) // 2] / _SMALL_SCALE]


def without_series(all_series: Series, usable_series: Series) -> list[str]:
    """A line that names the raters whose series of a dimension are all unusable."""
    raters, dimensions = all_series.names["rater"], all_series.names["dimension"]
    keys_before, keys_after = (
        series.codes["dimension"] * len(raters) + series.codes["rater"] for series in (all_series, usable_series)
    )
    lost_keys = np.setdiff1d(keys_before, keys_after)
    if not len(lost_keys):
        return []
    named = [f"{raters[key % len(raters)]} ({dimensions[key // len(raters)]})" for key in lost_keys]
    return [f"no usable series of {counted(len(named), 'rater')}: {listed(named)}"]
