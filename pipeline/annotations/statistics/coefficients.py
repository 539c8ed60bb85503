"""Coefficients of agreement, with 95 % bootstrap intervals over videos.

A coefficient that is not defined has a reason instead of a value. Intervals resample videos with replacement and
recompute the coefficient from what each video contributes; the seed is fixed, so reports are reproducible.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.ratings.schema import Level

Values = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Statistic = Callable[[Values], Values]
"""(B, V) how often each video counts, in; (B,) values out, NaN where one is not defined."""

_LEVEL = (2.5, 97.5)
_FEWEST_VIDEOS = 2
_CHUNK_VALUES = 1 << 23


@dataclass(frozen=True, kw_only=True)
class Coefficient:
    """A number with its interval, or the reason why there is none.

    Args:
        value: None: not defined.
        low: Lower end of the 95 % interval over videos; None: no interval.
        high: Upper end of the same.
        sd: Standard deviation (ddof 0) of the numbers that the value is the mean of.
        n: How many numbers the value is the mean of.
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
    """How intervals are made.

    Args:
        replicates: Number of samples of videos; 0: no intervals.
        seed: Seed of the random numbers.
    """

    replicates: int = 1000
    seed: int = 0

    def counts(self, videos: int) -> Values:
        """(replicates, videos) how often each video is drawn."""
        rng = np.random.default_rng(self.seed)
        return rng.multinomial(videos, np.full(videos, 1 / videos), size=self.replicates).astype(np.float64)


def undefined(reason: str) -> Coefficient:
    """A coefficient without a value."""
    return Coefficient(value=None, reason=reason)


