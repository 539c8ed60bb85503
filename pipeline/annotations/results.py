"""What the figures and tables of a study show; each result is computed once, when it is first needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from avcues.pipeline.annotations.across_setups.perspectives import Perspectives, perspectives
from avcues.pipeline.annotations.label_order import LabelGroups, usual_groups
from avcues.pipeline.annotations.ratings.choices import Choices, choices_of
from avcues.pipeline.annotations.ratings.exclusions import SHORTEST, LeftOut, drop_unusable
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.series import Series, once_per_clip, series_of
from avcues.pipeline.annotations.ratings.wording import listed
from avcues.pipeline.annotations.reliability.agreement import Agreement, agreement
from avcues.pipeline.annotations.reliability.label_statistics import LabelStatistics
from avcues.pipeline.annotations.reliability.model_agreement import ModelAgreement
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap
from avcues.pipeline.annotations.statistics.consensus import Weights
from avcues.pipeline.errors import SettingsError

_EVERYTHING = ("all", "audiovisual")
"""Names of setups in which everything is shown."""


class NotShownError(SettingsError):
    """The study has no data for a figure or table."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """The results of a study that figures and tables show.

    The MuVi study's own figures are those of `weights="all", windows=118, whole_clips=True`.

    Args:
        annotations: The ratings.
        against: The setup in which everything is shown; None: "all" or "audiovisual", if there is one.
        by: What labels and ratings are compared by, as for `agreement`; None: all groups of setups, clips and raters.
        weights: As for `agreement`.
        windows: As for `agreement`.
        whole_clips: As for `agreement`.
        shortest: As for `agreement`.
        keep_constant: As for `agreement`.
        threshold: As for `perspectives`.
        neutral: As for `perspectives`.
        step: Seconds per window.
        bootstrap: Number and seed of the samples for intervals and of the permutations.
        clips: Ids of the clips to draw in figures of single clips; empty: `plot.chosen_clip` decides.
        models: A model's predictions judged as one more rater, as `model_agreement` gives them; empty: none.
        label_groups: By label, the groups that it belongs to, from the narrowest: category, then superfactor; None:
            those of the Geneva Emotional Music Scale, if all labels are its terms.

    Raises:
        SettingsError: A clip or the setup is not rated.
    """

    annotations: Annotations
    against: str | None = None
    by: Collection[str] | None = None
    weights: Weights = "others"
    windows: int | None = None
    whole_clips: bool = False
    shortest: float = SHORTEST
    keep_constant: bool = False
    threshold: float | None = None
    neutral: tuple[float, float] | None = None
    step: Fraction = Fraction(1, 2)
    bootstrap: Bootstrap = field(default_factory=Bootstrap)
    clips: tuple[str, ...] = ()
    models: tuple[ModelAgreement, ...] = ()
    label_groups: LabelGroups | None = None

    def __post_init__(self) -> None:
        for name, chosen, rated in (
            ("clip", self.clips, self.annotations.videos),
            ("against", () if self.against is None else (self.against,), self.annotations.setups),
        ):
            for value in chosen:
                if value not in rated:
                    raise SettingsError(f"`{name}={value}`: is not rated; expected {listed(rated)}")

    @cached_property
    def agreement(self) -> Agreement:
        """How far raters agree, and what labels and ratings depend on."""
        return agreement(
            self.annotations,
            weights=self.weights,
            windows=self.windows,
            whole_clips=self.whole_clips,
            shortest=self.shortest,
            keep_constant=self.keep_constant,
            step=self.step,
            bootstrap=self.bootstrap,
            by=self.by,
        )

    @cached_property
    def perspectives(self) -> Mapping[str, Perspectives]:
        """By dimension rated in numbers, how ratings depend on the setup.

        Raises:
            NotShownError: There is one setup only, or none in which everything is shown.
        """
        everything = self.everything
        return {
            dimension.name: perspectives(
                self.annotations,
                dimension.name,
                everything,
                threshold=self.threshold,
                neutral=self.neutral,
                step=self.step,
                bootstrap=self.bootstrap,
                shortest=self.shortest,
                keep_constant=self.keep_constant,
            )
            for dimension in self.annotations.numeric()
        }

    @property
    def everything(self) -> str:
        """The setup in which everything is shown.

        Raises:
            NotShownError: There is none, or it is the only one.
        """
        setups = self.annotations.setups
        if len(setups) < 2:
            raise NotShownError("there is one setup only")
        everything = self.against or next((name for name in _EVERYTHING if name in setups), None)
        if everything is None:
            raise NotShownError(f"name the setup that shows everything with `against`: {', '.join(setups)}")
        return everything

    @cached_property
    def rated(self) -> tuple[Series, Series, LeftOut]:
        """The usable ratings over time, the ratings once per clip, and the series left out."""
        series = series_of(self.annotations, self.step)
        series, left_out = drop_unusable(
            series if self.windows is None else series.first_windows(self.windows),
            windows=self.windows,
            whole_clips=self.whole_clips,
            shortest=self.shortest,
            keep_constant=self.keep_constant,
        )
        return series, once_per_clip(self.annotations), left_out

    @cached_property
    def groups_of_labels(self) -> LabelGroups:
        """By label, the groups that it belongs to, from the narrowest; empty: not known."""
        if self.label_groups is not None:
            return self.label_groups
        return {
            label: groups
            for dimension in self.annotations.nominal()
            for label, groups in usual_groups(dimension.labels).items()
        }

    def choices(self, dimension: str) -> Choices:
        """The labels of a dimension that raters chose."""
        return choices_of(self.annotations, dimension, self.step)

    def labels(self, dimension: str) -> LabelStatistics:
        """Counts and tests of the labels of a dimension.

        Raises:
            SettingsError: It is not rated in labels.
        """
        for statistics in self.agreement.labels:
            if statistics.dimension == dimension:
                return statistics
        raise SettingsError(f"{dimension} is not rated in labels")

    def nominal(self) -> tuple[str, ...]:
        """The dimensions rated in labels.

        Raises:
            NotShownError: There is none.
        """
        names = tuple(dimension.name for dimension in self.annotations.nominal())
        if not names:
            raise NotShownError("nothing is rated in labels")
        return names

    def numeric(self) -> tuple[str, ...]:
        """The dimensions rated in numbers.

        Raises:
            NotShownError: There is none.
        """
        names = tuple(dimension.name for dimension in self.annotations.numeric())
        if not names:
            raise NotShownError("nothing is rated in numbers")
        return names
