"""Replaces networks by constants, to measure only the work beside them.

The steps before and after a network remain: resizing, cropping, conversion, softmax, non-maximum suppression.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

_COCO_CLASSES = 80
_FACE_COLUMN, _FACE_ROW, _FACE_STRIDE_PX, _FACE_PX = 20, 15, 8, 120


def replace_networks() -> None:
    """Makes every network a constant for the rest of this process, which must not have imported the extractors yet.

    No weights are needed.

    Each network is built untrained. It computes one batch of each shape, and returns the same result from then on. The
    face detector returns one face for every frame, YOLO three boxes.
    """
    from avcues.models_cache import cache

    def nowhere(finder: object, name: str, *_: object) -> cache.Weights:
        return cache.Weights(name=name, path=Path(name), sha256="")

    cache.WeightsFinder.resolve = nowhere  # type: ignore[method-assign,assignment]

    from avcues.extractors import face_detectors
    from avcues.extractors.compute import Compute
    from avcues.extractors.networks import fer, inception_i3d, places, yolo

    inception_i3d.load = lambda path: inception_i3d.InceptionI3D().eval()
    places.load_resnet50 = lambda path: places.PlacesResNet50().eval()
    fer.load_vgg19 = lambda path: fer.FerVGG19().eval()
    yolo._OpenVinoYolo = _ThreeBoxes  # type: ignore[misc,assignment]
    face_detectors.load_network = lambda *_: _one_face  # type: ignore[assignment]
    prepare = Compute.prepare_for_inference

    def prepare_constant(self: Compute, network: Any, *_: Any) -> Callable[..., Any]:
        return _constant(prepare(self, network))

    def load_constant(
        self: Compute, load: Callable[[Path], Any], weights: cache.Weights, *_: Any
    ) -> Callable[..., Any]:
        return prepare_constant(self, load(weights.path))

    Compute.prepare_for_inference = prepare_constant  # type: ignore[method-assign,assignment]
    Compute.load_for_inference = load_constant  # type: ignore[method-assign,assignment]


def _one_face(images: np.ndarray) -> list[np.ndarray]:
    """In the place of YuNet: the same face on every image."""
    height, width = images.shape[2:]
    cells = [(height // stride) * (width // stride) for stride in (8, 16, 32)]
    classes, objects, boxes = ([np.zeros((1, n, values), np.float32) for n in cells] for values in (1, 1, 4))
    face = min(_FACE_ROW * (width // _FACE_STRIDE_PX) + _FACE_COLUMN, cells[0] - 1)
    classes[0][0, face] = objects[0][0, face] = 0.9
    boxes[0][0, face, 2:] = np.log(_FACE_PX / _FACE_STRIDE_PX)
    return [*classes, *objects, *boxes]


def _constant(call: Callable[..., Any]) -> Callable[..., Any]:
    known: dict[torch.Size, Any] = {}

    def constant(x: torch.Tensor, *arguments: Any, **options: Any) -> Any:
        if x.shape not in known:
            known[x.shape] = call(x, *arguments, **options)
        return known[x.shape]

    return constant


class _ThreeBoxes:
    """In the place of YOLO: three boxes on every image."""

    def __init__(self, *_: object) -> None:
        self.spec = SimpleNamespace(stride=32, end2end=False)
        self._predicted: dict[tuple[int, ...], torch.Tensor] = {}

    def __call__(self, images: np.ndarray) -> torch.Tensor:
        if images.shape not in self._predicted:
            number, height, width, _ = images.shape
            cells = sum((height // stride) * (width // stride) for stride in (8, 16, 32))
            predicted = torch.zeros(number, 4 + _COCO_CLASSES, cells)
            predicted[:, :4, :3] = torch.tensor([[100.0, 300, 500], [100, 200, 250], [50, 60, 70], [50, 60, 70]])
            predicted[:, 4, :3] = 0.9
            self._predicted[images.shape] = predicted
        return self._predicted[images.shape]