def estimate(statistic: Statistic, videos: int, bootstrap: Bootstrap, reason: str, **more: Any) -> Coefficient:
    """A statistic over all videos, with its interval.

    Args:
        statistic: Of how often each video counts.
        videos: Their number.
        bootstrap: Of the interval.
        reason: Given if the statistic is not defined.
        more: `sd` and `n` of the coefficient.
    """
    value = float(statistic(np.ones((1, videos)))[0]) if videos else np.nan
    if not np.isfinite(value):
        return undefined(reason)
    if bootstrap.replicates == 0:
        return Coefficient(value=value, **more)
    if videos < _FEWEST_VIDEOS:
        return Coefficient(value=value, reason="no interval: one video", **more)
    counts = bootstrap.counts(videos)
    rows = max(1, _CHUNK_VALUES // videos)
    replicated = np.concatenate([statistic(counts[i : i + rows]) for i in range(0, len(counts), rows)])
    replicated = replicated[np.isfinite(replicated)]
    if len(replicated) < bootstrap.replicates / 2:
        return Coefficient(value=value, reason="no interval: not defined in most samples of videos", **more)
    low, high = np.percentile(replicated, _LEVEL)
    return Coefficient(value=value, low=float(low), high=float(high), **more)


def mean_of(values: Values, video: Ints, bootstrap: Bootstrap, reason: str) -> Coefficient:
    """The mean of numbers that belong to videos, with their standard deviation.

    Args:
        values: (N,); values that are not finite do not count.
        video: (N,) codes.
        bootstrap: Of the interval.
        reason: Given if no value is finite.
    """
    is_known = np.isfinite(values)
    _, video = np.unique(video[is_known], return_inverse=True)
    values = values[is_known]
    if not len(values):
        return undefined(reason)
    sums = np.stack([np.bincount(video, values), np.bincount(video).astype(np.float64)], 1)

    def statistic(counts: Values) -> Values:
        total = counts @ sums
        return np.asarray(total[:, 0] / total[:, 1])

    return estimate(statistic, len(sums), bootstrap, reason, sd=float(values.std()), n=len(values))


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
    owner = np.arange(x.shape[1]) if videos is None else np.unique(np.asarray(videos), return_inverse=True)[1]
    return alpha_of(item, x.T[item, rater], owner, level, bootstrap)


def alpha_of(item: Ints, value: Values, video: Ints, level: Level, bootstrap: Bootstrap) -> Coefficient:
    """Krippendorff's alpha of ratings one after the other.

    Args:
        item: (N,) which item each rating is of.
        value: (N,) finite.
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
    return estimate(statistic, len(videos), bootstrap, reason)


def fleiss_kappa(
    ratings: npt.ArrayLike, *, videos: npt.ArrayLike | None = None, bootstrap: Bootstrap = Bootstrap()
) -> Coefficient:
    """Fleiss' kappa: agreement on categories beyond chance, if all items have the same number of ratings.

    Fleiss 1971, Measuring nominal scale agreement among many raters, Psychological Bulletin 76(5). 1 is perfect
    agreement, 0 agreement by chance.

    Args:
        ratings: (raters, items) codes of categories; NaN is missing.
        videos: (items,) the video of each item, which the interval resamples; None: each item is a video.
        bootstrap: Of the interval.

    Returns:
        Without a value, but with the reason, if items differ in their number of ratings or all ratings are the same.

    Args:
        ratings: (raters, items), any numbers for categories; NaN is missing.
        videos: (items,) the video of each, for the interval; None: each item is one.

    >>> round(fleiss_kappa([[1, 1, 2, 2], [1, 1, 2, 1]], bootstrap=Bootstrap(0)).value, 4)
    0.4667
    """
    x = np.asarray(ratings, np.float64)
    item, rater = np.nonzero(np.isfinite(x.T))
    owner = np.arange(x.shape[1]) if videos is None else np.unique(np.asarray(videos), return_inverse=True)[1]
    return kappa_of(item, x.T[item, rater], owner, bootstrap)


def kappa_of(item: Ints, value: Values, video: Ints, bootstrap: Bootstrap) -> Coefficient:
    """Fleiss' kappa of ratings one after the other, as `alpha_of`."""
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

    def statistic(counts: Values) -> Values:
        total = counts @ sums
        observed = total[:, 0] / total[:, 1]
        expected = ((total[:, 2:] / total[:, 1:2]) ** 2).sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(expected >= 1 - 1e-12, np.nan, (observed - expected) / (1 - expected))

    return estimate(statistic, len(videos), bootstrap, "all ratings are the same")


def _interval_alpha(item: Ints, value: Values, count: Values, video: Ints, videos: int) -> Statistic:
    item_sums, squares = np.bincount(item, value), np.bincount(item, value**2)
    within = 2 * (count * squares - item_sums**2) / (count - 1)
    sums = _by_video(np.column_stack([count, item_sums, squares, within]), video, videos)

    def statistic(counts: Values) -> Values:
        n, item_sums, squares, within = (counts @ sums).T
        return _alpha(n, within, 2 * (n * squares - item_sums**2))

    return statistic


def _nominal_alpha(table: Values, count: Values, video: Ints, videos: int) -> Statistic:
    within = (table * (count[:, None] - table)).sum(1) / (count - 1)
    sums = _by_video(np.column_stack([within, table]), video, videos)

    def statistic(counts: Values) -> Values:
        total = counts @ sums
        n = total[:, 1:].sum(1)
        return _alpha(n, total[:, 0], n**2 - (total[:, 1:] ** 2).sum(1))

    return statistic


def _ordinal_alpha(table: Values, count: Values, video: Ints, videos: int) -> Statistic:
    sums = _by_video(table, video, videos)

    def of_some(counts: Values) -> Values:
        marginal = counts @ sums
        n = marginal.sum(1)
        # The ratings between two values and half of their own: a difference of mid ranks.
        rank = np.cumsum(marginal, 1) - marginal / 2
        rank -= n[:, None] / 2
        within = 2 * (count[:, None] * (table @ (rank**2).T) - (table @ rank.T) ** 2) / (count[:, None] - 1)
        observed = (counts[:, video].T * within).sum(0)
        return _alpha(n, observed, 2 * (n * (marginal * rank**2).sum(1) - (marginal * rank).sum(1) ** 2))

    def statistic(counts: Values) -> Values:
        rows = max(1, _CHUNK_VALUES // len(table))
        return np.concatenate([of_some(counts[i : i + rows]) for i in range(0, len(counts), rows)])

    return statistic


def _alpha(n: Values, observed: Values, expected: Values) -> Values:
    """From n ratings, the summed disagreement within items (weighted by 1/(m - 1)), and that of all pairs."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected <= 1e-12 * n, np.nan, 1 - (n - 1) * observed / expected)


def _by_video(rows: Values, video: Ints, videos: int) -> Values:
    """(videos, columns) sums of rows."""
    total = np.zeros((videos, rows.shape[1]))
    np.add.at(total, video, rows)
    return total
