"""Inception-I3D (Carreira and Zisserman 2017, Quo vadis, action recognition?), RGB stream, 400 Kinetics classes.

Batch normalisation is folded into the convolutions when weights are loaded. Padding is TensorFlow's SAME: the
output has ceil(n / stride) cells, and an odd cell of padding goes to the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from avcues.models_cache.loading import check_all_used, load_numpy_pickle, load_torch, weights_loader

CLASS_COUNT, EMBEDDING_WIDTH = 400, 1024
_BN_EPSILON = 1e-3
_INPUT_RANGE = 255
_GREY = 128  # of 0..255; the published network pads with 0 in -1..1, which is 127.5 in 0..255

_READS_LEVELS = "reads levels of 0..255"

# Branches: 1x1; 1x1 then 3x3; 1x1 then 3x3; pool then 1x1.
_MIXED_BLOCKS = {
    "Mixed_3b": (192, (64, 96, 128, 16, 32, 32)),
    "Mixed_3c": (256, (128, 128, 192, 32, 96, 64)),
    "Mixed_4b": (480, (192, 96, 208, 16, 48, 64)),
    "Mixed_4c": (512, (160, 112, 224, 24, 64, 64)),
    "Mixed_4d": (512, (128, 128, 256, 24, 64, 64)),
    "Mixed_4e": (512, (112, 144, 288, 32, 64, 64)),
    "Mixed_4f": (528, (256, 160, 320, 32, 128, 128)),
    "Mixed_5b": (832, (256, 160, 320, 32, 128, 128)),
    "Mixed_5c": (832, (384, 192, 384, 48, 128, 128)),
}
# Unit names of the published TensorFlow graph, by attribute.
_BRANCHES = {
    "b0": "Branch_0/Conv3d_0a_1x1",
    "b1a": "Branch_1/Conv3d_0a_1x1",
    "b1b": "Branch_1/Conv3d_0b_3x3",
    "b2a": "Branch_2/Conv3d_0a_1x1",
    "b2b": "Branch_2/Conv3d_0b_3x3",
    "b3b": "Branch_3/Conv3d_0b_1x1",
}


class Unit(nn.Conv3d):
    """Convolution with folded batch normalisation, then ReLU; SAME padding."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride)

    def forward(self, x: Tensor, *, is_padded: bool = False) -> Tensor:
        x = x if is_padded else _pad_same(x, self.kernel_size, self.stride)
        return functional.relu_(super().forward(x))

    def round_to_bf16(self, scale: Tensor) -> Tensor:
        """Rounds weights and biases for inputs that are scaled by channel; returns the scale of each output channel."""
        assert self.bias is not None
        bias = self.bias.bfloat16().float()
        output_scale = torch.where(self.bias == 0, 1, bias / self.bias)
        weight = self.weight * output_scale[:, None, None, None, None] / scale[:, None, None, None]
        self.weight.copy_(_round_and_carry(weight.flatten(1)).view_as(weight))
        self.bias.copy_(bias)
        return output_scale


class Mixed(nn.Module):
    """Inception block of four branches."""

    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.b0 = Unit(inputs, widths[0], 1)
        self.b1a = Unit(inputs, widths[1], 1)
        self.b1b = Unit(widths[1], widths[2], 3)
        self.b2a = Unit(inputs, widths[3], 1)
        self.b2b = Unit(widths[3], widths[4], 3)
        self.b3b = Unit(inputs, widths[5], 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = _max_pool(x, (3, 3, 3), (1, 1, 1))
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled)], dim=1)

    def round_to_bf16(self, scale: Tensor) -> Tensor:
        """Rounds the units of all branches; see `Unit.round_to_bf16`."""
        branches = ((self.b0,), (self.b1a, self.b1b), (self.b2a, self.b2b), (self.b3b,))
        return torch.cat([_round_in_turn(branch, scale) for branch in branches])


