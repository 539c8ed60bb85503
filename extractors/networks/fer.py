"""Expression networks trained on FER2013: VGG19 (WuJie1010) and mini-XCEPTION (Arriaga et al. 2017).

Both map face crops to an embedding and to logits of the seven classes, in the order of
`avcues.extractors.expressions.CLASSES`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from avcues.extractors.compute import Network
from avcues.models_cache.loading import check_all_used, load_keras_arrays, load_torch, weights_loader

CLASS_COUNT = 7
_VGG19: tuple[int | str, ...] = (64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M")
_VGG_SIZE_PX, _VGG_CROP_PX = 48, 44
_XCEPTION_BLOCKS = (16, 32, 64, 128)


class FerVGG19(nn.Module):
    """VGG19 with batch normalisation and one linear layer, on (B, 3, 44, 44) in 0..1."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in _VGG19:
            if isinstance(width, str):
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
                channels = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(512, CLASS_COUNT)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.features(x).flatten(1)
        return self.classifier(embedding), embedding


@weights_loader
def load_vgg19(path: Path) -> FerVGG19:
    """The network with the weights of `PrivateTest_model.t7`, batch normalisation folded.

    Raises:
        WeightsError: The file does not hold exactly the tensors of this network.
    """
    network = FerVGG19()
    state = load_torch(path)["net"]
    load_result = network.load_state_dict(state, strict=False)
    check_all_used(
        path, load_result.missing_keys, [k for k in load_result.unexpected_keys if "SpatialTransformer" not in k]
    )
    return fold_batch_norm(network.eval())


def fold_batch_norm(network: FerVGG19) -> FerVGG19:
    """Folds every batch normalisation into the convolution before it; the network must be in eval mode."""
    folded: list[nn.Module] = []
    for layer in network.features:
        if isinstance(layer, nn.BatchNorm2d):
            folded[-1] = fuse_conv_bn_eval(folded[-1], layer)  # type: ignore[type-var]
        else:
            folded.append(layer)
    network.features = nn.Sequential(*folded)
    return network


def classify_vgg19(network: Network, faces: Tensor) -> tuple[Tensor, Tensor]:
    """Means over the ten crops, as in the evaluation recipe of the repository.

    Args:
        faces: (N, 48, 48) uint8 gray.

    Returns:
        (N, 7) logits and the (N, 512) embedding.
    """
    images = faces[:, None].expand(-1, 3, -1, -1).float() / 255
    last, middle = _VGG_SIZE_PX - _VGG_CROP_PX, (_VGG_SIZE_PX - _VGG_CROP_PX) // 2
    offsets = [(0, 0), (0, last), (last, 0), (last, last), (middle, middle)]
    crops = torch.stack([images[..., y : y + _VGG_CROP_PX, x : x + _VGG_CROP_PX] for y, x in offsets])
    ten_crops = torch.cat([crops, crops.flip(-1)])  # (10, N, 3, 44, 44)
    outputs = network(ten_crops.flatten(0, 1).contiguous(memory_format=torch.channels_last))
    logits, embedding = (values.float().unflatten(0, ten_crops.shape[:2]).mean(dim=0) for values in outputs)
    return logits, embedding


class _Separable(nn.Module):
    """Depthwise 3x3, pointwise 1x1, batch normalisation."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.pointwise(self.depthwise(x)))


class _Block(nn.Module):
    """Two separable convolutions and a max pool beside a strided 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = _Separable(inputs, outputs)
        self.second = _Separable(outputs, outputs)
        self.skip = nn.Conv2d(inputs, outputs, 1, stride=2, bias=False)
        self.skip_norm = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(functional.relu(self.first(x)))
        # Keras' SAME padding before a max pool: minus infinity, with the odd cell at the end.
        odd_height, odd_width = y.shape[-2] % 2, y.shape[-1] % 2
        y = functional.pad(y, (odd_width, 1, odd_height, 1), value=float("-inf"))
        return functional.max_pool2d(y, 3, 2) + self.skip_norm(self.skip(x))


