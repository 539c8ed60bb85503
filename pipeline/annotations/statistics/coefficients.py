"""Coefficients of agreement, with 95 % bootstrap intervals over videos.

A coefficient that is not defined has a reason instead of a value. Intervals resample videos, with the raters as they
are; the seed is fixed, so reports are reproducible.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.ratings.schema import Level
from avcues.pipeline.annotations.statistics.intervals import (
    COEFFICIENT,
    IDENTITY,
    OfSums,
    Scale,
    Statistic,
    interval,
)

Values = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEWEST_VIDEOS = 5
"""Fewest videos for an interval."""


@dataclass(frozen=True, kw_only=True)
class Coefficient:
    """A number with its interval, or the reason why there is none.

    Args:
        value: The value; None: not defined.
        low: Lower end of the 95 % interval over videos; None: no interval.
        high: Upper end of the interval; None: no interval.
        sd: Standard deviation (ddof 0) of the numbers that the value is the mean of.
        n: Number of these numbers.
        reason: Why there is no value, or no interval.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    sd: float | None = None
    n: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Bootstrap:
    """Options of bootstrap intervals.

    Args:
        replicates: Number of samples of videos; 0: no intervals. With fewer than 20 videos none are drawn.
        seed: Seed of the random numbers.
    """

    replicates: int = 1000
    seed: int = 0


def undefined(reason: str) -> Coefficient:
    """A coefficient without a value."""
    return Coefficient(value=None, reason=reason)


def estimate(
    statistic: Statistic,
    bootstrap: Bootstrap,
    reason: str,
    *,
    scale: Scale = IDENTITY,
    sd: float | None = None,
    n: int | None = None,
) -> Coefficient:
    """A statistic of videos, with its interval.

    Args:
        bootstrap: Number and seed of the samples for the interval.
        reason: Reason to give if the statistic is not defined.
        scale: Scale on which the statistic is resampled.
        sd: `Coefficient.sd`.
        n: `Coefficient.n`.
    """
    videos = statistic.units
    value = float(statistic.of(np.ones((1, videos)))[0]) if videos else np.nan
    if not np.isfinite(value):
        return undefined(reason)
    coefficient = partial(Coefficient, value=value, sd=sd, n=n)
    if bootstrap.replicates == 0:
        return coefficient()
    if videos < FEWEST_VIDEOS:
        return coefficient(reason=f"no interval: fewer than {FEWEST_VIDEOS} videos")
    low, high = interval(statistic, scale, replicates=bootstrap.replicates, seed=bootstrap.seed)
    if not np.isfinite(low) or not np.isfinite(high):
        return coefficient(reason="no interval: not defined without some of the videos")
    return coefficient(low=low, high=high)


def mean_of(values: Values, video: Ints, bootstrap: Bootstrap, reason: str, scale: Scale = COEFFICIENT) -> Coefficient:
    """The mean of numbers that belong to videos, with their standard deviation.

    Args:
        values: (N,) numbers; those that are not finite are ignored.
        video: (N,) codes.
        bootstrap: Number and seed of the samples for the interval.
        reason: Reason to give if no value is finite.
        scale: Scale of the mean, with its lowest and highest possible value.
    """
    is_known = np.isfinite(values)
    _, video = np.unique(video[is_known], return_inverse=True)
    values = values[is_known]
    if not len(values):
        return undefined(reason)
    sums = np.stack([np.bincount(video, values), np.bincount(video).astype(np.float64)], 1)
    mean = OfSums(sums, lambda total: total[..., 0] / total[..., 1])
    return estimate(mean, bootstrap, reason, scale=scale, sd=float(values.std()), n=len(values))


def krippendorff_alpha(
    ratings: npt.ArrayLike,
    level: Level = "interval",
    *,
    videos: npt.ArrayLike | None = None,
    bootstrap: Bootstrap = Bootstrap(),
) -> Coefficient:
    """Krippendorff's alpha: 1 - observed / expected disagreement; ratings may be missing.

    Krippendorff 2011, Computing Krippendorff's alpha-reliability. 1 is perfect agreement, 0 agreement by chance.

    Args:
        ratings: (raters, items) numbers, or codes of categories; NaN is missing.
        level: How disagreement is measured: "nominal" by whether values differ, "ordinal" by the number of ratings
            between them, "interval" by their squared difference.
        videos: (items,) the video of each item, which the interval resamples; None: each item is a video.
        bootstrap: Of the interval.

    Returns:
        Without a value, but with the reason, if no item has two ratings or all ratings are the same.

    >>> krippendorff_alpha([[1, 2, 3, 3], [1, 2, 3, 4]], "nominal", bootstrap=Bootstrap(0)).value
    0.6956521739130435
    """
    x = np.asarray(ratings, np.float64)
    item, rater = np.nonzero(np.isfinite(x.T))
    video_of_item = np.arange(x.shape[1]) if videos is None else np.unique(np.asarray(videos), return_inverse=True)[1]
    return alpha_of(item, x.T[item, rater], video_of_item, level, bootstrap)


def alpha_of(item: Ints, value: Values, video: Ints, level: Level, bootstrap: Bootstrap) -> Coefficient:
    """Krippendorff's alpha of ratings in long form.

    Args:
        item: (N,) index of each rating's item.
        value: (N,) finite values.
        video: (items,) codes.
    """
    count = np.bincount(item, minlength=len(video))
    pairable = count[item] > 1
    if not pairable.any():
        return undefined("no item has two ratings")
    item, value = item[pairable], value[pairable]
    items, item = np.unique(item, return_inverse=True)
    per_item: Values = np.bincount(item).astype(np.float64)
    videos, video = np.unique(video[items], return_inverse=True)
    reason = "all ratings are the same"
    if level == "interval":
        statistic = _interval_alpha(item, value - value.mean(), per_item, video, len(videos))
        if value.min() == value.max():
            return undefined(reason)
    else:
        names, code = np.unique(value, return_inverse=True)
        table = np.zeros((len(items), len(names)))
        np.add.at(table, (item, code), 1)
        level_alpha = _nominal_alpha if level == "nominal" else _ordinal_alpha
        statistic = level_alpha(table, per_item, video, len(videos))
    return estimate(statistic, bootstrap, reason, scale=COEFFICIENT)