class Features(nn.Module):
    """Maps (B, T, 224, 224, 3) uint8 RGB to (B, 1024, T / 8, 7, 7)."""

    Conv3d_1a_7x7: Unit
    Conv3d_2b_1x1: Unit
    Conv3d_2c_3x3: Unit
    Mixed_3b: Mixed
    Mixed_3c: Mixed
    Mixed_4b: Mixed
    Mixed_4c: Mixed
    Mixed_4d: Mixed
    Mixed_4e: Mixed
    Mixed_4f: Mixed
    Mixed_5b: Mixed
    Mixed_5c: Mixed

    def __init__(self) -> None:
        super().__init__()
        # Part of the fingerprint of `OpenVinoNetwork`, because `read_levels` changes what `forward` computes.
        self.identity = ""
        self.Conv3d_1a_7x7 = Unit(3, 64, 7, 2)
        self.Conv3d_2b_1x1 = Unit(64, 64, 1)
        self.Conv3d_2c_3x3 = Unit(64, 192, 3)
        for name, (inputs, widths) in _MIXED_BLOCKS.items():
            setattr(self, name, Mixed(inputs, widths))

    def forward(self, clips: Tensor) -> Tensor:
        first_layer = self.Conv3d_1a_7x7
        if self.identity == _READS_LEVELS:
            # Padded before the axes are permuted, so that OpenVINO reads the input in the
            # order (B, T, H, W, 3) in which it arrives.
            padding = _same_padding(clips.shape[1:4], first_layer.kernel_size, first_layer.stride)
            x = functional.pad(clips, [0, 0, *padding], value=_GREY)
            x = first_layer(x.permute(0, 4, 1, 2, 3).float(), is_padded=True)
        else:
            # bf16 represents these integers exactly. The weights of the first layer scale them to the published -1..1.
            x = first_layer(clips.permute(0, 4, 1, 2, 3).float() * 2 - _INPUT_RANGE)
        x = _max_pool(x, (1, 3, 3), (1, 2, 2))
        x = _max_pool(self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x)), (1, 3, 3), (1, 2, 2))
        x = self.Mixed_3c(self.Mixed_3b(x))
        x = _max_pool(x, (3, 3, 3), (2, 2, 2))
        x = self.Mixed_4f(self.Mixed_4e(self.Mixed_4d(self.Mixed_4c(self.Mixed_4b(x)))))
        x = _max_pool(x, (2, 2, 2), (2, 2, 2))
        return self.Mixed_5c(self.Mixed_5b(x))

    @torch.no_grad()
    def read_levels(self) -> None:
        """Makes the first layer read the pixel values 0..255, which 8 bits represent exactly."""
        first_layer = self.Conv3d_1a_7x7
        assert first_layer.bias is not None
        first_layer.bias.sub_(_INPUT_RANGE * first_layer.weight.sum(dim=(1, 2, 3, 4)))
        first_layer.weight.mul_(2)
        self.identity = _READS_LEVELS


