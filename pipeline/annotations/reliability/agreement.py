"""How far raters agree: in each setup and dimension, between setups, and between groups of raters."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

from avcues.pipeline.annotations.ratings.choices import choices_of
from avcues.pipeline.annotations.ratings.exclusions import SHORTEST, LeftOut, drop_unusable, holes, merged
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.series import once_per_clip, series_of
from avcues.pipeline.annotations.ratings.wording import listed
from avcues.pipeline.annotations.reliability import setup_agreement
from avcues.pipeline.annotations.reliability.between_setups import BetweenSetups, between_setups
from avcues.pipeline.annotations.reliability.choice_agreement import choice_agreement
from avcues.pipeline.annotations.reliability.groups import groupings, not_compared
from avcues.pipeline.annotations.reliability.label_statistics import LabelStatistics, label_statistics
from avcues.pipeline.annotations.reliability.median_tests import MedianTest, median_tests
from avcues.pipeline.annotations.reliability.mixed_model import MixedModel, mixed_models
from avcues.pipeline.annotations.reliability.normality import Normality, normality_tests
from avcues.pipeline.annotations.reliability.planning import RaterPlan, rater_plans
from avcues.pipeline.annotations.reliability.retest import Retest, retest_reliability
from avcues.pipeline.annotations.reliability.setup_agreement import SetupAgreement
from avcues.pipeline.annotations.statistics.coefficients import FEWEST_VIDEOS, Bootstrap
from avcues.pipeline.annotations.statistics.consensus import Weights
from avcues.pipeline.annotations.statistics.intervals import FEW_UNITS


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far the raters of a study agree.

    Args:
        weights: Weights of the consensus in the leave-one-out CCC.
        windows: Number of first windows that were used; None: all.
        whole_clips: Whether all of a rater's series of a clip were left out if one of them was.
        bootstrap: Number and seed of the bootstrap samples behind the intervals.
        by_setup: One entry per setup and dimension.
        between_setups: One entry per pair of setups and dimension.
        labels: One entry per dimension of labels.
        medians: Rank tests of the medians of series, between setups and between groups of raters.
        normality: Whether ratings are normally distributed, one test per setup and dimension.
        mixed_models: Effects of the setup, with raters and videos as random effects, one per dimension.
        retest: How far raters agree with themselves on clips that they rated again.
        plans: For each setup and dimension rated in numbers, the reliability of the mean by number of raters.
        notes: One line for each kind of data that was used although parts of it are missing.
        left_out: Series left out, by reason.
        not_compared: Columns about raters or clips whose groups were not compared, each with the reason.
    """

    weights: str
    windows: int | None
    whole_clips: bool
    bootstrap: Bootstrap
    by_setup: tuple[SetupAgreement, ...]
    between_setups: tuple[BetweenSetups, ...]
    labels: tuple[LabelStatistics, ...]
    medians: tuple[MedianTest, ...]
    normality: tuple[Normality, ...]
    mixed_models: tuple[MixedModel, ...]
    retest: tuple[Retest, ...]
    plans: tuple[RaterPlan, ...]
    left_out: LeftOut
    notes: tuple[str, ...]
    not_compared: Mapping[str, str]


