"""How the rating of a clip depends on what is shown of it: text, sound, picture, or everything.

After the multimodal perspectivism study of Du and Hoste: difference scores, inconsistency scores and their groups,
polarity, the regression of the multimodal rating on the unimodal ones, and the agreement of labels.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import isfinite
from typing import Any

import numpy as np

from avcues.pipeline.annotations.across_setups.inconsistency import (
    GROUPS,
    UPPER_SHARE,
    DifferenceScore,
    Inconsistency,
    RatingsBySetup,
    clip_means,
    difference,
    generic_threshold,
    groups,
    inconsistency,
    inconsistency_scores,
    ratings_by_setup,
)
from avcues.pipeline.annotations.across_setups.label_agreement import LabelAgreement, label_agreement
from avcues.pipeline.annotations.across_setups.polarity import polarities_by_group, polarity
from avcues.pipeline.annotations.across_setups.regression import Regression, regression
from avcues.pipeline.annotations.ratings.exclusions import SHORTEST, LeftOut, drop_unusable, merged
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.series import once_per_clip, series_of
from avcues.pipeline.annotations.reliability import setup_agreement
from avcues.pipeline.annotations.reliability.setup_agreement import SetupAgreement
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap
from avcues.pipeline.errors import SettingsError

_GENERIC_RULE = f"the score whose upper share of ratings is nearest to {100 * UPPER_SHARE:g} %"


@dataclass(frozen=True)
class _Options:
    dimension: str
    setups: tuple[str, ...]
    threshold: float | None
    rule: str
    neutral: tuple[float, float] | None
    step: Fraction
    bootstrap: Bootstrap
    exclusions: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ClipMeans:
    """Results computed on means over raters, for designs in which no rater meets a clip in two setups.

    The difference of two means holds, beside what the setups convey, the noise of both groups of raters.

    Args:
        videos: Clips rated in every setup.
        differences: One entry per pair of setups; the mean over raters counts as the only rater.
        inconsistency: One score per clip; None: no clip was rated in every setup.
        regression: Of `against` on the other setups, over clips; None: not defined.
        reasons: By name of a missing part, why it is missing.
    """

    videos: int
    differences: tuple[DifferenceScore, ...]
    inconsistency: Inconsistency | None
    regression: Regression | None
    reasons: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Perspective:
    """The results of one round of ratings.

    Args:
        round: Name; None: there is only one.
        clips: "all", or "common": those rated in every round.
        raters: Number of raters.
        videos: Number of videos.
        agreement: One entry per setup.
        differences: One entry per pair of setups.
        inconsistency: None: no rater rated a clip in every setup.
        polarity: By rater ("all": the mean over raters) and setup, the shares of `POLARITIES`.
        groups_by_polarity: By group of `GROUPS` ("all": their sum), the ratings in `against` of each polarity.
        regression: Of `against` on the other setups; None: not defined.
        label_agreement: One entry per dimension of labels.
        clip_means: Differences, inconsistency and regression of the means over raters.
        reasons: By name of a missing part, why it is missing.
    """

    round: str | None
    clips: str
    raters: int
    videos: int
    agreement: tuple[SetupAgreement, ...]
    differences: tuple[DifferenceScore, ...]
    inconsistency: Inconsistency | None
    polarity: Mapping[str, Mapping[str, tuple[float, ...]]]
    groups_by_polarity: Mapping[str, tuple[int, ...]]
    regression: Regression | None
    label_agreement: tuple[LabelAgreement, ...]
    clip_means: ClipMeans
    reasons: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Perspectives:
    """How the ratings of one dimension depend on the setup.

    Args:
        dimension: Name.
        against: The setup in which everything is shown.
        setups: All setups compared, `against` last.
        neutral: Lowest and highest value that counts as neutral; None: not known.
        bootstrap: Number and seed of the samples for the intervals.
        rounds: One entry per round; if there are several, also one entry per round for the clips that all rounds share.
        left_out: Series left out, by reason.
    """

    dimension: str
    against: str
    setups: tuple[str, ...]
    neutral: tuple[float, float] | None
    bootstrap: Bootstrap
    rounds: tuple[Perspective, ...]
    left_out: LeftOut

    def gaps(self) -> list[str]:
        """One line per missing part, with the reason."""
        lines = [
            f"{f'round {part.round}: ' if part.round else ''}no {name.replace('_', ' ')}: {reason}"
            for part in self.rounds
            if part.clips == "all"
            for name, reason in part.reasons.items()
        ]
        return list(dict.fromkeys(lines))


def perspectives(
    annotations: Annotations,
    dimension: str,
    against: str,
    *,
    setups: Collection[str] | None = None,
    threshold: float | None = None,
    neutral: tuple[float, float] | None = None,
    step: Fraction = Fraction(1, 2),
    bootstrap: Bootstrap = Bootstrap(),
    shortest: float = SHORTEST,
    keep_constant: bool = False,
) -> Perspectives:
    """Compares the ratings of the same raters and clips over setups.

    Args:
        annotations: Ratings in several setups.
        dimension: Name of a dimension rated in numbers; ratings over time count by the mean of each series.
        against: The setup in which everything is shown.
        setups: Setups to compare with it; None: all others.
        threshold: Lowest strong inconsistency score (1.35 in the study); None: the score whose upper share of ratings,
            over all rounds, is nearest to a quarter.
        neutral: Lowest and highest neutral value; None: the middle of the dimension's range.
        step: Seconds per window, for ratings over time.
        bootstrap: Number and seed of the samples of videos for the intervals.
        shortest: Series are left out that are shorter than this share of the median length over the series of the same
            video, setup and dimension.
        keep_constant: Keep series that do not vary, as those of short clips may.

    Raises:
        SettingsError: A dimension or setup is unknown, or the dimension is rated in labels.
    """
    if threshold is not None and not isfinite(threshold):
        raise SettingsError(f"`threshold={threshold}`: expected a finite number")
    rated = annotations.dimension(dimension)
    if rated.level == "nominal":
        raise SettingsError(f"{dimension} is rated in labels; expected a dimension rated in numbers")
    compared_setups = [name for name in annotations.setups if name != against] if setups is None else list(setups)
    for name in (against, *compared_setups):
        if name not in annotations.setups:
            raise SettingsError(f'no setup "{name}" in these ratings, only {", ".join(annotations.setups)}')
    if not compared_setups or against in compared_setups:
        raise SettingsError(f"{against} has no other setup to be compared with")
    if neutral is None and rated.low is not None and rated.high is not None:
        neutral = ((rated.low + rated.high) / 2, (rated.low + rated.high) / 2)
    annotations = annotations.select(setups=[*compared_setups, against])
    compared, rule = (*compared_setups, against), "given"
    exclusions = {"shortest": shortest, "keep_constant": keep_constant}
    round_results = [
        ratings_by_setup(part, dimension, compared, step, **exclusions)
        for _, clips, part in _rounds(annotations, dimension)
        if clips == "all"
    ]
    if threshold is None:
        scores = [inconsistency_scores(ratings.values[ratings.complete]) for ratings, _ in round_results]
        threshold, rule = generic_threshold(np.concatenate(scores)), _GENERIC_RULE
    options = _Options(dimension, compared, threshold, rule, neutral, step, bootstrap, exclusions)
    by_round = [_perspective(part, options, round_, clips) for round_, clips, part in _rounds(annotations, dimension)]
    return Perspectives(
        dimension=dimension,
        against=against,
        setups=(*compared_setups, against),
        neutral=neutral,
        bootstrap=bootstrap,
        rounds=tuple(by_round),
        left_out=merged([left_out for _, left_out in round_results]),
    )


def _rounds(annotations: Annotations, dimension: str) -> list[tuple[str | None, str, Annotations]]:
    """Name, clips ("all" or "common") and ratings of every round; "common" only if the rounds differ in their clips."""
    rounds = annotations.select(dimensions=[dimension]).rounds
    if len(rounds) < 2:
        return [(rounds[0] if rounds else None, "all", annotations)]
    parts = [annotations.select(round_=name) for name in rounds]
    clips = [set(part.select(dimensions=[dimension]).videos) for part in parts]
    common = set.intersection(*clips)
    by_round: list[tuple[str | None, str, Annotations]] = [
        (name, "all", part) for name, part in zip(rounds, parts, strict=True)
    ]
    if common and any(round_clips != common for round_clips in clips):
        by_round += [(name, "common", part.select(videos=common)) for name, part in zip(rounds, parts, strict=True)]
    return by_round


def _perspective(annotations: Annotations, options: _Options, round_: str | None, clips: str) -> Perspective:
    dimension, neutral = options.dimension, options.neutral
    ratings, _ = ratings_by_setup(annotations, dimension, options.setups, options.step, **options.exclusions)
    numbers = annotations.select(dimensions=[dimension])
    series, clip_ratings = (
        drop_unusable(series_of(numbers, options.step), **options.exclusions)[0],
        once_per_clip(numbers),
    )
    agreement = [
        *setup_agreement.over_time(series, round_, clips, "others", options.bootstrap),
        *setup_agreement.once_per_clip(clip_ratings, round_, clips, "others", options.bootstrap),
    ]
    clip_scores = inconsistency(ratings, options.threshold, options.rule) if ratings.complete.any() else None
    group = groups(ratings, clip_scores)
    fitted = regression(ratings.values, ratings.complete, ratings.setups)
    labels = annotations.nominal() if clip_scores is not None else ()
    strong = group == GROUPS.index("strong")
    reasons = {
        "inconsistency": "no rater rated a clip in every setup" if clip_scores is None else None,
        "polarity": f"the range of {dimension} is not known; give the neutral values" if neutral is None else None,
        "regression": fitted if isinstance(fitted, str) else None,
        "label_agreement": None if annotations.nominal() else "nothing is rated in labels",
    }
    pairs = combinations(range(len(ratings.setups)), 2)
    return Perspective(
        round=round_,
        clips=clips,
        raters=len(ratings.raters),
        videos=len(ratings.videos),
        agreement=tuple(agreement),
        differences=tuple(difference(ratings, pair, options.bootstrap) for pair in pairs),
        inconsistency=clip_scores,
        polarity={} if neutral is None else polarity(ratings, neutral),
        groups_by_polarity={}
        if neutral is None or clip_scores is None
        else polarities_by_group(ratings, group, neutral),
        regression=None if isinstance(fitted, str) else fitted,
        label_agreement=tuple(label_agreement(annotations, label.name, ratings, strong) for label in labels),
        clip_means=_of_clip_means(ratings, options),
        reasons={part: reason for part, reason in reasons.items() if reason is not None},
    )


def _of_clip_means(ratings: RatingsBySetup, options: _Options) -> ClipMeans:
    means = clip_means(ratings)
    rated = int(means.complete.sum())
    scores = None
    if rated:
        threshold = generic_threshold(inconsistency_scores(means.values[means.complete]))
        scores = inconsistency(means, threshold, _GENERIC_RULE)
    fitted = regression(means.values, means.complete, means.setups)
    reasons = {"inconsistency": None if rated else "no clip was rated in every setup"}
    reasons |= {"regression": fitted if isinstance(fitted, str) else None}
    pairs = combinations(range(len(means.setups)), 2)
    return ClipMeans(
        videos=rated,
        differences=tuple(difference(means, pair, options.bootstrap) for pair in pairs),
        inconsistency=scores,
        regression=None if isinstance(fitted, str) else fitted,
        reasons={part: reason for part, reason in reasons.items() if reason is not None},
    )
