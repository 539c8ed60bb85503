"""The one loop that fits a network."""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.training.networks import Network, trainable
from avcues.pipeline.training.samples import Target
from avcues.pipeline.training.settings import Protocol

EPSILON = 1e-7  # of Keras' Adam
_PREDICTED_AT_ONCE = 4096


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


@dataclass(frozen=True)
class Epoch:
    """Losses of one epoch; `validation` is None where there is no video to validate on."""

    train: float
    validation: float | None


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
    epochs: int | None = None,
    told: Callable[[int], object] = lambda epoch: None,
) -> list[Epoch]:
    """Fits a network until the loss on validation videos no longer falls.

    Args:
        network: Is changed in place.
        train: Sequences of the training videos.
        validation: Sequences of the validation videos; None: fitting goes on for all epochs.
        heads: Of the network's outputs, the one that predicts each label.
        seed: Of the order of sequences and of dropout.
        epochs: The largest number; None: as the protocol says.
        told: Called after every epoch with its number.

    Returns:
        The losses of every epoch. The network has the weights of `best_epoch`, or of the last one.

    Raises:
        SettingsError: The loss is no longer finite.
    """
    size = protocol.batch_size if len(network.blocks) == 1 else protocol.fusion_batch_size
    optimiser = torch.optim.Adam(trainable(network), protocol.learning_rate, eps=EPSILON)
    column = list(heads)
    losses: list[Epoch] = []
    best = copy.deepcopy(network.state_dict())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for number in range(1, (epochs or protocol.epochs) + 1):
            network.train()
            total = 0.0
            for chosen in torch.randperm(len(train)).split(size):
                optimiser.zero_grad()
                loss = loss_of(network(*train.seen(chosen))[:, column], train.labels[chosen], protocol.loss)
                loss.backward()
                optimiser.step()
                total += loss.item() * len(chosen)
            seen = None if validation is None else validation_loss(network, validation, heads, protocol)
            losses.append(Epoch(total / len(train), seen))
            if not math.isfinite(total + (seen or 0.0)):
                raise SettingsError(f"the loss is no longer finite in epoch {number}: use a lower --learning-rate")
            told(number)
            if best_epoch(losses) == number:
                best = copy.deepcopy(network.state_dict())
            elif validation is not None and number - best_epoch(losses) >= protocol.patience:
                break
    if protocol.keep == "best" and validation is not None:
        network.load_state_dict(best)
    network.eval()
    return losses


def best_epoch(losses: list[Epoch]) -> int:
    """The epoch, from 1 on, with the lowest loss on validation videos, the first of equals; without any, the last."""
    seen = [epoch.validation for epoch in losses if epoch.validation is not None]
    return 1 + seen.index(min(seen)) if seen else len(losses)


def loss_of(predicted: Tensor, labels: Tensor, kind: str) -> Tensor:
    """The loss of (B, C) predictions; labels that are NaN do not count.

    Args:
        kind: "mse"; or "ccc": 1 - CCC of each column with two labels or more, on average.
    """
    known = labels.isfinite()
    labels = torch.where(known, labels, 0)
    predicted = torch.where(known, predicted, 0)
    if kind == "mse":
        return ((predicted - labels) ** 2).sum() / known.sum().clamp(min=1)
    count = known.sum(dim=0).clamp(min=1)
    mean_p, mean_l = predicted.sum(dim=0) / count, labels.sum(dim=0) / count
    off_p, off_l = (torch.where(known, x - m, 0) for x, m in ((predicted, mean_p), (labels, mean_l)))
    spread = (off_p**2).sum(dim=0) + (off_l**2).sum(dim=0) + count * (mean_p - mean_l) ** 2
    lost = 1 - 2 * (off_p * off_l).sum(dim=0) / spread.clamp(min=1e-8)
    enough = known.sum(dim=0) > 1
    return torch.where(enough, lost, 0).sum() / enough.sum().clamp(min=1)


def validation_loss(network: Network, windows: Windows, heads: tuple[int, ...], protocol: Protocol) -> float:
    """The loss on all sequences at once, without dropout."""
    predicted = predict(network, windows)[:, list(heads)]
    return float(loss_of(predicted, windows.labels, protocol.loss).item())


def predict(network: Network, windows: Windows) -> Tensor:
    """(M, outputs) without dropout."""
    network.eval()
    with torch.inference_mode():
        every = torch.arange(len(windows)).split(_PREDICTED_AT_ONCE)
        return torch.cat([network(*windows.seen(chosen)) for chosen in every])


def seed_of(*parts: object) -> int:
    """A seed that depends on what it is for, and on nothing else."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:6], "big")


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums in the same order on every machine: one thread for torch and for the libraries under NumPy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)