class Head(nn.Module):
    """Maps features to (B, 400) logits and the (B, 1024) embedding behind them, both averaged over time."""

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Conv3d(EMBEDDING_WIDTH, CLASS_COUNT, 1)
        self.register_buffer("scale", torch.ones(EMBEDDING_WIDTH), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        pooled = functional.avg_pool3d(x, (2, 7, 7), stride=1)
        return self.logits(pooled).mean(dim=(2, 3, 4)), pooled.mean(dim=(2, 3, 4)) / self.scale


class InceptionI3D(nn.Module):
    """Maps (B, T, 224, 224, 3) uint8 RGB clips, T >= 9, to (B, 400) logits and a (B, 1024) embedding."""

    fp32_modules = ("head",)

    def __init__(self) -> None:
        super().__init__()
        self.features = Features()
        self.head = Head()

    def forward(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        return self.head(self.features(clips))

    def prepare_for_int8(self) -> None:
        """Makes the first layer read pixel values 0..255."""
        self.features.read_levels()

    @torch.no_grad()
    def round_to_bf16(self) -> None:
        """Rounds all weights and biases except the head's to bf16, so that the logits change as little as possible.

        Rounding each number independently shifts whole feature maps: biases most (probabilities change by up to 0.025),
        then weights. So each channel is scaled by up to 1/256 to make its bias a bf16 number; the next layer undoes the
        scale, which passes through ReLU and max pooling. The error of a rounded weight is carried over to the next
        weight of the same filter.
        """
        scale = _round_in_turn(self.features.children(), torch.ones(3))
        self.head.logits.weight.div_(scale[:, None, None, None])
        self.head.scale.copy_(scale)


@weights_loader
def load(path: Path) -> InceptionI3D:
    """The network with the weights of a published checkpoint.

    Args:
        path: `rgb_imagenet.pt` of the PyTorch port, or the pickled Flax parameters of `i3d-kinetics-400.ckpt`.

    Raises:
        WeightsError: The file does not hold exactly the tensors of this network.
    """
    units = _units_of_torch(load_torch(path)) if path.suffix == ".pt" else _units_of_flax(load_numpy_pickle(path))
    network = InceptionI3D()
    parts = (*network.features.named_modules(), *network.head.named_modules())
    modules = {name: module for name, module in parts if isinstance(module, nn.Conv3d)}
    check_all_used(path, [name for name in modules if name not in units], [n for n in units if n not in modules])
    with torch.no_grad():
        for name, module in modules.items():
            kernel, bias = units[name]
            if kernel.shape != module.weight.shape:
                raise ValueError(f"{name} is of shape {tuple(kernel.shape)}")
            assert module.bias is not None
            module.weight.data, module.bias.data = kernel.float(), bias.float()
        network.features.Conv3d_1a_7x7.weight.div_(_INPUT_RANGE)
    return network.eval()


def _units_of_flax(checkpoint: dict[str, Any]) -> dict[str, tuple[Tensor, Tensor]]:
    parameters, statistics = checkpoint["params"], checkpoint["batch_stats"]
    units = {}
    for name in ("Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3"):
        units[name] = _fold_flax(parameters[name], statistics[name])
    for block in _MIXED_BLOCKS:
        for attribute, unit in _BRANCHES.items():
            units[f"{block}.{attribute}"] = _fold_flax(parameters[block][unit], statistics[block][unit])
    head = parameters["Logits/Conv3d_0c_1x1"]["Conv_0"]
    units["logits"] = (_flax_kernel(head["kernel"]), torch.from_numpy(np.asarray(head["bias"]).copy()))
    return units


def _fold_flax(parameters: dict[str, Any], statistics: dict[str, Any]) -> tuple[Tensor, Tensor]:
    norm = {k: torch.from_numpy(np.asarray(v).reshape(-1).copy()) for k, v in statistics["BatchNorm_0"].items()}
    beta = torch.from_numpy(np.asarray(parameters["BatchNorm_0"]["bias"]).reshape(-1).copy())
    kernel = _flax_kernel(parameters["Conv_0"]["kernel"])
    return _fold(kernel, torch.ones_like(beta), beta, norm["mean"], norm["var"])


def _flax_kernel(kernel: Any) -> Tensor:
    """(T, H, W, in, out) to (out, in, T, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(np.asarray(kernel).transpose(4, 3, 0, 1, 2)))


def _units_of_torch(state: dict[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    units = {"logits": (state["logits.conv3d.weight"], state["logits.conv3d.bias"])}
    for key in state:
        if key.endswith(".conv3d.weight") and not key.startswith("logits."):
            name = key.removesuffix(".conv3d.weight")
            gamma, beta = state[f"{name}.bn.weight"], state[f"{name}.bn.bias"]
            mean, variance = state[f"{name}.bn.running_mean"], state[f"{name}.bn.running_var"]
            units[name] = _fold(state[key], gamma, beta, mean, variance)
    return units


def _fold(kernel: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    scale = gamma.double() / torch.sqrt(variance.double() + _BN_EPSILON)
    # NumPy multiplies in double precision block by block; torch would first convert the whole kernel, and take longer.
    folded = np.empty(kernel.shape, np.float32)
    filter_scale = scale.numpy()[:, None, None, None, None]
    np.multiply(kernel.numpy(), filter_scale, out=folded, dtype=np.float64, casting="same_kind")
    return torch.from_numpy(folded), (beta.double() - mean.double() * scale).float()


def _round_in_turn(parts: Iterable[nn.Module], scale: Tensor) -> Tensor:
    for part in parts:
        assert isinstance(part, Unit | Mixed)
        scale = part.round_to_bf16(scale)
    return scale


def _round_and_carry(rows: Tensor) -> Tensor:
    """(N, M) fp32 values rounded to bf16; the error of each value is added to the next in its row."""
    rounded, error = torch.empty_like(rows), torch.zeros(len(rows))
    for i in range(rows.shape[1]):
        carried = rows[:, i] + error
        rounded[:, i] = carried.bfloat16()
        error = carried - rounded[:, i]
    return rounded


def _max_pool(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    # After a ReLU, zeros pad a max pool as minus infinity would.
    return functional.max_pool3d(_pad_same(x, kernel, stride), kernel, stride)


def _pad_same(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    padding = _same_padding(x.shape[2:], kernel, stride)
    return functional.pad(x, padding) if any(padding) else x


def _same_padding(sizes: Sequence[int], kernel: tuple[int, ...], stride: tuple[int, ...]) -> list[int]:
    """Cells of padding before and after each axis, from the last axis to the first."""
    padding: list[int] = []
    for size, kernel_size, step in zip(reversed(sizes), reversed(kernel), reversed(stride), strict=True):
        total = max((-(-size // step) - 1) * step + kernel_size - size, 0)
        padding += [total // 2, total - total // 2]
    return padding
