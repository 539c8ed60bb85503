"""Shares of negative, neutral and positive ratings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.across_setups.inconsistency import GROUPS, Groups, RatingsBySetup

Values = npt.NDArray[np.float64]

POLARITIES = ("negative", "neutral", "positive")


def polarity(ratings: RatingsBySetup, neutral: tuple[float, float]) -> dict[str, dict[str, tuple[float, ...]]]:
    """By rater ("all": the mean over raters) and setup, the shares of `POLARITIES`."""
    shares_by_rater: dict[str, dict[str, tuple[float, ...]]] = {name: {} for name in (*ratings.raters, "all")}
    for j, setup in enumerate(ratings.setups):
        shares = []
        for i, name in enumerate(ratings.raters):
            clip_ratings = ratings.values[i, np.isfinite(ratings.values[i, :, j]), j]
            if len(clip_ratings):
                shares.append(np.bincount(polarity_of(clip_ratings, neutral), minlength=3) / len(clip_ratings))
                shares_by_rater[name][setup] = tuple(shares[-1].tolist())
        if shares:
            shares_by_rater["all"][setup] = tuple(np.mean(shares, axis=0).tolist())
    return shares_by_rater


def polarities_by_group(
    ratings: RatingsBySetup, group: Groups, neutral: tuple[float, float]
) -> dict[str, tuple[int, ...]]:
    """By group of `GROUPS` ("all": their sum), the number of ratings of the last setup with each polarity."""
    polarity = polarity_of(ratings.values[..., -1], neutral)
    counts = {
        group_name: tuple(np.bincount(polarity[group == j], minlength=3).tolist())
        for j, group_name in enumerate(GROUPS)
    }
    return counts | {"all": tuple(np.sum(list(counts.values()), axis=0).tolist())}


def polarity_of(values: Values, neutral: tuple[float, float]) -> Groups:
    """The index in `POLARITIES` of each value."""
    return np.where(values < neutral[0], 0, np.where(values > neutral[1], 2, 1))
