"""Detectors of Ultralytics YOLO checkpoints."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from avcues.extractors.compute import Compute
from avcues.extractors.networks.yolo_facts import Facts, code, facts_of
from avcues.extractors.torchvision_import import torchvision
from avcues.models_cache import WeightsError
from avcues.models_cache.hashing import sha256

Boxes = npt.NDArray[np.float32]
"""(N, 6): left, top, right, bottom in pixels of the image, score, class; the highest score first."""

_GREY = 114
_MOST_BOXES = 300
_BETWEEN_CLASSES_PX = 7680  # moves boxes of different classes apart, so that they do not suppress each other


class YoloNetwork(nn.Module):
    """The network of a checkpoint, fused.

    Maps (B, H, W, 3) uint8 RGB to (B, 4 + classes, N): middle, width and height in pixels, and scores. If `end2end`, to
    (B, N, 6) as in `Boxes`.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        head = model.model[-1]
        head.export = head.dynamic = True
        self.facts = Facts(tuple(model.names.values()), int(model.stride.max()), bool(head.end2end))

    def forward(self, images: Tensor) -> Tensor:
        predicted = self.model(images.permute(0, 3, 1, 2).float() / 255)
        boxes: Tensor = predicted[0] if isinstance(predicted, tuple) else predicted
        # Beyond these are masks or key points.
        return boxes[..., :6] if self.facts.end2end else boxes[:, : 4 + len(self.facts.names)]


