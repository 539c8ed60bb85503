"""The settings of a training run, and the two protocols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args, get_type_hints

import numpy as np
import numpy.typing as npt

from avcues.pipeline.errors import SettingsError

ModelName = Literal["lasso", "lstm", "early", "late", "pair"]
TargetsName = Literal["gold", "raters"]
HeadsName = Literal["rater", "setup"]

MAIN = "main"
"""The role of the labels that a model is to predict; the others are named after the block that they pretrain."""

AUDIO = ("emobase", "rhythm")
VISUAL = ("color", "lighting", "expressions", "scenes", "objects", "actions")
"""The tables of each modality that are taken, as far as a folder has them, where none are named."""


def option(name: str) -> str:
    """The command line's name of a setting."""
    return f"--{name.replace('_', '-')}"


def _check_choices(settings: Any) -> None:
    hints = get_type_hints(type(settings))
    for one in fields(settings):
        choices = get_args(hints[one.name])
        value = getattr(settings, one.name)
        if choices and isinstance(choices[0], str) and value not in choices:
            raise SettingsError(f"{option(one.name)} {value}: expected {', '.join(choices)}")


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How models are fitted and judged. Networks follow Chua et al. 2022 (arXiv 2202.10453) and its public script.

    Args:
        split: "hashed": folds as `Dataset.split` makes them; "kfold": scikit-learn's `KFold(shuffle=True,
            random_state=42)` over the videos in a given order, as in the script.
        validation: "tenth": every tenth training video; "half": half of the held-out fold, as in the script,
            so that half of all videos are never tested.
        scaling: "standard": mean 0, standard deviation 1; "minmax": 0 to 1. Both are fitted on training videos.
        scoring: "video": each video's own predictions; "s111": slices of 111 windows, as in the script, which begin
            within the video before.
        keep: "best": the weights of the epoch with the lowest loss on validation videos; "last": those of the last
            epoch. Branches that PAIR pretrains always keep their best epoch, as in the script.
        pretrain: For PAIR: "matched": branches are pretrained on the training videos of their fold; "shared": in every
            fold on those of the last fold, as in the script, so that they have seen most test videos.
        block: "script": linear layer, LSTM, LSTM with half the units; "paper": two LSTMs with all the units.
        units: Width of the layers; even.
        dropout: Share of outputs dropped after each LSTM, 0 to below 1.
        length: Windows in the sequence that a network reads.
        horizon: Windows from the last one that it reads to the one whose label it predicts.
        batch_size: Sequences per step, for networks with one block.
        fusion_batch_size: Sequences per step, for networks with two blocks.
        learning_rate: Of Adam.
        loss: "mse": mean squared error; "ccc": 1 - CCC of the batch.
        epochs: The largest number of epochs.
        patience: Fitting stops after so many epochs without a lower loss on validation videos.
    """

    split: Literal["hashed", "kfold"] = "hashed"
    validation: Literal["tenth", "half"] = "tenth"
    scaling: Literal["standard", "minmax"] = "standard"
    scoring: Literal["video", "s111"] = "video"
    keep: Literal["best", "last"] = "best"
    pretrain: Literal["matched", "shared"] = "matched"
    block: Literal["script", "paper"] = "script"
    units: int = 256
    dropout: float = 0.2
    length: int = 4
    horizon: int = 1
    batch_size: int = 256
    fusion_batch_size: int = 512
    learning_rate: float = 1e-4
    loss: Literal["mse", "ccc"] = "mse"
    epochs: int = 100
    patience: int = 7

    def __post_init__(self) -> None:
        _check_choices(self)
        for name in ("length", "batch_size", "fusion_batch_size", "epochs", "patience"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{option(name)} {getattr(self, name)}: expected 1 or more")
        if self.units < 2 or self.units % 2:
            raise SettingsError(f"--units {self.units}: expected an even number, such as 256")
        if self.horizon < 0:
            raise SettingsError(f"--horizon {self.horizon}: expected 0 (the last window that is seen) or more")
        if not 0 <= self.dropout < 1:
            raise SettingsError(f"--dropout {self.dropout:g}: expected a share from 0 to below 1")
        if not self.learning_rate > 0:
            raise SettingsError(f"--learning-rate {self.learning_rate:g}: expected more than 0, such as 0.0001")


CLEAN = Protocol()
"""Every video is tested once, by models that were fitted without it."""

MUVI = Protocol(
    split="kfold", validation="half", scaling="minmax", scoring="s111", keep="last", pretrain="shared", block="script"
)
"""The choices of the MuVi study's public script, for comparison only: `pretrain` and `scoring` let test videos leak."""

PROTOCOLS: Mapping[str, Protocol] = {"clean": CLEAN, "muvi": MUVI}


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Everything that decides what a training run computes, apart from features and labels.

    Args:
        model: "lasso"; "lstm" on one modality; "early" fusion (A1 of the study) or "late" fusion (A2); "pair": late
            fusion whose branches were pretrained on ratings of the isolated modalities.
        audio: Tables that describe the sound.
        visual: Tables that describe the picture.
        dimensions: Labels to predict, each with a model of its own; empty: arousal and valence if there are such
            labels, otherwise all.
        label_range: The lowest and highest label that is possible; None: as the gold standard says, or -1 and 1.
        folds: Parts of the cross-validation.
        seeds: How often each network is fitted, with other random numbers each time.
        targets: "gold": one aggregated label; "raters": the series of each rater.
        heads: With targets="raters": an output per "rater", or per "setup" that all its raters share.
        ablate: Whether to cross-validate without each table in turn, too.
        protocol: How models are fitted and judged.

    Raises:
        SettingsError: A value is impossible, or the tables do not suit the model.
    """

    model: ModelName
    audio: tuple[str, ...] = ()
    visual: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    label_range: tuple[float, float] | None = None
    folds: int = 5
    seeds: int = 3
    targets: TargetsName = "gold"
    heads: HeadsName = "rater"
    ablate: bool = False
    protocol: Protocol = field(default_factory=Protocol)

    def __post_init__(self) -> None:
        _check_choices(self)
        if self.folds < 2 or self.seeds < 1:
            raise SettingsError(f"--folds {self.folds} --seeds {self.seeds}: expected 2 folds and 1 seed or more")
        low, high = self.scale
        if not low < high:
            raise SettingsError(f"--label-range {low:g},{high:g}: expected the lowest label, then the highest")
        if self.model == "lasso" and self.targets == "raters":
            raise SettingsError("--targets raters needs a network with a head per rater; lasso has one target")
        if self.model == "lstm" and bool(self.audio) == bool(self.visual):
            raise SettingsError("--model lstm reads one modality: name its tables with --audio or with --visual")
        if self.model in ("early", "late", "pair") and not (self.audio and self.visual):
            missing = "--visual" if self.audio else "--audio"
            raise SettingsError(f"--model {self.model} joins sound and picture: name tables with {missing} as well")
        if not (self.audio or self.visual):
            raise SettingsError("no table is named: give --audio or --visual")
        both = set(self.audio) & set(self.visual)
        if both:
            raise SettingsError(f"{', '.join(sorted(both))}: named with --audio and with --visual; leave one out")

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> TrainingSettings:
        """The settings that `document` describes.

        Raises:
            KeyError: Something is missing.
            TypeError: Something is unknown.
            SettingsError: Something is impossible.
        """
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
        }
        return cls(**values | {"protocol": Protocol(**document["protocol"])})

    @property
    def blocks(self) -> dict[str, tuple[str, ...]]:
        """The inputs of the model, each with its tables in the order of its columns."""
        if self.model == "lasso":
            return {"features": self.audio + self.visual}
        if self.model == "early":
            return {"features": self.visual + self.audio}
        return {name: tables for name, tables in (("audio", self.audio), ("visual", self.visual)) if tables}

    @property
    def tables(self) -> tuple[str, ...]:
        """All tables that the model reads."""
        return self.audio + self.visual

    @property
    def history(self) -> tuple[int, int]:
        """Windows that the model sees, and how far after the last of them its target lies; LASSO sees the target's."""
        return (1, 0) if self.model == "lasso" else (self.protocol.length, self.protocol.horizon)

    def keep_of(self, stage: str) -> Literal["best", "last"]:
        """Which weights a stage of fitting ends with: a branch that was pretrained always those of its best epoch."""
        return self.protocol.keep if stage == MAIN else "best"

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
