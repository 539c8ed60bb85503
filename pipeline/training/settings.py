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
"""Prefix of the names of modalities in `TrainingSettings.table_groups`, which also has names of tables."""
AUDIO = ("emobase", "rhythm")
VISUAL = ("color", "lighting", "expressions", "scenes", "objects", "actions")
"""The default tables of each modality, as far as a folder has them."""


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
        label_range: The lowest and highest possible label; None: the range of the gold standard, or -1 and 1.
        unit: Whether each "window" or each "clip" has a label; None: decided by the labels.
        categories: By dimension, the categories whose shares are predicted together and sum to 1; the label of a
            category is called `<dimension>=<category>`.
        folds: The number of folds of the cross-validation.
        seeds: How often each network is fitted, each time with other random numbers.
        targets: "gold": one aggregated label; "raters": the ratings of each rater.
        heads: With targets="raters": an output per "rater", or per "setup" that all its raters share.
        ablate: Whether to cross-validate also without each table in turn.
        protocol: How models are fitted and scored.

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
                    f"{self.model} has one output, but shares of {' and '.join(self.categories)} need several: use a "
                    "network, or name single shares with `dimensions`"
                )
        self.estimator.require(self.model, self.tables_by_modality)
        if not self.tables:
            raise SettingsError("no table is named: give `audio`, `visual` or `text`")
        for (first, tables), (second, second_tables) in combinations(self.tables_by_modality.items(), 2):
            if shared := set(tables) & set(second_tables):
                raise SettingsError(f"{', '.join(sorted(shared))}: named as `{first}` and as `{second}`; leave one out")

    def document(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return asdict(self)

    @property
    def estimator(self) -> type[Estimator]:
        """The class of the model."""
        return estimator_class(self.model)

    @property
    def blocks(self) -> dict[str, tuple[str, ...]]:
        """The inputs of the model, each with its tables in the order of its columns."""
        return self.estimator.blocks(self.tables_by_modality)

    @property
    def tables(self) -> tuple[str, ...]:
        """All tables that the model reads."""
        return tuple(chain.from_iterable(self.tables_by_modality.values()))

    @property
    def tables_by_modality(self) -> dict[str, tuple[str, ...]]:
        """By modality, its tables; modalities without a table are absent."""
        return {modality: tables for modality in MODALITIES if (tables := getattr(self, modality))}

    @property
    def table_groups(self) -> dict[str, tuple[str, ...]]:
        """By name, tables that can be left out together: each table and, with several modalities, each modality."""
        single = {name: (name,) for name in self.tables}
        modalities = self.tables_by_modality if len(self.tables_by_modality) > 1 else {}
        return single | {f"{ALL_OF}{modality}": tables for modality, tables in modalities.items()}

    @property
    def history(self) -> tuple[int, int]:
        """The number of windows that the model sees, and how many windows after the last of them the label lies."""
        return self.estimator.history(self.protocol)

    @property
    def fits(self) -> int:
        """How often each model is fitted: once per seed if it depends on the seed."""
        return self.seeds if self.estimator.seeded else 1

    def labels_of(self, dimension: str) -> tuple[str, ...]:
        """Names of the labels of a dimension: its own name, or one name per category."""
        return tuple(f"{dimension}={name}" for name in self.categories.get(dimension, ())) or (dimension,)

    @property
    def scale(self) -> tuple[float, float]:
        """The lowest and highest label."""
        return self.label_range or (-1.0, 1.0)

    def as_labels(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Maps model outputs, between -1 and 1, to the scale of the labels."""
        low, high = self.scale
        return values if (low, high) == (-1, 1) else low + (values + 1) / 2 * (high - low)

    def as_targets(self, labels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Maps labels from their scale to between -1 and 1, the scale of model outputs."""
        low, high = self.scale
        return labels if (low, high) == (-1, 1) else (labels - low) / (high - low) * 2 - 1


__all__ = ["AUDIO", "MAIN", "VISUAL", "HeadsName", "TargetsName", "TrainingSettings", "UnitName"]
