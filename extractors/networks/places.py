"""Places365 scene networks: ResNet-50 (Zhou et al. 2017) and SqueezeNet 1.1, with their own preprocessing."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from avcues.extractors.torchvision_import import torchvision
from avcues.models_cache.loading import check_all_used, load_safetensors, load_torch, weights_loader

CLASS_COUNT = 365
RESIZED_PX, CROP_PX = 256, 224
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


def resize_and_crop(images: Tensor) -> Tensor:
    """(B, 3, H, W) uint8 to (B, 3, 224, 224) uint8: antialiased bilinear to 256 x 256, centre crop.

    This is the published demo's preprocessing, which does not keep the aspect ratio.
    """
    resized = torchvision().transforms.v2.functional.resize(images, [RESIZED_PX, RESIZED_PX], antialias=True)
    margin_px = (RESIZED_PX - CROP_PX) // 2
    return resized[..., margin_px : margin_px + CROP_PX, margin_px : margin_px + CROP_PX]


class PlacesResNet50(nn.Module):
    """ResNet-50: maps (B, 3, 224, 224) uint8 RGB crops to (B, 365) logits and a (B, 2048) embedding."""

    fp32_modules = ("network.conv1", "classifier")

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.network = torchvision().models.resnet50(weights=None, num_classes=CLASS_COUNT)
        self.classifier, self.network.fc = self.network.fc, nn.Identity()
        self.register_buffer("mean", torch.tensor(_IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(_IMAGENET_STD)[:, None, None], persistent=False)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        x = (crops.float() / 255 - self.mean) / self.std
        embedding = self.network(x.contiguous(memory_format=torch.channels_last))
        return self.classifier(embedding), embedding


@weights_loader
def load_resnet50(path: Path) -> PlacesResNet50:
    """The network with the weights of `resnet50_places365.pth.tar`.

    Raises:
        WeightsError: The file does not hold exactly the tensors of this network.
    """
    model = PlacesResNet50()
    published_state = {key.removeprefix("module."): value for key, value in load_torch(path)["state_dict"].items()}
    state = {f"network.{key}".replace("network.fc.", "classifier."): value for key, value in published_state.items()}
    load_result = model.load_state_dict(state, strict=False)
    missing = [key for key in load_result.missing_keys if not key.endswith("num_batches_tracked")]
    check_all_used(path, missing, load_result.unexpected_keys)
    return model.eval()


class _Fire(nn.Module):
    def __init__(self, inputs: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.s = nn.ModuleDict({"conv": nn.Conv2d(inputs, squeeze, 1)})
        self.e1 = nn.ModuleDict({"conv": nn.Conv2d(squeeze, expand, 1)})
        self.e3 = nn.ModuleDict({"conv": nn.Conv2d(squeeze, expand, 3, padding=1)})

    def forward(self, x: Tensor) -> Tensor:
        x = _leaky(self.s["conv"](x))
        return torch.cat([_leaky(self.e1["conv"](x)), _leaky(self.e3["conv"](x))], dim=1)


class PlacesSqueezeNet(nn.Module):
    """SqueezeNet 1.1: maps (B, 3, 224, 224) uint8 RGB crops to (B, 365) logits and a (B, 512) embedding.

    Its classifier is a convolution; the embedding is the mean of its input. The weights file has batch
    normalisation folded into the convolutions.
    """

    mean_image_bgr: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.c1 = nn.ModuleDict({"conv": nn.Conv2d(3, 64, 3, stride=2, padding=1)})
        shapes = [(64, 16, 64), (128, 16, 64), (128, 32, 128), (256, 32, 128)]
        shapes += [(256, 48, 192), (384, 48, 192), (384, 64, 256), (512, 64, 256)]
        self.fires = nn.ModuleList(_Fire(*shape) for shape in shapes)
        self.out = nn.Conv2d(512, CLASS_COUNT, 1)
        self.register_buffer("mean_image_bgr", torch.zeros(3, RESIZED_PX, RESIZED_PX))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        margin_px = (RESIZED_PX - CROP_PX) // 2
        mean = self.mean_image_bgr[:, margin_px : margin_px + CROP_PX, margin_px : margin_px + CROP_PX]
        x = ((crops.flip(1).float() - mean) / 255).contiguous(memory_format=torch.channels_last)
        x = _leaky(self.c1["conv"](x))
        for i, fire in enumerate(self.fires):
            if i in (0, 2, 4):
                x = functional.max_pool2d(x, 3, 2)
            x = fire(x)
        return _leaky(self.out(x)).mean(dim=(2, 3)), x.mean(dim=(2, 3))


@weights_loader
def load_squeezenet(path: Path) -> PlacesSqueezeNet:
    """The network with the weights of `squeezenet11_places365.safetensors`.

    Raises:
        WeightsError: The file does not hold exactly the tensors of this network.
    """
    model = PlacesSqueezeNet()
    load_result = model.load_state_dict(load_safetensors(path), strict=False)
    check_all_used(path, load_result.missing_keys, load_result.unexpected_keys)
    return model.eval()


def _leaky(x: Tensor) -> Tensor:
    # The mean slope of the randomised leaky ReLU that the network was trained with.
    return functional.leaky_relu(x, 0.55)
