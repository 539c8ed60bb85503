"""The settings of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import chain, combinations
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.training.models.registry import estimator_class
from avcues.pipeline.training.protocol import MAIN, Protocol, require_choices

if TYPE_CHECKING:
    from avcues.pipeline.training.models.estimator import Estimator

TargetsName = Literal["gold", "raters"]
HeadsName = Literal["rater", "setup"]
UnitName = Literal["window", "clip"]

MODALITIES = ("audio", "visual", "text")
ALL_OF = "all of "
"""Begins the name of a modality where tables and modalities stand side by side."""
AUDIO = ("emobase", "rhythm")
VISUAL = ("color", "lighting", "expressions", "scenes", "objects", "actions")
"""The tables of each modality that are taken, as far as a folder has them, where none are named."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Everything that decides what a training run computes, apart from features and labels.

    Args:
        model: "lasso"; "lstm" on one modality; "early" fusion (A1 of the study) or "late" fusion (A2); "pair": late
            fusion whose branches were pretrained on ratings of the isolated modalities; or the name of an installed
            model.
        audio: Tables that describe the sound.
        visual: Tables that describe the picture.
        text: Tables that describe the words.
        dimensions: Labels to predict, each with a model of its own; empty: arousal and valence if there are such
            labels, otherwise all.
        label_range: The lowest and highest label that is possible; None: as the gold standard says, or -1 and 1.
        unit: Whether each "window" has a label, or each "clip" one; None: as the labels are.
        categories: By dimension, the categories whose shares are predicted together and sum to 1; the label of a
            category is called `<dimension>=<category>`.
        folds: Parts of the cross-validation.
        seeds: How often each network is fitted, with other random numbers each time.
        targets: "gold": one aggregated label; "raters": the ratings of each rater.
        heads: With targets="raters": an output per "rater", or per "setup" that all its raters share.
        ablate: Whether to cross-validate without each table in turn, too.
        protocol: How models are fitted and judged.

    Raises:
        SettingsError: A value is impossible, or the tables do not suit the model.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    model: str
    audio: tuple[str, ...] = ()
    visual: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    label_range: tuple[float, float] | None = None
    unit: UnitName | None = None
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folds: int = 5
    seeds: int = 3
    targets: TargetsName = "gold"
    heads: HeadsName = "rater"
    ablate: bool = False
    protocol: Protocol = field(default_factory=Protocol)

    def __post_init__(self) -> None:
        require_choices(self)
        if self.unit not in (None, "window", "clip"):
            raise SettingsError(f"`unit={self.unit}`: expected window or clip")
        if self.folds < 2 or self.seeds < 1:
            raise SettingsError(f"`folds={self.folds}` `seeds={self.seeds}`: expected 2 folds and 1 seed or more")
        low, high = self.scale
        if not (low < high and np.isfinite([low, high]).all()):
            raise SettingsError(f"`label_range={low:g},{high:g}`: expected the lowest label, then the highest")
        if not self.estimator.several_outputs:
            if self.targets == "raters":
                raise SettingsError(
                    f"`targets=raters` needs a network with an output per rater; {self.model} has one output"
                )
            if self.categories:
                raise SettingsError(
                    f"{self.model} has one output, and shares of {' and '.join(self.categories)} need several: use a "
                    "network, or name single shares with `dimensions`"
                )
        self.estimator.require(self.model, self.of_modality)
        if not self.tables:
            raise SettingsError("no table is named: give `audio`, `visual` or `text`")
        for (first, tables), (second, second_tables) in combinations(self.of_modality.items(), 2):
            if shared := set(tables) & set(second_tables):
                raise SettingsError(f"{', '.join(sorted(shared))}: named as `{first}` and as `{second}`; leave one out")

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @property
    def estimator(self) -> type[Estimator]:
        """The class of the model."""
        return estimator_class(self.model)

    @property
    def blocks(self) -> dict[str, tuple[str, ...]]:
        """The inputs of the model, each with its tables in the order of its columns."""
        return self.estimator.blocks(self.of_modality)

    @property
    def tables(self) -> tuple[str, ...]:
        """All tables that the model reads."""
        return tuple(chain.from_iterable(self.of_modality.values()))

    @property
    def of_modality(self) -> dict[str, tuple[str, ...]]:
        """By modality, the tables that describe it; only those that have some."""
        return {modality: tables for modality in MODALITIES if (tables := getattr(self, modality))}

    @property
    def groups_of_tables(self) -> dict[str, tuple[str, ...]]:
        """What a model may rely on, by name: each table, and where there are several modalities, all tables of each."""
        single = {name: (name,) for name in self.tables}
        several = self.of_modality if len(self.of_modality) > 1 else {}
        return single | {f"{ALL_OF}{modality}": tables for modality, tables in several.items()}

    @property
    def history(self) -> tuple[int, int]:
        """Windows that the model sees, and how far after the last of them its label lies."""
        return self.estimator.history(self.protocol)

    @property
    def fits(self) -> int:
        """How often each model is fitted, each time with another seed."""
        return self.seeds if self.estimator.seeded else 1

    def labels_of(self, dimension: str) -> tuple[str, ...]:
        """Names of the labels of a dimension: its own, or those of its categories."""
        return tuple(f"{dimension}={name}" for name in self.categories.get(dimension, ())) or (dimension,)

    @property
    def scale(self) -> tuple[float, float]:
        """The lowest and highest label; networks predict between -1 and 1."""
        return self.label_range or (-1.0, 1.0)

    def as_labels(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Values between -1 and 1, as models have them, on the scale of the labels."""
        low, high = self.scale
        return values if (low, high) == (-1, 1) else low + (values + 1) / 2 * (high - low)

    def as_targets(self, labels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Labels brought from their scale to -1 and 1."""
        low, high = self.scale
        return labels if (low, high) == (-1, 1) else (labels - low) / (high - low) * 2 - 1


__all__ = ["AUDIO", "MAIN", "VISUAL", "HeadsName", "TargetsName", "TrainingSettings", "UnitName"]
