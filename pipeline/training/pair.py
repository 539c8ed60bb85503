"""PAIR: late fusion whose branches first learn from ratings of the isolated modalities.

Chua et al. 2022 (arXiv 2202.10453), section 5.3. For each fold, each branch is fitted as a network of its own, on the
training videos of that fold, with the same scaling; its block becomes the branch, its output layer is dropped, and all
weights are fitted on. Nothing is frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.training.fit import Epoch, Windows, fit, seed_of, windows_of
from avcues.pipeline.training.networks import Network
from avcues.pipeline.training.samples import Samples
from avcues.pipeline.training.settings import MAIN, TrainingSettings
from avcues.pipeline.training.splits import Parts, check_apart

Told = Callable[[str, int], object]


def fit_networks(
    samples: Samples,
    inputs: Mapping[str, Tensor],
    parts: Parts,
    dimension: str,
    settings: TrainingSettings,
    *,
    seed: int,
    pretraining: Parts | None = None,
    epochs: Mapping[str, int] | None = None,
    told: Told = lambda stage, epoch: None,
) -> tuple[Network, dict[str, list[Epoch]]]:
    """Fits the network of a fold, for PAIR after its branches.

    Args:
        inputs: Per block, (rows, K) scaled features.
        seed: With the dimension and the stage it decides first weights, the order of sequences and dropout; networks
            of the same shape that are fitted on the same labels differ in nothing else.
        pretraining: The videos that branches see, if not those of `parts`.
        epochs: By stage, how many; None: as validation videos say.
        told: Called after every epoch with its stage and number.

    Returns:
        The network, and the losses of each stage: the branches by name, then `MAIN`.

    Raises:
        LeakError: Branches would see a test video, and the protocol does not ask for that.
        SettingsError: A part has no labels.
    """
    losses: dict[str, list[Epoch]] = {}
    branches: dict[str, Mapping[str, Any]] = {}
    if settings.model == "pair":
        seen = pretraining or parts
        if settings.protocol.pretrain == "matched":
            check_apart({"pretraining": (*seen.train, *seen.validation), "test": parts.test}, samples.fingerprints)
        for branch in inputs:
            stage = _Stage(samples, {branch: inputs[branch]}, branch, dimension, settings, seed, epochs, told)
            network, losses[branch] = stage.fit(stage.new_network(), seen)
            branches[branch] = network.blocks[branch].state_dict()
    stage = _Stage(samples, inputs, MAIN, dimension, settings, seed, epochs, told)
    network = stage.new_network()
    for branch, weights in branches.items():
        network.blocks[branch].load_state_dict(weights)
    network, losses[MAIN] = stage.fit(network, parts)
    return network, losses


@dataclass(frozen=True)
class _Stage:
    """A network that learns the labels of one role."""

    samples: Samples
    inputs: Mapping[str, Tensor]
    role: str
    dimension: str
    settings: TrainingSettings
    seed: int
    epochs: Mapping[str, int] | None
    told: Told

    @property
    def own_seed(self) -> int:
        return seed_of(self.seed, self.dimension, self.role)

    def new_network(self) -> Network:
        columns = {block: of_block.shape[1] for block, of_block in self.inputs.items()}
        outputs = len(self.samples.targets[self.role][self.dimension].outputs)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.own_seed)
            return Network(columns, outputs, self.settings.protocol)

    def fit(self, network: Network, parts: Parts) -> tuple[Network, list[Epoch]]:
        losses = fit(
            network,
            self._windows(parts.train, "training"),
            self._windows(parts.validation, "validation") if parts.validation else None,
            self.samples.targets[self.role][self.dimension].heads,
            replace(self.settings.protocol, keep=self.settings.keep_of(self.role)),
            seed=self.own_seed,
            epochs=None if self.epochs is None else self.epochs[self.role],
            told=lambda epoch: self.told(self.role, epoch),
        )
        return network, losses

    def _windows(self, videos: Sequence[str], part: str) -> Windows:
        target, history = self.samples.targets[self.role][self.dimension], self.settings.history
        rows = self.samples.labelled(videos, target.values, history)
        if not len(rows):
            of = "" if self.role == MAIN else f" to pretrain {self.role}"
            raise SettingsError(
                f"no {part} video of a fold has a label of {self.dimension}{of} after {sum(history) - 1} windows: "
                "label more videos, or ask for fewer --folds"
            )
        return windows_of(self.inputs, rows, target, history)