class Detector:
    """Finds objects as `YOLO(checkpoint).predict` does.

    On a CPU the network is compiled by OpenVINO, once for each size of image; scores and boxes agree with torch's to
    1e-4 and 0.05 px.

    Args:
        checkpoint: Path of the file.
        compute: Device and threads.
        imgsz: Long side in pixels that images are letterboxed to.
        conf: Smallest score of a box.
        iou: Overlap above which the box of the lower score is dropped.
    """

    def __init__(self, checkpoint: Path, compute: Compute, imgsz: int, conf: float, iou: float) -> None:
        torchvision()
        self._conf, self._iou = conf, iou
        self._network: _OpenVinoYolo | _TorchYolo = (
            _OpenVinoYolo(checkpoint, compute.threads) if compute.device == "cpu" else _TorchYolo(checkpoint, compute)
        )
        self._end2end, self._stride = self._network.facts.end2end, self._network.facts.stride
        self._long_side = -(-imgsz // self._stride) * self._stride

    def __call__(self, images: npt.NDArray[np.uint8]) -> list[Boxes]:
        """The boxes of each of (B, H, W, 3) uint8 RGB images."""
        letterbox = Letterbox.of(images.shape[1], images.shape[2], self._long_side, self._stride)
        predicted = self._network(np.stack([letterbox.apply(image) for image in images]))
        return [letterbox.to_image(self._select(of_image)) for of_image in predicted]

    def _select(self, predicted: Tensor) -> Boxes:
        if self._end2end:
            return predicted[predicted[:, 4] > self._conf][:_MOST_BOXES].numpy()
        candidates = predicted[:, predicted[4:].amax(dim=0) > self._conf].T
        scores, classes = candidates[:, 4:].max(dim=1)
        middles, sizes = candidates[:, :2], candidates[:, 2:4]
        boxes = torch.cat([middles - sizes / 2, middles + sizes / 2], dim=1)
        apart = boxes + classes[:, None] * _BETWEEN_CLASSES_PX
        kept = torchvision().ops.nms(apart, scores, self._iou)[:_MOST_BOXES]
        return torch.cat([boxes, scores[:, None], classes[:, None].float()], dim=1)[kept].numpy()


@dataclass(frozen=True)
class Letterbox:
    """Scales images of one size, and pads them with grey to multiples of the network's stride, as Ultralytics does.

    Args:
        size: Height and width of the images.
        scaled: Height and width that they are scaled to.
        padding: Pixels above, below, left and right of that.
    """

    size: tuple[int, int]
    scaled: tuple[int, int]
    padding: tuple[int, int, int, int]

    @classmethod
    def of(cls, height: int, width: int, long_side: int, stride: int) -> Letterbox:
        """The letterbox of a size of image."""
        scale = min(long_side / height, long_side / width)
        scaled = max(1, round(height * scale)), max(1, round(width * scale))
        rest_y, rest_x = ((long_side - side) % stride / 2 for side in scaled)
        padding = round(rest_y - 0.1), round(rest_y + 0.1), round(rest_x - 0.1), round(rest_x + 0.1)
        return cls((height, width), scaled, padding)

    def apply(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The image, letterboxed."""
        if image.shape[:2] != self.scaled:
            image = np.asarray(cv2.resize(image, self.scaled[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
        padded = cv2.copyMakeBorder(image, *self.padding, cv2.BORDER_CONSTANT, value=(_GREY, _GREY, _GREY))
        return np.asarray(padded, np.uint8)

    def to_image(self, boxes: Boxes) -> Boxes:
        """Boxes of a letterboxed image in pixels of the image."""
        (height, width), (top, _, left, _) = self.size, self.padding
        scale = np.array([self.scaled[1] / width, self.scaled[0] / height] * 2, np.float32)
        corners = (boxes[:, :4] - np.array([left, top] * 2, np.float32)) / scale
        return np.concatenate([corners.clip(0, np.array([width, height] * 2, np.float32)), boxes[:, 4:]], axis=1)


class _TorchYolo:
    def __init__(self, checkpoint: Path, compute: Compute) -> None:
        self._network = load(checkpoint).to(compute.device)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._device = compute.device
        self.facts = self._network.facts

    def __call__(self, images: npt.NDArray[np.uint8]) -> Tensor:
        with torch.inference_mode():
            return self._network(torch.from_numpy(images).to(self._device)).float().cpu()


class _OpenVinoYolo:
    """Computes image after image: a batch of them would not fit the processor's cache."""

    def __init__(self, checkpoint: Path, threads: int) -> None:
        from avcues.extractors.openvino_network import CompiledModel, cached_model, fingerprint

        self.facts = facts_of(checkpoint)
        name = fingerprint(sha256(checkpoint), *code())
        model = cached_model(name, lambda: _convert_model(checkpoint))
        self._model = CompiledModel(model, "fp32", threads, per_shape=True)

    def __call__(self, images: npt.NDArray[np.uint8]) -> Tensor:
        return torch.cat([torch.from_numpy(self._model(image[None])[0]) for image in images])


def _convert_model(checkpoint: Path) -> Any:
    from avcues.extractors.openvino_import import openvino

    network = load(checkpoint)
    example = torch.zeros(1, 2 * network.facts.stride, 3 * network.facts.stride, 3, dtype=torch.uint8)
    return openvino().convert_model(network, example_input=example, input=[-1, -1, -1, 3])


def load(path: Path) -> YoloNetwork:
    """The network of an Ultralytics checkpoint of boxes.

    The library unpickles it, so only files whose hash the manifest pins, or that the user names, come here.

    Raises:
        WeightsError: It is something else.
    """
    # Otherwise the library installs packages, asks the network and writes to the home folder.
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    os.environ.setdefault("YOLO_CONFIG_DIR", settings_folder())
    torchvision()
    from ultralytics.models import YOLO
    from ultralytics.nn.modules.head import OBB, Detect

    try:
        model = YOLO(str(path), task="detect")
        model.fuse()
    except Exception as error:  # the library and pickle raise nearly anything
        raise WeightsError(
            f"{path}: is no Ultralytics checkpoint that can be loaded ({str(error).splitlines()[0]})"
        ) from error
    head = model.model.model[-1]
    if not isinstance(head, Detect) or isinstance(head, OBB):
        raise WeightsError(f"{path}: its last layer, {type(head).__name__}, finds no upright boxes")
    return YoloNetwork(model.model.eval().requires_grad_(False))


@cache
def settings_folder() -> str:
    """A folder for Ultralytics' settings, of this process alone: under a known name, another user could plant one."""
    folder = tempfile.mkdtemp(prefix="avcues-ultralytics-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