class MiniXception(nn.Module):
    """mini-XCEPTION on (B, 1, 64, 64) in -1..1.

    Its classifier is a convolution; the (B, 128) embedding is the mean of its input.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem1 = nn.Conv2d(1, 8, 3, bias=False)
        self.stem1_norm = nn.BatchNorm2d(8, eps=1e-3)
        self.stem2 = nn.Conv2d(8, 8, 3, bias=False)
        self.stem2_norm = nn.BatchNorm2d(8, eps=1e-3)
        widths = (8, *_XCEPTION_BLOCKS)
        self.blocks = nn.ModuleList(_Block(a, b) for a, b in zip(widths, _XCEPTION_BLOCKS, strict=False))
        self.last = nn.Conv2d(_XCEPTION_BLOCKS[-1], CLASS_COUNT, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = functional.relu(self.stem1_norm(self.stem1(x)))
        x = functional.relu(self.stem2_norm(self.stem2(x)))
        for block in self.blocks:
            x = block(x)
        return self.last(x).mean(dim=(2, 3)), x.mean(dim=(2, 3))


@weights_loader
def load_mini_xception(path: Path) -> MiniXception:
    """The network with the weights of `emotion_model.hdf5`.

    Raises:
        WeightsError: The file does not hold exactly the tensors of this network.
    """
    arrays = load_keras_arrays(path)
    network = MiniXception()
    state = network.state_dict()
    used_names = set()

    def copy_array(target: str, source: str, *, depthwise: bool = False) -> None:
        used_names.add(source)
        array: npt.NDArray[np.float32] = arrays[source]
        if array.ndim == 4:  # (H, W, in, out) or, depthwise, (H, W, channels, 1)
            array = array.transpose(2, 3, 0, 1) if depthwise else array.transpose(3, 2, 0, 1)
        state[target] = torch.from_numpy(np.ascontiguousarray(array))

    def copy_norm(target: str, number: int) -> None:
        source = f"batch_normalization_{number}"
        for torch_name, keras_name in (
            ("weight", "gamma"),
            ("bias", "beta"),
            ("running_mean", "moving_mean"),
            ("running_var", "moving_variance"),
        ):
            copy_array(f"{target}.{torch_name}", f"{source}/{keras_name}")

    # Keras numbers layers in the order in which the original script created them.
    copy_array("stem1.weight", "conv2d_1/kernel")
    copy_norm("stem1_norm", 1)
    copy_array("stem2.weight", "conv2d_2/kernel")
    copy_norm("stem2_norm", 2)
    for i in range(len(_XCEPTION_BLOCKS)):
        copy_array(f"blocks.{i}.skip.weight", f"conv2d_{3 + i}/kernel")
        copy_norm(f"blocks.{i}.skip_norm", 3 + 3 * i)
        for j, part in enumerate(("first", "second")):
            source = f"separable_conv2d_{1 + 2 * i + j}"
            copy_array(f"blocks.{i}.{part}.depthwise.weight", f"{source}/depthwise_kernel", depthwise=True)
            copy_array(f"blocks.{i}.{part}.pointwise.weight", f"{source}/pointwise_kernel")
            copy_norm(f"blocks.{i}.{part}.norm", 4 + 3 * i + j)
    copy_array("last.weight", "conv2d_7/kernel")
    copy_array("last.bias", "conv2d_7/bias")
    check_all_used(path, [], sorted(set(arrays) - used_names))
    network.load_state_dict(state)
    return network.eval()


def classify_mini_xception(network: Network, faces: Tensor) -> tuple[Tensor, Tensor]:
    """(N, 7) logits and the (N, 128) embedding of (N, 64, 64) uint8 gray faces."""
    logits, embedding = network((faces[:, None].float() / 255 - 0.5) * 2)
    return logits.float(), embedding.float()
