"""How far raters agree: per setup and dimension, between setups, and by labels and profiles."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from pipeline.annotations import setup_agreement
from pipeline.annotations.between_setups import BetweenSetups, between_setups
from pipeline.annotations.choices import choices_of
from pipeline.annotations.coefficients import Bootstrap
from pipeline.annotations.consensus import Weights
from pipeline.annotations.exclusions import LeftOut, usable
from pipeline.annotations.groups import groupings
from pipeline.annotations.label_statistics import LabelStatistics, label_statistics
from pipeline.annotations.median_tests import MedianTest, median_tests
from pipeline.annotations.schema import Annotations
from pipeline.annotations.series import once_per_clip, series_of
from pipeline.annotations.setup_agreement import SetupAgreement


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """All that is to be said of agreement.

    Args:
        weights: Of the consensus in the leave-one-out CCC.
        by_setup: Per setup and dimension.
        between_setups: Per pair of setups and dimension.
        labels: Per dimension of labels.
        medians: Of single series, by setup and by profiles of raters.
        left_out: Series that are not used, by reason.
    """

    weights: str
    bootstrap: Bootstrap
    by_setup: tuple[SetupAgreement, ...]
    between_setups: tuple[BetweenSetups, ...]
    labels: tuple[LabelStatistics, ...]
    medians: tuple[MedianTest, ...]
    left_out: LeftOut


def agreement(
    annotations: Annotations,
    *,
    weights: Weights = "others",
    step: Fraction = Fraction(1, 2),
    bootstrap: Bootstrap = Bootstrap(),
    by: Collection[str] | None = None,
) -> Agreement:
    """Measures agreement in every setup, between setups, and by profiles of raters.

    Args:
        weights: Of the consensus that a rater is compared with; the MuVi study's are "all".
        step: Seconds per window, for ratings over time.
        bootstrap: Of the intervals, over videos.
        by: What labels and medians are compared by: "setup", "seen", "overlay", columns of the raters' table, or
            conditions such as "years_formal_training>3"; None: all that there are.

    Raises:
        SettingsError: `by` names no such column.
    """
    groups = groupings(annotations, by)
    rows: list[SetupAgreement] = []
    between: list[BetweenSetups] = []
    medians: list[MedianTest] = []
    left_out: dict[str, tuple[str, ...]] = {}
    for name, clips, part in round_parts(annotations):
        series, gone = usable(series_of(part, step))
        once = once_per_clip(part)
        rows += setup_agreement.over_time(series, name, clips, weights, bootstrap)
        rows += setup_agreement.once_per_clip(once, name, clips, weights, bootstrap)
        for dimension in part.nominal():
            rows += setup_agreement.of_labels(choices_of(part, dimension.name), name, clips, bootstrap)
        if clips == "all":
            left_out |= {reason: (*left_out.get(reason, ()), *which) for reason, which in gone.items()}
            for kind, rated in (("over time", series), ("once per clip", once)):
                between += between_setups(rated, kind, name, bootstrap)
            medians += median_tests(series, once, groupings(part, by), name, bootstrap)
    return Agreement(
        weights=weights,
        bootstrap=bootstrap,
        by_setup=tuple(rows),
        between_setups=tuple(between),
        labels=tuple(label_statistics(annotations, one.name, groups, bootstrap) for one in annotations.nominal()),
        medians=tuple(medians),
        left_out=left_out,
    )


def round_parts(annotations: Annotations) -> list[tuple[str | None, str, Annotations]]:
    """Every round, and where there are several also the clips that all of them have in a setup."""
    rounds = annotations.rounds
    if len(rounds) < 2:
        return [(rounds[0] if rounds else None, "all", annotations)]
    parts: list[tuple[str | None, str, Annotations]] = [
        (name, "all", annotations.select(round_=name)) for name in rounds
    ]
    for setup in annotations.setups:
        of_setup = [part.select(setups=[setup]) for _, _, part in parts]
        common = set.intersection(*(set(one.videos) for one in of_setup))
        if common and any(set(one.videos) != common for one in of_setup):
            named = zip(rounds, of_setup, strict=True)
            parts += [(name, "common", one.select(videos=common)) for name, one in named if name is not None]
    return parts
