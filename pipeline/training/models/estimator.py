"""The interface of a model: how it is fitted, what it predicts, what is saved of it, and what it requires."""

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
"""By block, (rows, K) scaled features."""

OnEpoch = Callable[[str, int], object]
"""Called after every epoch with the stage and the number of the epoch."""

Tables = Mapping[str, tuple[str, ...]]
"""By modality ("audio", "visual", "text", in this order), its tables; modalities without a table are absent."""


class Epoch(NamedTuple):
    """Losses of one epoch; `validation` is None without validation videos."""

    train: float
    validation: float | None


def best_epoch(losses: list[Epoch]) -> int:
    """The number (from 1) of the epoch with the lowest validation loss; without validation, of the last epoch."""
    validation = [epoch.validation for epoch in losses if epoch.validation is not None]
    return 1 + validation.index(min(validation)) if validation else len(losses)


@dataclass(frozen=True, kw_only=True, eq=False)
class FitTask:
    """Everything that fitting a model of one dimension needs.

    Args:
        samples: Features and labels of all labelled videos; only those of `parts` may be learned from.
        inputs: The scaled features of all samples.
        parts: The videos of the fold. For models without early stopping, validation videos are training videos.
        history: The number of windows that the model sees, and how many windows after the last of them the label lies.
        seed: Determines, with the dimension and the stage, everything that is random.
        pretraining: The videos for pretrained stages, if not those of `parts`.
        epochs: By stage, the number of epochs; None: the validation videos decide.
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

    def labelled_rows(self, videos: tuple[str, ...], role: str = MAIN) -> npt.NDArray[np.int64]:
        """The rows of some videos that have a label and, before it, all windows that the model sees."""
        return self.samples.labelled_rows(videos, self.target(role).values, self.history)


class Estimator(ABC):
    """The class is a kind of model; an instance is a fitted model.

    A model of your own is one class that derives from this one, in a package with an entry point of the group
    `avcues.models`.

    Attributes:
        title: Its name on pages.
        description: One sentence for the model card.
        modalities: Whether it reads tables of "any" number of modalities (sound, picture, words), of "one", or of
            "several".
        early_stopping: Whether validation videos decide when fitting stops; otherwise the model learns from them too.
        seeded: Whether the fitted model depends on the seed.
        several_outputs: Whether it can learn the ratings of several raters, or shares of several categories, at once.
        pretrained: Whether each block first learns labels of its own.
        choices: Names of the fields of `Protocol` that affect it, apart from those about splits and scores.
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
        """The number of windows that the model sees, and how many windows after the last of them the label lies."""
        return 1, 0

    @classmethod
    def stages(cls, blocks: tuple[str, ...]) -> tuple[str, ...]:
        """The stages of fitting, in order."""
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
        """(M, outputs) predictions for M rows."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """Everything that is saved of the model."""

    @classmethod
    @abstractmethod
    def load(
        cls, tensors: Mapping[str, Tensor], columns: Mapping[str, int], outputs: int, protocol: Protocol, shares: bool
    ) -> Self:
        """Restores a saved model.

        Args:
            tensors: As `tensors` returned them.
            columns: By block, the number of scaled features.
            outputs: The number of outputs.
            shares: Whether outputs are shares that sum to 1.

        Raises:
            KeyError: A tensor is missing.
            RuntimeError: A tensor has another shape.
        """

    @property
    def losses(self) -> Mapping[str, list[Epoch]]:
        """By stage, the losses of every epoch; empty for models without epochs."""
        return {}

    @property
    def coefficients(self) -> npt.NDArray[np.float64] | None:
        """(K,) weights of the scaled columns; None unless the model is linear with one block."""
        return None

    @property
    def unconverged_fits(self) -> int:
        """How many fits stopped before they converged."""
        return 0
