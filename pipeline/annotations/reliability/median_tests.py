"""Rank tests of whether ratings are higher in one setup or group than in another.

Series over time are compared by their medians, as in Chua et al. 2022, and ratings once per clip by their values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.ratings.series import Series
from avcues.pipeline.annotations.reliability.groups import Grouping
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap, Coefficient, estimate
from avcues.pipeline.annotations.statistics.intervals import SHARE

Values = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_CHUNK_VALUES = 1 << 22


@dataclass(frozen=True, kw_only=True)
class PairTest:
    """Tests of two groups.

    Args:
        groups: Names of the two groups.
        u: Mann-Whitney U of the first group; None: not defined.
        p: Two-sided p value of U.
        superiority: Probability that a series of the first group is rated higher than one of the second; ties count
            half.
        ks: Kolmogorov-Smirnov D, the largest difference between the distributions.
        ks_p: p value of D.
    """

    groups: tuple[str, str]
    u: float | None
    p: float | None
    superiority: Coefficient
    ks: float | None
    ks_p: float | None


@dataclass(frozen=True, kw_only=True)
class MedianTest:
    """Tests of one dimension by one grouping.

    Args:
        dimension: Name of the dimension.
        kind: "over time" or "once per clip".
        round: Name of the round; None: there is only one.
        by: Name of the grouping.
        medians: By group, the median over its series and the number of series.
        h: Kruskal-Wallis H; None: not defined.
        p: p value of H, from the chi-square distribution.
        epsilon_squared: Size of the effect, 0 to 1: share of the variance of ranks between groups. It has no interval:
            resampling videos inflates it.
        pairs: Tests of every pair of groups.
        reason: Why there is no statistic.
    """

    dimension: str
    kind: str
    round: str | None
    by: str
    medians: dict[str, tuple[float, int]]
    h: float | None
    p: float | None
    epsilon_squared: float | None
    pairs: tuple[PairTest, ...]
    reason: str | None


def median_tests(
    series: Series, clips: Series, groups: Sequence[Grouping], round_: str | None, bootstrap: Bootstrap
) -> list[MedianTest]:
    """Tests of every dimension by every grouping.

    Args:
        series: Ratings over time.
        clips: Ratings once per clip.
        groups: As `groups.groupings` makes them of the same annotations.
    """
    tests = []
    for kind, names, value, key in rated_values(series, clips):
        for code in np.unique(key["dimension"]):
            dimension_rows = key["dimension"] == code
            rater, video, setup, round_rows = (
                key[name][dimension_rows] for name in ("rater", "video_id", "setup", "round")
            )
            for by in groups:
                group = by.of(rater, video, setup, round_rows)
                test_key = (names["dimension"][code], kind, round_)
                tests.append(_test(value[dimension_rows], group, video, by, test_key, bootstrap))
    return tests


def rated_values(
    series: Series, clips: Series, reduce_series: Callable[[Series], Values] | None = None
) -> Iterator[tuple[str, Mapping[str, tuple[str, ...]], Values, Mapping[str, Ints]]]:
    """Per kind of rating: the kind, the names behind codes, (N,) values, and (N,) codes by key.

    Args:
        series: Ratings over time, reduced to one value per series.
        clips: Ratings once per clip.
        reduce_series: Computes the (S,) values of series; None: their medians.
    """
    for kind, rated in (("over time", series), ("once per clip", clips)):
        if not len(rated):
            continue
        over_time = kind == "over time"
        series_index = np.arange(len(rated)) if over_time else rated.series_index
        value = (reduce_series or _medians)(rated) if over_time else rated.value
        key = {name: rated.codes[name][series_index] for name in ("rater", "video_id", "setup", "round", "dimension")}
        if not over_time:
            key["video_id"] = rated.window.astype(np.int64)
        yield kind, rated.names, value, key


def _medians(series: Series) -> Values:
    """(S,) the median of each series."""
    order = np.lexsort((series.value, series.series_index))
    value, first, lengths = series.value[order], series.first[:-1], series.lengths
    return np.asarray((value[first + (lengths - 1) // 2] + value[first + lengths // 2]) / 2)


def _test(
    value: Values, group: Ints, video: Ints, by: Grouping, test_key: tuple[str, str, str | None], bootstrap: Bootstrap
) -> MedianTest:
    from scipy.stats import kruskal

    dimension, kind, round_ = test_key
    value, video, group = value[group >= 0], video[group >= 0], group[group >= 0]
    parts = {name: value[group == i] for i, name in enumerate(by.groups) if (group == i).any()}
    reason = None
    if len(parts) < 2:
        reason = "all series are in one group"
    elif value.min() == value.max():
        reason = "all series have the same median"
    h, p = (None, None) if reason else (float(x) for x in kruskal(*parts.values()))
    return MedianTest(
        dimension=dimension,
        kind=kind,
        round=round_,
        by=by.name,
        medians={name: (float(np.median(part)), len(part)) for name, part in parts.items()},
        h=h,
        p=p,
        epsilon_squared=None if h is None else h / (len(value) - 1),
        pairs=()
        if reason
        else tuple(
            _pair(value, group, video, (by.groups.index(a), by.groups.index(b)), by, bootstrap)
            for a, b in combinations(parts, 2)
        ),
        reason=reason,
    )


def _pair(
    value: Values, group: Ints, video: Ints, pair: tuple[int, int], by: Grouping, bootstrap: Bootstrap
) -> PairTest:
    from scipy.stats import ks_2samp, mannwhitneyu

    first, second = (value[group == setup_code] for setup_code in pair)
    mwu, ks = mannwhitneyu(first, second), ks_2samp(first, second)
    in_pair = np.isin(group, pair)
    codes = np.unique(video[in_pair], return_inverse=True)[1]
    superiority = Superiority(value[in_pair], group[in_pair] == pair[0], codes)
    return PairTest(
        groups=(by.groups[pair[0]], by.groups[pair[1]]),
        u=float(mwu.statistic),
        p=float(mwu.pvalue),
        superiority=estimate(superiority, bootstrap, "not defined", scale=SHARE),
        ks=float(ks.statistic),
        ks_p=float(ks.pvalue),
    )


class Superiority:
    """The share of pairs of series, one per group, in which the first group's is higher; ties count half."""

    def __init__(self, value: Values, is_in_first: npt.NDArray[np.bool_], video: Ints) -> None:
        """Counts pairs by the videos of both series.

        Args:
            value: (N,) one number per series.
            in_first: (N,) whether the series is of the first group.
            video: (N,) codes from 0 on.
        """
        videos = int(video.max()) + 1
        self._first = np.bincount(video[is_in_first], minlength=videos).astype(np.float64)
        self._second = np.bincount(video[~is_in_first], minlength=videos).astype(np.float64)
        order_of_second = np.argsort(video[~is_in_first], kind="stable")
        second, begins = value[~is_in_first][order_of_second], np.flatnonzero(self._second)
        edges = np.concatenate([[0], np.cumsum(self._second)]).astype(np.int64)[begins]
        self._won = np.zeros((videos, videos))
        rows = max(1, _CHUNK_VALUES // len(second))
        first, video_of_first = value[is_in_first], video[is_in_first]
        for start in range(0, len(first), rows):
            won = (np.sign(first[start : start + rows, None] - second) + 1) / 2
            by_video = np.zeros((len(won), videos))
            by_video[:, begins] = np.add.reduceat(won, edges, axis=1)
            np.add.at(self._won, video_of_first[start : start + rows], by_video)

    @property
    def units(self) -> int:
        """Number of videos."""
        return len(self._won)

    @property
    def numbers(self) -> int:
        """Numbers in memory per draw and video."""
        return 1

    def of(self, counts: Values) -> Values:
        """As for `Statistic`."""
        with np.errstate(invalid="ignore", divide="ignore"):
            won = ((counts @ self._won) * counts).sum(1)
            return np.asarray(won / ((counts @ self._first) * (counts @ self._second)))

    def without_each(self, counts: Values) -> Values:
        """As for `Statistic`."""
        video_sums = counts @ self._won
        without_video = (
            (video_sums * counts).sum(1, keepdims=True) - video_sums - counts @ self._won.T + self._won.diagonal()
        )
        first = (counts @ self._first)[:, None] - self._first
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(without_video / (first * ((counts @ self._second)[:, None] - self._second)))
