"""The one loop that fits a network."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.training.models.estimator import Epoch, best_epoch
from avcues.pipeline.training.models.lstm_network import Network, trainable
from avcues.pipeline.training.protocol import Protocol
from avcues.pipeline.training.samples import Target

EPSILON = 1e-7  # of Keras' Adam
_PREDICTED_AT_ONCE = 4096
_SMALLEST_SHARE = 1e-7  # so that its logarithm is finite

LossName = Literal["mse", "ccc", "cross_entropy"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """Sequences of windows and the label of each, for a network.

    Args:
        inputs: Per block, (rows, K) float32 scaled features of every row.
        rows: (M,) the rows whose labels are to be predicted.
        history: Windows that are seen, and how far after the last of them the label lies.
        labels: (M, C) float32; NaN where there is none.
    """

    inputs: Mapping[str, Tensor]
    rows: Tensor
    history: tuple[int, int]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def seen(self, chosen: Tensor) -> tuple[list[Tensor], Tensor]:
        """All rows of each block, and the (chosen, length) of them that some sequences see."""
        length, horizon = self.history
        return list(self.inputs.values()), self.rows[chosen, None] - horizon + torch.arange(1 - length, 1)


def windows_of(
    inputs: Mapping[str, Tensor], rows: npt.NDArray[np.int64], target: Target, history: tuple[int, int]
) -> Windows:
    """The sequences that end before some rows, with the labels of a target."""
    labels = torch.from_numpy(target.values[rows].astype(np.float32))
    return Windows(inputs=inputs, rows=torch.from_numpy(rows), history=history, labels=labels)


def fit(
    network: Network,
    train: Windows,
    validation: Windows | None,
    heads: tuple[int, ...],
    protocol: Protocol,
    *,
    seed: int,
    loss: LossName | None = None,
    epochs: int | None = None,
    on_epoch: Callable[[int], object] = lambda epoch: None,
) -> list[Epoch]:
    """Fits a network until the loss on validation videos no longer falls.

    Args:
        network: Is changed in place.
        train: Sequences of the training videos.
        validation: Sequences of the validation videos; None: fitting goes on for all epochs.
        heads: Of the network's outputs, the one that predicts each label.
        seed: Of the order of sequences and of dropout.
        loss: None: as the protocol says.
        epochs: The largest number; None: as the protocol says.
        on_epoch: Called after every epoch with its number.

    Returns:
        The losses of every epoch. The network has the weights of `best_epoch`, or of the last one.

    Raises:
        SettingsError: The loss is no longer finite.
    """
    size = protocol.batch_size if len(network.blocks) == 1 else protocol.fusion_batch_size
    optimiser = torch.optim.Adam(trainable(network), protocol.learning_rate, eps=EPSILON)
    column = list(heads)
    kind: LossName = loss or protocol.loss
    losses: list[Epoch] = []
    best = copy.deepcopy(network.state_dict())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for number in range(1, (epochs or protocol.epochs) + 1):
            network.train()
            total = 0.0
            for chosen in torch.randperm(len(train)).split(size):
                optimiser.zero_grad()
                batch_loss = loss_of(network(*train.seen(chosen))[:, column], train.labels[chosen], kind)
                batch_loss.backward()
                optimiser.step()
                total += batch_loss.item() * len(chosen)
            held_out = None if validation is None else validation_loss(network, validation, heads, kind)
            losses.append(Epoch(total / len(train), held_out))
            if not math.isfinite(total + (held_out or 0.0)):
                raise SettingsError(f"the loss is no longer finite in epoch {number}: use a lower `learning_rate`")
            on_epoch(number)
            if best_epoch(losses) == number:
                best = copy.deepcopy(network.state_dict())
            elif validation is not None and number - best_epoch(losses) >= protocol.patience:
                break
    if protocol.keep == "best" and validation is not None:
        network.load_state_dict(best)
    network.eval()
    return losses


def loss_of(predicted: Tensor, labels: Tensor, kind: LossName) -> Tensor:
    """The loss of (B, C) predictions; labels that are NaN do not count.

    Args:
        kind: "mse"; "ccc": 1 - CCC of each column with two labels or more, on average; "cross_entropy": of (B, C)
            predicted shares that sum to 1, in nats, averaged over rows.
    """
    labelled = labels.isfinite()
    labels = torch.where(labelled, labels, 0)
    predicted = torch.where(labelled, predicted, 0)
    if kind == "cross_entropy":
        return -(labels * predicted.clamp(min=_SMALLEST_SHARE).log()).sum() / labelled.any(dim=1).sum().clamp(min=1)
    if kind == "mse":
        return ((predicted - labels) ** 2).sum() / labelled.sum().clamp(min=1)
    count = labelled.sum(dim=0).clamp(min=1)
    mean_p, mean_l = predicted.sum(dim=0) / count, labels.sum(dim=0) / count
    off_p, off_l = (torch.where(labelled, x - m, 0) for x, m in ((predicted, mean_p), (labels, mean_l)))
    spread = (off_p**2).sum(dim=0) + (off_l**2).sum(dim=0) + count * (mean_p - mean_l) ** 2
    lost = 1 - 2 * (off_p * off_l).sum(dim=0) / spread.clamp(min=1e-8)
    enough = labelled.sum(dim=0) > 1
    return torch.where(enough, lost, 0).sum() / enough.sum().clamp(min=1)


def validation_loss(network: Network, windows: Windows, heads: tuple[int, ...], kind: LossName) -> float:
    """The loss on all sequences at once, without dropout."""
    predicted = predict(network, windows)[:, list(heads)]
    return float(loss_of(predicted, windows.labels, kind).item())


def predict(network: Network, windows: Windows) -> Tensor:
    """(M, outputs) without dropout."""
    network.eval()
    with torch.inference_mode():
        every = torch.arange(len(windows)).split(_PREDICTED_AT_ONCE)
        return torch.cat([network(*windows.seen(chosen)) for chosen in every])
