"""What a model is: how it is fitted, what it predicts, what is saved of it, and what it requires."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.training.protocol import MAIN, Protocol
from avcues.pipeline.training.samples import Samples, Target
from avcues.pipeline.training.splits import Parts

if TYPE_CHECKING:
    from torch import Tensor

Inputs = Mapping[str, npt.NDArray[np.float32]]
"""Per block, (rows, K) scaled features."""

OnEpoch = Callable[[str, int], object]
"""Called after every epoch with the stage and the number of the epoch."""

Tables = Mapping[str, tuple[str, ...]]
"""By modality ("audio", "visual", "text", in this order), the tables that describe it; only those that have some."""


class Epoch(NamedTuple):
    """Losses of one epoch; `validation` is None where there is no video to validate on."""

    train: float
    validation: float | None


def best_epoch(losses: list[Epoch]) -> int:
    """The epoch, from 1 on, with the lowest loss on validation videos, the first of equals; without any, the last."""
    validation = [epoch.validation for epoch in losses if epoch.validation is not None]
    return 1 + validation.index(min(validation)) if validation else len(losses)


@dataclass(frozen=True, kw_only=True, eq=False)
class FitTask:
    """What a model of one dimension is fitted to.

    Args:
        samples: Features and labels of all labelled videos; only those of `parts` may be learned from.
        inputs: The scaled features of all samples.
        parts: The videos of the fold. Models without early stopping get those of both parts as training videos.
        history: Windows that are seen, and how far after the last of them the label lies.
        seed: With the dimension and the stage it decides everything that is random.
        pretraining: The videos that pretrained stages see, if not those of `parts`.
        epochs: By stage, how many; None: as validation videos say.
    """

    samples: Samples
    inputs: Inputs
    parts: Parts
    dimension: str
    protocol: Protocol
    history: tuple[int, int]
    seed: int = 0
    pretraining: Parts | None = None
    epochs: Mapping[str, int] | None = None
    on_epoch: OnEpoch = lambda stage, epoch: None

    def target(self, role: str = MAIN) -> Target:
        """The labels of a role."""
        return self.samples.targets[role][self.dimension]

    def labelled(self, videos: tuple[str, ...], role: str = MAIN) -> npt.NDArray[np.int64]:
        """The rows of some videos that have a label and, before it, all windows that the model sees."""
        return self.samples.labelled(videos, self.target(role).values, self.history)


class Estimator(ABC):
    """A kind of model, as a class; one that was fitted, as an instance.

    A model of your own is one class that derives from this one, in a package with an entry point of the group
    `avcues.models`.

    Attributes:
        title: What pages call it.
        description: One sentence for the model card.
        modalities: Whether it reads tables of sound, picture and words in "any" combination, of "one", or of "several".
        early_stopping: Whether validation videos decide when fitting stops; if not, it learns from them too.
        seeded: Whether it differs from seed to seed.
        several_outputs: Whether it can learn the ratings of several raters, or shares of several categories, at once.
        pretrained: Whether each block first learns the labels of a role of its own.
        choices: Names of the choices of `Protocol` that matter to it, beside those about splits and scores.
    """

    title: ClassVar[str]
    description: ClassVar[str]
    modalities: ClassVar[Literal["any", "one", "several"]] = "any"
    early_stopping: ClassVar[bool] = False
    seeded: ClassVar[bool] = False
    several_outputs: ClassVar[bool] = False
    pretrained: ClassVar[bool] = False
    choices: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def require(cls, name: str, tables: Tables) -> None:
        """Refuses tables that do not suit the model.

        Raises:
            SettingsError: The tables do not suit the model.
        """
        if cls.modalities == "one" and len(tables) != 1:
            raise SettingsError(
                f"`model={name}` reads one modality: name its tables with `audio`, with `visual` or with `text`"
            )
        if cls.modalities == "several" and len(tables) < 2:
            missing = "visual" if "audio" in tables else "audio"
            raise SettingsError(f"`model={name}` joins modalities: name tables with `{missing}` as well")

    @classmethod
    def blocks(cls, tables: Tables) -> dict[str, tuple[str, ...]]:
        """The inputs of the model, each with its tables in the order of its columns."""
        return {"features": tuple(chain.from_iterable(tables.values()))}

    @classmethod
    def history(cls, protocol: Protocol) -> tuple[int, int]:
        """Windows that the model sees, and how far after the last of them the label lies."""
        return 1, 0

    @classmethod
    def stages(cls, blocks: tuple[str, ...]) -> tuple[str, ...]:
        """The stages of fitting, in their order."""
        return (*blocks, MAIN) if cls.pretrained else (MAIN,)

    @classmethod
    @abstractmethod
    def fit(cls, task: FitTask) -> Self:
        """Fits a model.

        Raises:
            SettingsError: A part has no labels, or too few.
        """

    @abstractmethod
    def outputs(self, inputs: Inputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """(M, outputs) predictions of the labels of M rows."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """Everything that is saved of it."""

    @classmethod
    @abstractmethod
    def load(
        cls, tensors: Mapping[str, Tensor], columns: Mapping[str, int], outputs: int, protocol: Protocol, shares: bool
    ) -> Self:
        """The model that was saved.

        Args:
            tensors: As `tensors` gave them.
            columns: Per block, the number of scaled features.
            outputs: The number of outputs.
            shares: Whether outputs are shares that sum to 1.

        Raises:
            KeyError: A tensor is missing.
            RuntimeError: A tensor has another shape.
        """

    @property
    def losses(self) -> Mapping[str, list[Epoch]]:
        """By stage, the losses of every epoch; empty where there are no epochs."""
        return {}

    @property
    def coefficients(self) -> npt.NDArray[np.float64] | None:
        """(K,) weights of the scaled columns, of linear models with one block."""
        return None

    @property
    def unconverged(self) -> int:
        """How many of its fits stopped before they had converged."""
        return 0