def fleiss_kappa(
    ratings: npt.ArrayLike, *, videos: npt.ArrayLike | None = None, bootstrap: Bootstrap = Bootstrap()
) -> Coefficient:
    """Fleiss' kappa: agreement on categories beyond chance, if all items have the same number of ratings.

    Fleiss 1971, Measuring nominal scale agreement among many raters, Psychological Bulletin 76(5). 1 is perfect
    agreement, 0 agreement by chance.

    Args:
        ratings: (raters, items) numbers that stand for categories; NaN is missing.
        videos: (items,) the video of each item, which the interval resamples; None: each item is a video.
        bootstrap: Of the interval.

    Returns:
        Without a value, but with the reason, if items differ in their number of ratings or all ratings are the same.

    >>> round(fleiss_kappa([[1, 1, 2, 2], [1, 1, 2, 1]], bootstrap=Bootstrap(0)).value, 4)
    0.4667
    """
    x = np.asarray(ratings, np.float64)
    item, rater = np.nonzero(np.isfinite(x.T))
    video_of_item = np.arange(x.shape[1]) if videos is None else np.unique(np.asarray(videos), return_inverse=True)[1]
    return kappa_of(item, x.T[item, rater], video_of_item, bootstrap)


def kappa_of(item: Ints, value: Values, video: Ints, bootstrap: Bootstrap) -> Coefficient:
    """Fleiss' kappa of ratings in long form, with the arguments of `alpha_of`."""
    if not len(item):
        return undefined("there are no ratings")
    items, item = np.unique(item, return_inverse=True)
    count = np.bincount(item)
    if count.min() != count.max():
        return undefined(
            f"items have {count.min()} to {count.max()} ratings, and kappa needs the same number of all: see alpha"
        )
    raters = int(count[0])
    if raters < 2:
        return undefined("no item has two ratings")
    names, code = np.unique(value, return_inverse=True)
    table = np.zeros((len(items), len(names)))
    np.add.at(table, (item, code), 1)
    videos, video = np.unique(video[items], return_inverse=True)
    agreement = ((table**2).sum(1) - raters) / (raters * (raters - 1))
    sums = _by_video(np.column_stack([agreement, np.ones(len(items)), table / raters]), video, len(videos))

    def kappa(total: Values) -> Values:
        observed = total[..., 0] / total[..., 1]
        expected = ((total[..., 2:] / total[..., 1:2]) ** 2).sum(-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(expected >= 1 - 1e-12, np.nan, (observed - expected) / (1 - expected))

    return estimate(OfSums(sums, kappa), bootstrap, "all ratings are the same", scale=COEFFICIENT)


def _interval_alpha(item: Ints, value: Values, count: Values, video: Ints, videos: int) -> Statistic:
    item_sums, squares = np.bincount(item, value), np.bincount(item, value**2)
    within = 2 * (count * squares - item_sums**2) / (count - 1)
    sums = _by_video(np.column_stack([count, item_sums, squares, within]), video, videos)

    def alpha(total: Values) -> Values:
        n, item_sums, squares, within = np.moveaxis(total, -1, 0)
        return _alpha(n, within, 2 * (n * squares - item_sums**2))

    return OfSums(sums, alpha)


def _nominal_alpha(table: Values, count: Values, video: Ints, videos: int) -> Statistic:
    within = (table * (count[:, None] - table)).sum(1) / (count - 1)
    sums = _by_video(np.column_stack([within, table]), video, videos)

    def alpha(total: Values) -> Values:
        n = total[..., 1:].sum(-1)
        return _alpha(n, total[..., 0], n**2 - (total[..., 1:] ** 2).sum(-1))

    return OfSums(sums, alpha)


def _ordinal_alpha(table: Values, count: Values, video: Ints, videos: int) -> Statistic:
    """The disagreement of two values depends on how often those between them occur, so each pair has its own sum."""
    first, second = np.triu_indices(table.shape[1], 1)
    pairs = 2 * table[:, first] * table[:, second] / (count[:, None] - 1)
    values = table.shape[1]
    sums = _by_video(np.column_stack([table, pairs]), video, videos)

    def alpha(total: Values) -> Values:
        marginal = total[..., :values]
        n = marginal.sum(-1)
        # The number of ratings between two values, plus half of those at each, is the difference of their mid ranks.
        rank = np.cumsum(marginal, -1) - marginal / 2 - n[..., None] / 2
        observed = (total[..., values:] * (rank[..., first] - rank[..., second]) ** 2).sum(-1)
        return _alpha(n, observed, 2 * (n * (marginal * rank**2).sum(-1) - (marginal * rank).sum(-1) ** 2))

    return OfSums(sums, alpha)


def _alpha(n: Values, observed: Values, expected: Values) -> Values:
    """From n ratings, the summed disagreement within items (weighted by 1/(m - 1)), and that of all pairs."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected <= 1e-12 * n, np.nan, 1 - (n - 1) * observed / expected)


def _by_video(rows: Values, video: Ints, videos: int) -> Values:
    """(videos, columns) sums of rows."""
    total = np.zeros((videos, rows.shape[1]))
    np.add.at(total, video, rows)
    return total
