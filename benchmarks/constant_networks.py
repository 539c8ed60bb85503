"""Replaces networks by constants, to measure only the work beside them.

The steps before and after a network remain: resizing, cropping, conversion, softmax, non-maximum suppression.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

_FACE = np.array([[100, 60, 120, 120, *[0] * 10, 0.9]], np.float32)  # YuNet's: box, five landmarks, score


def replace_networks() -> None:
    """Makes every network a constant for the rest of this process, which must not have imported the extractors yet.

    No weights are needed.

    Each network is built untrained. It computes one batch of each shape, and returns the same result from then on. The
    face detector returns one face for every frame.
    """
    import cv2

    from avcues.models_cache import cache

    cache.resolve = lambda name: cache.Weights(name=name, path=Path(name), sha256="")  # type: ignore[misc,assignment]

    from avcues.extractors import objects
    from avcues.extractors.compute import Compute
    from avcues.extractors.networks import fer, inception_i3d, places

    inception_i3d.load = lambda path: inception_i3d.InceptionI3D().eval()
    places.load_resnet50 = lambda path: places.PlacesResNet50().eval()
    fer.load_vgg19 = lambda path: fer.FerVGG19().eval()
    objects._load = _untrained_yolo
    cv2.FaceDetectorYN.create = lambda *_: _OneFace()  # type: ignore[method-assign,assignment]
    place = Compute.place

    def place_constant(self: Compute, network: Any, *_: Any) -> Callable[..., Any]:
        return _constant(place(self, network))

    Compute.place = place_constant  # type: ignore[method-assign,assignment]


class _OneFace:
    def setInputSize(self, size: tuple[int, int]) -> None:  # noqa: N802  (OpenCV's name)
        """As OpenCV's."""

    def detect(self, image: Any) -> tuple[int, Any]:
        """Returns the same face for every image."""
        return 1, _FACE


def _constant(call: Callable[..., Any]) -> Callable[..., Any]:
    known: dict[torch.Size, Any] = {}

    def constant(x: torch.Tensor, *arguments: Any, **options: Any) -> Any:
        if x.shape not in known:
            known[x.shape] = call(x, *arguments, **options)
        return known[x.shape]

    return constant


def _untrained_yolo(path: Path) -> Any:
    from avcues.extractors.objects import _settings_folder
    from avcues.extractors.torchvision_import import torchvision

    os.environ |= {"YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true", "YOLO_VERBOSE": "false"}
    os.environ["YOLO_CONFIG_DIR"] = _settings_folder()
    torchvision()
    from ultralytics.models import YOLO
    from ultralytics.utils import torch_utils

    torch_utils.NUM_THREADS = 1
    model = YOLO("yolo11n.yaml", task="detect")
    model.fuse()
    model.model.eval().forward = _constant(model.model.forward)
    return model
