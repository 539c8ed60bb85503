"""How models are fitted and scored: the choices of a protocol, and the two named protocols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, get_args, get_type_hints

from avcues.pipeline.errors import SettingsError

MAIN = "main"
"""The role of the labels that a model predicts; every other role has the name of the block that it pretrains."""


def require_choices(settings: Any) -> None:
    """Checks that every field of a dataclass whose type is a `Literal` of texts has one of the listed values.

    Raises:
        SettingsError: A field has another value.
    """
    hints = get_type_hints(type(settings))
    for field in fields(settings):
        choices = get_args(hints[field.name])
        value = getattr(settings, field.name)
        if choices and isinstance(choices[0], str) and value not in choices:
            raise SettingsError(f"`{field.name}={value}`: expected {', '.join(choices)}")


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How models are fitted and scored. Networks follow Chua et al. 2022 (arXiv 2202.10453) and its public script.

    Args:
        split: "hashed": folds as `Dataset.split` makes them; "kfold": scikit-learn's `KFold(shuffle=True,
            random_state=42)` over the videos in a given order, as in the study's script.
        validation: "tenth": every tenth training video; "half": half of the held-out fold, as in the script,
            so that half of all videos are never tested.
        scaling: "standard": mean 0, standard deviation 1; "minmax": 0 to 1. Both are fitted on training videos.
        scoring: "video": each video's own predictions; "s111": slices of 111 windows, as in the script; a slice begins
            within the preceding video.
        keep: "best": the weights of the epoch with the lowest loss on validation videos; "last": those of the last
            epoch. Branches that PAIR pretrains always keep their best epoch, as in the script.
        pretrain: For PAIR: "matched": branches are pretrained on the training videos of their fold; "shared": in every
            fold, branches are pretrained on the training videos of the last fold, as in the script, so that they have
            seen most test videos.
        block: "script": linear layer, LSTM, LSTM with half the units; "paper": two LSTMs with all the units.
        units: Width of the layers; even.
        dropout: Share of outputs dropped after each LSTM, 0 to below 1.
        length: Windows in the sequence that a network reads.
        horizon: How many windows after the last one that the network reads the predicted label lies; 0: in that window.
        batch_size: Sequences per step, for networks with one block.
        fusion_batch_size: Sequences per step, for networks with two blocks.
        learning_rate: Learning rate of Adam.
        loss: "mse": mean squared error; "ccc": 1 - CCC of the batch.
        epochs: The largest number of epochs.
        patience: Fitting stops after this many epochs without a lower loss on validation videos.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

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
        require_choices(self)
        for name in ("length", "batch_size", "fusion_batch_size", "epochs", "patience"):
            if getattr(self, name) < 1:
                raise SettingsError(f"`{name}={getattr(self, name)}`: expected 1 or more")
        if self.units < 2 or self.units % 2:
            raise SettingsError(f"`units={self.units}`: expected an even number, such as 256")
        if self.horizon < 0:
            raise SettingsError(f"`horizon={self.horizon}`: expected 0 (the last window that is read) or more")
        if not 0 <= self.dropout < 1:
            raise SettingsError(f"`dropout={self.dropout:g}`: expected a share from 0 to below 1")
        if not 0 < self.learning_rate < float("inf"):
            raise SettingsError(f"`learning_rate={self.learning_rate:g}`: expected more than 0, such as 0.0001")

    def kept_epoch(self, stage: str) -> Literal["best", "last"]:
        """The epoch whose weights a stage of fitting keeps; a pretrained branch always keeps its best epoch."""
        return self.keep if stage == MAIN else "best"


CLEAN = Protocol()
"""Every video is tested once, by models that were fitted without it."""

MUVI = Protocol(
    split="kfold", validation="half", scaling="minmax", scoring="s111", keep="last", pretrain="shared", block="script"
)
"""The choices of the MuVi study's public script, for comparison only: `pretrain` and `scoring` leak test videos."""

PROTOCOLS: Mapping[str, Protocol] = {"clean": CLEAN, "muvi": MUVI}
