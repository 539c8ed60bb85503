"""Fits a network by gradient descent."""

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
_PREDICTION_BATCH = 4096
_SMALLEST_SHARE = 1e-7  # keeps the logarithm finite

LossName = Literal["mse", "ccc", "cross_entropy"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """Sequences of windows and the label of each, for a network.

    Args:
        inputs: By block, (rows, K) float32 scaled features.
        rows: (M,) indices of the rows whose labels are to be predicted.
        history: The number of windows that the network sees, and how many windows after the last of them the label
            lies.
        labels: (M, C) float32; NaN where a label is missing.
    """

    inputs: Mapping[str, Tensor]
    rows: Tensor
    history: tuple[int, int]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def sequences(self, batch: Tensor) -> tuple[list[Tensor], Tensor]:
        """The rows of each block, and the (batch, length) indices of the rows of each sequence of a batch."""
        length, horizon = self.history
        return list(self.inputs.values()), self.rows[batch, None] - horizon + torch.arange(1 - length, 1)


def windows_of(
    inputs: Mapping[str, Tensor], rows: npt.NDArray[np.int64], target: Target, history: tuple[int, int]
) -> Windows:
    """The sequences that predict some rows, with the labels of a target."""
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
        network: Changed in place.
        train: Sequences of the training videos.
        validation: Sequences of the validation videos; None: fitting runs for all epochs.
        heads: For each label, the index of the output that predicts it.
        seed: For the order of sequences and for dropout.
        loss: None: the loss of the protocol.
        epochs: The largest number of epochs; None: that of the protocol.
        on_epoch: Called after every epoch with its number.

    Returns:
        The losses of every epoch. The network ends with the weights of `best_epoch`, or of the last epoch.

    Raises:
        SettingsError: The loss is no longer finite.
    """
    batch_size = protocol.batch_size if len(network.blocks) == 1 else protocol.fusion_batch_size
    optimiser = torch.optim.Adam(trainable(network), protocol.learning_rate, eps=EPSILON)
    head_columns = list(heads)
    loss_name: LossName = loss or protocol.loss
    losses: list[Epoch] = []
    best = copy.deepcopy(network.state_dict())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for epoch in range(1, (epochs or protocol.epochs) + 1):
            network.train()
            total = 0.0
            for batch in torch.randperm(len(train)).split(batch_size):
                optimiser.zero_grad()
                batch_loss = loss_of(network(*train.sequences(batch))[:, head_columns], train.labels[batch], loss_name)
                batch_loss.backward()
                optimiser.step()
                total += batch_loss.item() * len(batch)
            held_out_loss = None if validation is None else validation_loss(network, validation, heads, loss_name)
            losses.append(Epoch(total / len(train), held_out_loss))
            if not math.isfinite(total + (held_out_loss or 0.0)):
                raise SettingsError(f"the loss is no longer finite in epoch {epoch}: use a lower `learning_rate`")
            on_epoch(epoch)
            if best_epoch(losses) == epoch:
                best = copy.deepcopy(network.state_dict())
            elif validation is not None and epoch - best_epoch(losses) >= protocol.patience:
                break
    if protocol.keep == "best" and validation is not None:
        network.load_state_dict(best)
    network.eval()
    return losses


def loss_of(predicted: Tensor, labels: Tensor, kind: LossName) -> Tensor:
    """The loss of (B, C) predictions; missing labels (NaN) do not count.

    Args:
        kind: "mse"; "ccc": the mean over columns with two or more labels of 1 - CCC; "cross_entropy": of (B, C)
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
    predicted_mean, label_mean = predicted.sum(dim=0) / count, labels.sum(dim=0) / count
    predicted_deviation, label_deviation = (
        torch.where(labelled, values - mean, 0) for values, mean in ((predicted, predicted_mean), (labels, label_mean))
    )
    denominator = (
        (predicted_deviation**2).sum(dim=0)
        + (label_deviation**2).sum(dim=0)
        + count * (predicted_mean - label_mean) ** 2
    )
    column_losses = 1 - 2 * (predicted_deviation * label_deviation).sum(dim=0) / denominator.clamp(min=1e-8)
    has_two_labels = labelled.sum(dim=0) > 1
    return torch.where(has_two_labels, column_losses, 0).sum() / has_two_labels.sum().clamp(min=1)


def validation_loss(network: Network, windows: Windows, heads: tuple[int, ...], kind: LossName) -> float:
    """The loss over all sequences, without dropout."""
    predicted = predict(network, windows)[:, list(heads)]
    return float(loss_of(predicted, windows.labels, kind).item())


def predict(network: Network, windows: Windows) -> Tensor:
    """(M, outputs) predictions for M sequences, without dropout."""
    network.eval()
    with torch.inference_mode():
        batches = torch.arange(len(windows)).split(_PREDICTION_BATCH)
        return torch.cat([network(*windows.sequences(batch)) for batch in batches])