def agreement(
    annotations: Annotations,
    *,
    weights: Weights = "others",
    windows: int | None = None,
    whole_clips: bool = False,
    shortest: float = SHORTEST,
    keep_constant: bool = False,
    step: Fraction = Fraction(1, 2),
    bootstrap: Bootstrap = Bootstrap(),
    by: Collection[str] | None = None,
) -> Agreement:
    """Measures agreement in every setup, between setups, and between groups of raters.

    The MuVi study's figures are those of `weights="all", windows=118, whole_clips=True`.

    Args:
        annotations: Ratings of any kind.
        weights: Weights of the consensus that a rater is compared with; see `ewe`.
        windows: Number of first windows that are used; series that end earlier, or have values in less than the share
            `shortest` of them, are left out. None: all windows are used, and `shortest` alone decides which series are
            left out.
        whole_clips: Leave out all of a rater's series of a clip if one of them is constant or too short.
        shortest: Series are left out that are shorter than this share of the median length over the series of the same
            video, setup and dimension.
        keep_constant: Keep series that do not vary.
        step: Seconds per window, for ratings over time.
        bootstrap: Number and seed of the samples of videos for the intervals.
        by: What labels and medians are compared by: "setup", "seen", "overlay", columns of the table of raters, or
            conditions such as "years_formal_training>3"; None: all with 2 to 8 groups.

    Raises:
        SettingsError: `by` names an unknown column.
    """
    groups = groupings(annotations, by)
    rows: list[SetupAgreement] = []
    setup_pairs: list[BetweenSetups] = []
    medians: list[MedianTest] = []
    left_out: list[LeftOut] = []
    normality: list[Normality] = []
    models: list[MixedModel] = []
    plans: list[RaterPlan] = []
    notes: list[str] = []
    for round_name, clip_selection, part in round_parts(annotations):
        series, excluded = drop_unusable(
            series_of(part, step),
            windows=windows,
            whole_clips=whole_clips,
            shortest=shortest,
            keep_constant=keep_constant,
        )
        clip_ratings = once_per_clip(part)
        number_rows = setup_agreement.over_time(series, round_name, clip_selection, weights, bootstrap)
        number_rows += setup_agreement.once_per_clip(clip_ratings, round_name, clip_selection, weights, bootstrap)
        rows += number_rows
        for dimension in part.nominal():
            rows += choice_agreement(choices_of(part, dimension.name, step), round_name, clip_selection, bootstrap)
        if clip_selection == "all":
            left_out.append(excluded)
            for kind, rated in (("over time", series), ("once per clip", clip_ratings)):
                setup_pairs += between_setups(rated, kind, round_name, bootstrap)
            medians += median_tests(series, clip_ratings, groupings(part, by), round_name, bootstrap)
            normality += normality_tests(series, clip_ratings, round_name)
            models += mixed_models(series, clip_ratings, round_name)
            plans += rater_plans(number_rows, series, clip_ratings, bootstrap)
            notes += holes(series)
    return Agreement(
        weights=weights,
        windows=windows,
        whole_clips=whole_clips,
        bootstrap=bootstrap,
        by_setup=tuple(rows),
        between_setups=tuple(setup_pairs),
        labels=tuple(
            label_statistics(annotations, dimension.name, groups, bootstrap, step)
            for dimension in annotations.nominal()
        ),
        medians=tuple(medians),
        normality=tuple(normality),
        mixed_models=tuple(models),
        retest=retest_reliability(annotations, step, bootstrap),
        plans=tuple(plans),
        left_out=merged(left_out),
        notes=(*notes, *few_videos(rows, bootstrap)),
        not_compared=not_compared(annotations) if by is None else {},
    )


def few_videos(rows: Collection[SetupAgreement], bootstrap: Bootstrap) -> list[str]:
    """A note on intervals over so few videos that they are not bootstrapped."""
    names_with_few = [f"{row.setup} {row.dimension} ({row.videos})" for row in rows if row.videos < FEW_UNITS]
    if not names_with_few or not bootstrap.replicates:
        return []
    return [
        f"with fewer than {FEW_UNITS} videos, intervals are computed with Student's t: they are wide, and may still be "
        f"too narrow if a coefficient is skewed; with fewer than {FEWEST_VIDEOS} there is no interval: "
        f"{listed(list(dict.fromkeys(names_with_few)))}"
    ]


def round_parts(annotations: Annotations) -> list[tuple[str | None, str, Annotations]]:
    """Every round with all its clips ("all").

    If there are several, also, for each setup whose rounds differ in their clips, every round with only the clips that
    all rounds share ("common").
    """
    rounds = annotations.rounds
    if len(rounds) < 2:
        return [(rounds[0] if rounds else None, "all", annotations)]
    by_round = {name: annotations.select(round_=name) for name in rounds}
    parts: list[tuple[str | None, str, Annotations]] = [(name, "all", part) for name, part in by_round.items()]
    for setup in annotations.setups:
        setup_parts = {name: part.select(setups=[setup]) for name, part in by_round.items()}
        common = set.intersection(*(set(part.videos) for part in setup_parts.values()))
        if common and any(set(part.videos) != common for part in setup_parts.values()):
            parts += [(name, "common", part.select(videos=common)) for name, part in setup_parts.items()]
    return parts
