"""Rank tests of whether ratings are higher in one setup or group than in another.

Each series counts by its median, as in Chua et al. 2022, each rating given once per clip by its value.
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

Values = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_CHUNK_VALUES = 1 << 22


@dataclass(frozen=True, kw_only=True)
class PairTest:
    """Tests of two groups.

    Args:
        groups: Names of the two groups.
        u: Mann-Whitney U of the first group; None: not defined.
        p: Of U, two-sided.
        superiority: Probability that a series of the first group is rated higher than one of the second; ties count
            half.
        ks: Kolmogorov-Smirnov D, the largest difference between the distributions.
        ks_p: Of D.
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
        dimension: Name.
        kind: "over time" or "once per clip".
        round: Name; None: there is only one.
        by: The grouping.
        medians: By group, the median over its series and their number.
        h: Kruskal-Wallis H; None: not defined.
        p: Of H, from the chi-square distribution.
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
                about = (names["dimension"][code], kind, round_)
                tests.append(_test(value[dimension_rows], group, video, by, about, bootstrap))
    return tests


def rated_values(
    series: Series, clips: Series, of_series: Callable[[Series], Values] | None = None
) -> Iterator[tuple[str, Mapping[str, tuple[str, ...]], Values, Mapping[str, Ints]]]:
    """Per kind of rating that there is: the kind, the names behind codes, (N,) values, and (N,) codes by key.

    Args:
        series: Ratings over time, each of which counts by one value.
        clips: Ratings once per clip.
        of_series: That value; None: the median.
    """
    for kind, rated in (("over time", series), ("once per clip", clips)):
        if not len(rated):
            continue
        over_time = kind == "over time"
        owner = np.arange(len(rated)) if over_time else rated.owner
        value = (of_series or _medians)(rated) if over_time else rated.value
        key = {name: rated.codes[name][owner] for name in ("rater", "video_id", "setup", "round", "dimension")}
        if not over_time:
            key["video_id"] = rated.window.astype(np.int64)
        yield kind, rated.names, value, key


def _medians(series: Series) -> Values:
    """(S,) the median of each series."""
    order = np.lexsort((series.value, series.owner))
    value, first, lengths = series.value[order], series.first[:-1], series.lengths
    return np.asarray((value[first + (lengths - 1) // 2] + value[first + lengths // 2]) / 2)


def _test(
    value: Values, group: Ints, video: Ints, by: Grouping, about: tuple[str, str, str | None], bootstrap: Bootstrap
) -> MedianTest:
    from scipy.stats import kruskal

    dimension, kind, round_ = about
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
    in_first = group[in_pair] == pair[0]

    return PairTest(
        groups=(by.groups[pair[0]], by.groups[pair[1]]),
        u=float(mwu.statistic),
        p=float(mwu.pvalue),
        superiority=_superiority(value[in_pair], in_first, video[in_pair], bootstrap),
        ks=float(ks.statistic),
        ks_p=float(ks.pvalue),
    )


def _superiority(value: Values, in_first: npt.NDArray[np.bool_], video: Ints, bootstrap: Bootstrap) -> Coefficient:
    order = np.argsort(value, kind="stable")
    value, in_first = value[order], in_first[order]
    begins = np.flatnonzero(np.concatenate([[True], value[1:] != value[:-1]]))
    _, video = np.unique(video[order], return_inverse=True)

    def superiority(counts: Values) -> Values:
        first, second = (np.add.reduceat(counts[:, video] * group, begins, axis=1) for group in (in_first, ~in_first))
        below = np.cumsum(second, 1) - second / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((first * below).sum(1) / (first.sum(1) * second.sum(1)))

    def statistic(counts: Values) -> Values:
        rows = max(1, _CHUNK_VALUES // len(value))
        return np.concatenate([superiority(counts[i : i + rows]) for i in range(0, len(counts), rows)])

    return estimate(statistic, int(video.max()) + 1, bootstrap, "not defined")
