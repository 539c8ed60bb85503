"""The networks of the MuVi study (Chua et al. 2022, arXiv 2202.10453): on one modality, early and late fusion, PAIR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.training.determinism import seed_of
from avcues.pipeline.training.disjoint_parts import check_disjoint
from avcues.pipeline.training.models.estimator import Epoch, Estimator, FitTask, Inputs, Tables
from avcues.pipeline.training.models.gradient_descent import Windows, fit, predict, windows_of
from avcues.pipeline.training.models.lstm_network import Network
from avcues.pipeline.training.protocol import MAIN, Protocol
from avcues.pipeline.training.splits import Parts

_ONE_BLOCK_CHOICES = frozenset(
    ("keep", "block", "units", "dropout", "length", "horizon", "batch_size", "learning_rate", "epochs", "patience")
) | {"validation", "loss"}
_TWO_BLOCK_CHOICES = _ONE_BLOCK_CHOICES - {"batch_size"} | {"fusion_batch_size"}


class SequenceNetwork(Estimator):
    """An LSTM network that reads the windows before the one whose label it predicts.

    Args:
        network: The fitted network.
        history: The number of windows that it sees, and how many windows after the last of them the label lies.
    """

    early_stopping = True
    seeded = True
    several_outputs = True
    choices = _ONE_BLOCK_CHOICES

    def __init__(
        self, network: Network, history: tuple[int, int], losses: Mapping[str, list[Epoch]] | None = None
    ) -> None:
        self.network = network
        self._history = history
        self._losses = losses or {}

    @classmethod
    def history(cls, protocol: Protocol) -> tuple[int, int]:
        return protocol.length, protocol.horizon

    @classmethod
    def fit(cls, task: FitTask) -> Self:
        network = _new_network(task, MAIN, task.inputs)
        losses = {MAIN: _fit_stage(task, MAIN, task.inputs, network, task.parts)}
        return cls(network, task.history, losses)

    def outputs(self, inputs: Inputs, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        windows = Windows(
            inputs={block: torch.from_numpy(values) for block, values in inputs.items()},
            rows=torch.from_numpy(rows),
            history=self._history,
            labels=torch.empty(len(rows), 0),
        )
        return predict(self.network, windows).numpy().astype(np.float64)

    def tensors(self) -> dict[str, Tensor]:
        return {name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}

    @classmethod
    def load(
        cls, tensors: Mapping[str, Tensor], columns: Mapping[str, int], outputs: int, protocol: Protocol, shares: bool
    ) -> Self:
        with torch.device(
            "meta"
        ):  # compares shapes first, so that a forged file cannot claim more memory than its weights take
            shapes = {name: t.shape for name, t in Network(columns, outputs, protocol).state_dict().items()}
        mismatched = [
            name for name in {*shapes, *tensors} if name not in tensors or tensors[name].shape != shapes.get(name)
        ]
        if mismatched:
            raise RuntimeError(f"{min(mismatched)} is missing or has another shape")
        network = Network(columns, outputs, protocol, shares=shares)
        network.load_state_dict(tensors)
        network.eval()
        return cls(network, cls.history(protocol))

    @property
    def losses(self) -> Mapping[str, list[Epoch]]:
        return self._losses


class _Fusion(SequenceNetwork):
    modalities = "several"

    @classmethod
    def blocks(cls, tables: Tables) -> dict[str, tuple[str, ...]]:
        return dict(tables)


class OneModality(SequenceNetwork):
    """The network on a single modality: sound, picture or words."""

    title = "LSTM"
    description = "An LSTM network on one modality"
    modalities: ClassVar = "one"

    @classmethod
    def blocks(cls, tables: Tables) -> dict[str, tuple[str, ...]]:
        return dict(tables)


class EarlyFusion(_Fusion):
    """A1 of the study: one block reads the columns of all modalities."""

    title = "early fusion (A1)"
    description = "An LSTM network on the joined features of several modalities (early fusion, A1 of the MuVi study)"

    @classmethod
    def blocks(cls, tables: Tables) -> dict[str, tuple[str, ...]]:
        order = ("visual", "audio", "text")  # of the study
        return {"features": tuple(name for modality in order for name in tables.get(modality, ()))}


class LateFusion(_Fusion):
    """A2 of the study: a block for each modality."""

    title = "late fusion (A2)"
    description = "An LSTM block for each modality, joined by a dense layer (late fusion, A2 of the MuVi study)"
    choices = _TWO_BLOCK_CHOICES


class Pair(_Fusion):
    """Late fusion whose blocks first learn from ratings of the isolated modalities (section 5.3 of the study).

    For each fold, each block is fitted as a network of its own, on the training videos of that fold, with the same
    scaling. It then becomes a branch: its output layer is dropped, and all weights are fitted further. Nothing is
    frozen.
    """

    title = "PAIR"
    description = "Late fusion, its blocks pretrained on ratings of the isolated modalities (PAIR of the MuVi study)"
    pretrained = True
    choices = _TWO_BLOCK_CHOICES | {"batch_size", "pretrain"}

    @classmethod
    def fit(cls, task: FitTask) -> Self:
        """Fits the blocks, then the network.

        Raises:
            LeakError: Blocks would see a test video, and the protocol does not allow it.
            SettingsError: A part has no labels.
        """
        parts = task.pretraining or task.parts
        if task.protocol.pretrain == "matched":
            video_sets = {"pretraining": (*parts.train, *parts.validation), "test": task.parts.test}
            check_disjoint(video_sets, task.samples.fingerprints, task.samples.groups)
        losses = {}
        branches = {}
        for block, values in task.inputs.items():
            block_values = {block: values}
            branch = _new_network(task, block, block_values)
            losses[block] = _fit_stage(task, block, block_values, branch, parts)
            branches[block] = branch.blocks[block].state_dict()
        network = _new_network(task, MAIN, task.inputs)
        for block, weights in branches.items():
            network.blocks[block].load_state_dict(weights)
        losses[MAIN] = _fit_stage(task, MAIN, task.inputs, network, task.parts)
        return cls(network, task.history, losses)


def _new_network(task: FitTask, role: str, inputs: Inputs) -> Network:
    """A network whose initial weights depend only on the seed, the dimension and the role."""
    columns = {block: values.shape[1] for block, values in inputs.items()}
    target = task.target(role)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(task.seed, task.dimension, role))
        return Network(columns, len(target.outputs), task.protocol, shares=target.shares)


def _fit_stage(task: FitTask, role: str, inputs: Inputs, network: Network, parts: Parts) -> list[Epoch]:
    """Fits a network to the labels of one role."""
    target = task.target(role)
    tensors = {block: torch.from_numpy(values) for block, values in inputs.items()}

    def windows(videos: Sequence[str], part: str) -> Windows:
        rows = task.labelled_rows(tuple(videos), role)
        if not len(rows):
            purpose = "" if role == MAIN else f" to pretrain {role}"
            raise SettingsError(
                f"no {part} video of a fold has a label of {task.dimension}{purpose} after {sum(task.history) - 1} "
                "windows: label more videos, or use fewer `folds`"
            )
        return windows_of(tensors, rows, target, task.history)

    return fit(
        network,
        windows(parts.train, "training"),
        windows(parts.validation, "validation") if parts.validation else None,
        target.heads,
        replace(task.protocol, keep=task.protocol.kept_epoch(role)),
        loss="cross_entropy" if target.shares else None,
        seed=seed_of(task.seed, task.dimension, role),
        epochs=None if task.epochs is None else task.epochs[role],
        on_epoch=lambda epoch: task.on_epoch(role, epoch),
    )
