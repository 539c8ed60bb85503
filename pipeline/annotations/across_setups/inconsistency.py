"""How far one rater's ratings of one clip lie apart over setups: difference and inconsistency scores.

After the multimodal perspectivism study of Du and Hoste. For one rater, the squared difference scores averaged over
pairs of setups equal the squared inconsistency scores averaged over clips.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.pipeline.annotations.ratings.exclusions import LeftOut, drop_unusable
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.series import once_per_clip, series_of
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap, Coefficient, estimate, undefined
from avcues.pipeline.annotations.statistics.intervals import DISTANCE, OfSums

Values = npt.NDArray[np.float64]
Groups = npt.NDArray[np.int64]

MEAN = "mean over raters"

GROUPS = ("consistent", "weak", "strong")
UPPER_SHARE = 0.25
"""Share of ratings that the generic rule aims to call strongly inconsistent."""

_DECIMALS = 9  # scores are rounded to these, so that float errors do not make equal scores differ


@dataclass(frozen=True)
class RatingsBySetup:
    """(raters, videos, setups) ratings, NaN where missing, and the names along each axis."""

    values: Values
    raters: tuple[str, ...]
    videos: tuple[str, ...]
    setups: tuple[str, ...]

    @property
    def complete(self) -> npt.NDArray[np.bool_]:
        """(raters, videos) rated in every setup."""
        return np.asarray(np.isfinite(self.values).all(2))


@dataclass(frozen=True, kw_only=True)
class DifferenceScore:
    """Root mean squared difference of a rater's ratings of the same clips in two setups.

    Args:
        setups: The two setups.
        raters: By rater; `n` is the number of clips that the rater rated in both.
        mean: Over raters, with an interval over clips.
        variance: Over raters, ddof 0; None: no rater has a score.
    """

    setups: tuple[str, str]
    raters: Mapping[str, Coefficient]
    mean: Coefficient
    variance: float | None


@dataclass(frozen=True, kw_only=True)
class Inconsistency:
    """How far a rater's ratings of one clip differ over all setups: a score per rater and clip.

    Args:
        threshold: Lowest score that counts as strong; None: no score does.
        rule: Where the threshold comes from.
        counts: By group of `GROUPS`.
        by_rater: By rater, counts by group.
        scores: Distinct scores and how often each occurs.
        clips: One row per rater and clip: `rater`, `video_id`, `score`, `group`, and `against`, the rating in the last
            setup.
    """

    threshold: float | None
    rule: str
    counts: Mapping[str, int]
    by_rater: Mapping[str, Mapping[str, int]]
    scores: tuple[tuple[float, int], ...]
    clips: tuple[Mapping[str, Any], ...]


def ratings_by_setup(
    annotations: Annotations, dimension: str, setups: tuple[str, ...], step: Fraction, **exclusions: Any
) -> tuple[RatingsBySetup, LeftOut]:
    """The ratings of a dimension, with the mean of each series for ratings over time, and the series left out.

    Args:
        exclusions: Arguments of `drop_unusable`.
    """
    numbers = annotations.select(dimensions=[dimension])
    if numbers.over_time(dimension):
        series, left_out = drop_unusable(series_of(numbers, step), **exclusions)
        video, series_index = series.codes["video_id"], np.arange(len(series))
        value = series.reduce(np.add.reduceat) / np.maximum(series.lengths, 1)
    else:
        series, left_out = once_per_clip(numbers), {}
        video, series_index, value = series.window.astype(np.int64), series.series_index, series.value
    raters, videos = series.names["rater"], series.names["video_id"]
    setup_index = np.array([setups.index(name) for name in series.names["setup"]], np.int64)
    values = np.full((len(raters), len(videos), len(setups)), np.nan)
    if len(series_index):
        values[series.codes["rater"][series_index], video, setup_index[series.codes["setup"][series_index]]] = value
    return RatingsBySetup(values, raters, videos, setups), left_out


def clip_means(ratings: RatingsBySetup) -> RatingsBySetup:
    """The mean over raters of each clip and setup, as the ratings of one rater."""
    is_rated = np.isfinite(ratings.values)
    with np.errstate(invalid="ignore"):
        means = np.where(is_rated, ratings.values, 0).sum(0) / is_rated.sum(0)
    return replace(ratings, values=means[None], raters=(MEAN,))


def inconsistency_scores(ratings: Values) -> Values:
    """(...,) the root mean squared difference over all pairs of setups, of (..., setups) ratings; NaN is missing.

    >>> inconsistency_scores(np.array([[3.0, 3, 3, 3], [3, 3, 3, 4]])).round(4).tolist()
    [0.0, 0.7071]
    """
    first, second = np.triu_indices(ratings.shape[-1], 1)
    return np.asarray(np.sqrt(((ratings[..., first] - ratings[..., second]) ** 2).mean(-1)))


def generic_threshold(scores: Values) -> float | None:
    """The score above 0 for which the share of scores at or above it is nearest to a quarter; None: all are 0."""
    distinct, counts = np.unique(scores.round(_DECIMALS), return_counts=True)
    if not len(distinct):
        return None
    share = counts[::-1].cumsum()[::-1] / counts.sum()
    inconsistent = distinct > 0
    if not inconsistent.any():
        return None
    return float(distinct[inconsistent][np.abs(share[inconsistent] - UPPER_SHARE).argmin()])


def difference(ratings: RatingsBySetup, pair: tuple[int, int], bootstrap: Bootstrap) -> DifferenceScore:
    """The difference score of two setups, given by their indices."""
    squared = (ratings.values[..., pair[0]] - ratings.values[..., pair[1]]) ** 2
    raters: dict[str, Coefficient] = {}
    for name, row in zip(ratings.raters, squared, strict=True):
        finite = row[np.isfinite(row)]
        reason = "the rater rated no clip in both setups"
        raters[name] = (
            estimate(_root_mean(finite), bootstrap, reason, scale=DISTANCE, n=len(finite))
            if len(finite)
            else undefined(reason)
        )
    scores = np.array([scored.value for scored in raters.values() if scored.value is not None])
    rated = np.isfinite(squared).any(0)
    return DifferenceScore(
        setups=(ratings.setups[pair[0]], ratings.setups[pair[1]]),
        raters=raters,
        mean=estimate(
            _mean_of_raters(squared[:, rated]),
            bootstrap,
            "no rater rated a clip in both setups",
            scale=DISTANCE,
            n=len(scores),
        ),
        variance=float(scores.var()) if len(scores) else None,
    )


def _root_mean(squares: Values) -> OfSums:
    sums = np.column_stack([squares, np.ones(len(squares))])
    return OfSums(sums, lambda total: np.sqrt(np.maximum(total[..., 0], 0) / total[..., 1]))


def _mean_of_raters(squared: Values) -> OfSums:
    """The mean over raters of the difference score, of (raters, videos) squared differences."""
    is_rated = np.isfinite(squared)

    def mean_score(total: Values) -> Values:
        squares, clips = np.split(total, 2, axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            scores = np.where(clips > 0, np.sqrt(np.maximum(squares, 0) / clips), np.nan)
            scored = np.isfinite(scores)
            return np.asarray(np.where(scored, scores, 0).sum(-1) / scored.sum(-1))

    return OfSums(np.concatenate([np.where(is_rated, squared, 0), is_rated]).T.astype(np.float64), mean_score)


def inconsistency(ratings: RatingsBySetup, threshold: float | None, rule: str) -> Inconsistency:
    """The scores of all clips that a rater rated in every setup; there must be at least one."""
    rater, video = np.nonzero(ratings.complete)
    scores = inconsistency_scores(ratings.values[rater, video]).round(_DECIMALS)
    group = _group(scores, threshold)
    distinct, counts = np.unique(scores, return_counts=True)
    by_rater = {
        name: {group_name: int(((rater == i) & (group == j)).sum()) for j, group_name in enumerate(GROUPS)}
        for i, name in enumerate(ratings.raters)
    }
    return Inconsistency(
        threshold=threshold,
        rule=rule,
        counts={group_name: int((group == j).sum()) for j, group_name in enumerate(GROUPS)},
        by_rater=by_rater,
        scores=tuple(zip(distinct.tolist(), counts.tolist(), strict=True)),
        clips=tuple(
            {
                "rater": ratings.raters[i],
                "video_id": ratings.videos[j],
                "score": float(score),
                "group": GROUPS[g],
                "against": float(ratings.values[i, j, -1]),
            }
            for i, j, score, g in zip(rater, video, scores, group, strict=True)
        ),
    )


def _group(scores: Values, threshold: float | None) -> Groups:
    strong = np.zeros(len(scores), bool) if threshold is None else (scores >= threshold) & (scores > 0)
    return np.where(strong, 2, np.where(scores > 0, 1, 0))


def groups(ratings: RatingsBySetup, scored: Inconsistency | None) -> Groups:
    """(raters, videos) the group of each rating, -1 where missing."""
    group = np.full(ratings.complete.shape, -1)
    if scored is not None:
        group[ratings.complete] = [GROUPS.index(str(row["group"])) for row in scored.clips]
    return group
