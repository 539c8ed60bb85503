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
from avcues.extractors.networks.yolo_spec import YoloSpec, code_version, read_spec
from avcues.extractors.torchvision_import import torchvision
from avcues.models_cache import WeightsError
from avcues.models_cache.hashing import sha256

Boxes = npt.NDArray[np.float32]
"""(N, 6): left, top, right, bottom in pixels of the image, score, class; the highest score first."""

_GREY = 114
_MAX_BOXES = 300
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
        self.spec = YoloSpec(tuple(model.names.values()), int(model.stride.max()), bool(head.end2end))

    def forward(self, images: Tensor) -> Tensor:
        predictions = self.model(images.permute(0, 3, 1, 2).float() / 255)
        boxes: Tensor = predictions[0] if isinstance(predictions, tuple) else predictions
        # Further columns are masks or key points.
        return boxes[..., :6] if self.spec.end2end else boxes[:, : 4 + len(self.spec.names)]


class Detector:
    """Finds objects as `YOLO(checkpoint).predict` does.

    On a CPU the network is compiled by OpenVINO, once for each size of image; scores and boxes agree with torch's to
    1e-4 and 0.05 px.

    Args:
        checkpoint: Path of the checkpoint.
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
        self._end2end, self._stride = self._network.spec.end2end, self._network.spec.stride
        self._long_side = -(-imgsz // self._stride) * self._stride

    def __call__(self, images: npt.NDArray[np.uint8]) -> list[Boxes]:
        """The boxes on each of the (B, H, W, 3) uint8 RGB images."""
        letterbox = Letterbox.for_size(images.shape[1], images.shape[2], self._long_side, self._stride)
        predictions = self._network(np.stack([letterbox.apply(image) for image in images]))
        return [letterbox.to_image(self._select(image_predictions)) for image_predictions in predictions]

    def _select(self, predictions: Tensor) -> Boxes:
        if self._end2end:
            return predictions[predictions[:, 4] > self._conf][:_MAX_BOXES].numpy()
        candidates = predictions[:, predictions[4:].amax(dim=0) > self._conf].T
        scores, classes = candidates[:, 4:].max(dim=1)
        middles, sizes = candidates[:, :2], candidates[:, 2:4]
        boxes = torch.cat([middles - sizes / 2, middles + sizes / 2], dim=1)
        shifted_boxes = boxes + classes[:, None] * _BETWEEN_CLASSES_PX
        selected = torchvision().ops.nms(shifted_boxes, scores, self._iou)[:_MAX_BOXES]
        return torch.cat([boxes, scores[:, None], classes[:, None].float()], dim=1)[selected].numpy()


@dataclass(frozen=True)
class Letterbox:
    """Scales images of one size, and pads them with grey to multiples of the network's stride, as Ultralytics does.

    Args:
        size: Height and width of the images.
        scaled: Height and width that the images are scaled to.
        padding: Pixels of padding above, below, to the left and to the right.
    """

    size: tuple[int, int]
    scaled: tuple[int, int]
    padding: tuple[int, int, int, int]

    @classmethod
    def for_size(cls, height: int, width: int, long_side: int, stride: int) -> Letterbox:
        """The letterbox for images of one size."""
        scale = min(long_side / height, long_side / width)
        scaled = max(1, round(height * scale)), max(1, round(width * scale))
        padding_y, padding_x = ((long_side - side) % stride / 2 for side in scaled)
        padding = round(padding_y - 0.1), round(padding_y + 0.1), round(padding_x - 0.1), round(padding_x + 0.1)
        return cls((height, width), scaled, padding)

    def apply(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Letterboxes an image."""
        if image.shape[:2] != self.scaled:
            image = np.asarray(cv2.resize(image, self.scaled[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
        padded = cv2.copyMakeBorder(image, *self.padding, cv2.BORDER_CONSTANT, value=(_GREY, _GREY, _GREY))
        return np.asarray(padded, np.uint8)

    def to_image(self, boxes: Boxes) -> Boxes:
        """Converts boxes from pixels of the letterboxed image to pixels of the original."""
        (height, width), (top, _, left, _) = self.size, self.padding
        scale = np.array([self.scaled[1] / width, self.scaled[0] / height] * 2, np.float32)
        corners = (boxes[:, :4] - np.array([left, top] * 2, np.float32)) / scale
        return np.concatenate([corners.clip(0, np.array([width, height] * 2, np.float32)), boxes[:, 4:]], axis=1)


class _TorchYolo:
    def __init__(self, checkpoint: Path, compute: Compute) -> None:
        self._network = load(checkpoint).to(compute.device)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._device = compute.device
        self.spec = self._network.spec

    def __call__(self, images: npt.NDArray[np.uint8]) -> Tensor:
        with torch.inference_mode():
            return self._network(torch.from_numpy(images).to(self._device)).float().cpu()


class _OpenVinoYolo:
    """Runs the network by OpenVINO, image by image: a batch would not fit into the processor's cache."""

    def __init__(self, checkpoint: Path, threads: int) -> None:
        from avcues.extractors.openvino_network import CompiledModel, cached_model, fingerprint

        self.spec = read_spec(checkpoint)
        name = fingerprint(sha256(checkpoint), *code_version())
        model = cached_model(name, lambda: _convert_model(checkpoint))
        self._model = CompiledModel(model, "fp32", threads, per_shape=True)

    def __call__(self, images: npt.NDArray[np.uint8]) -> Tensor:
        return torch.cat([torch.from_numpy(self._model(image[None])[0]) for image in images])


def _convert_model(checkpoint: Path) -> Any:
    from avcues.extractors.openvino_import import openvino

    network = load(checkpoint)
    example = torch.zeros(1, 2 * network.spec.stride, 3 * network.spec.stride, 3, dtype=torch.uint8)
    return openvino().convert_model(network, example_input=example, input=[-1, -1, -1, 3])


def load(path: Path) -> YoloNetwork:
    """The network of an Ultralytics detection checkpoint.

    Ultralytics unpickles the file, so only files that the manifest pins or that the user names may be loaded.

    Raises:
        WeightsError: The file is not such a checkpoint.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: there is no such file of weights")
    # Otherwise Ultralytics installs packages, makes network requests and writes to the home folder.
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
            f"{path}: cannot be loaded as an Ultralytics checkpoint ({str(error).splitlines()[0]})"
        ) from error
    head = model.model.model[-1]
    if not isinstance(head, Detect) or isinstance(head, OBB):
        raise WeightsError(f"{path}: its last layer, {type(head).__name__}, does not predict upright boxes")
    return YoloNetwork(model.model.eval().requires_grad_(False))


@cache
def settings_folder() -> str:
    """A private folder for Ultralytics' settings: under a predictable name, another user could plant one."""
    folder = tempfile.mkdtemp(prefix="avcues-ultralytics-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
