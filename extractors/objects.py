"""COCO objects, by any Ultralytics YOLO checkpoint."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from avcues.extractors.base import BaseExtractor
from avcues.extractors.build_once import build_once
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import FRAME, FRAME_SIZE, Column, Columns, FrameBatch, Table
from avcues.models_cache import WeightsError
from avcues.models_cache.hashing import sha256

COCO = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip


@dataclass(frozen=True)
class ObjectsSettings:
    """Options of the object features; names and defaults are Ultralytics'.

    Args:
        variant: "yolo11n", "yolo26n", "yolov5su" (of the MuVi study's family), or the path of a checkpoint, which is
            a pickle: give only files that you trust. "auto" takes the first that is available.
        conf: Smallest confidence of a detection.
        iou: Overlap above which non-maximum suppression drops the weaker box.
        imgsz: Long side in pixels that frames are letterboxed to.
    """

    variant: str = "auto"
    conf: float = 0.25
    iou: float = 0.7
    imgsz: int = 640


class Objects(BaseExtractor):
    """Detections per class, and their boxes, equal to `YOLO(weights).predict(frame)`.

    Values are always computed in fp32: bf16 would be 1.4 times as fast, but move scores by up to 0.2.
    """

    name = "objects"
    version = 2
    imports = ("torch",)
    citation = "COCO (Lin et al. 2014, Microsoft COCO: common objects in context)"
    libraries = ("torch", "torchvision", "ultralytics-opencv-headless", "opencv-python-headless")
    Settings = ObjectsSettings
    weights: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "variant": ("objects/yolo11n", "objects/yolo26n", "objects/yolov5su")
    }
    user_weights: ClassVar[tuple[str, ...]] = ("variant",)

    def __init__(self, settings: ObjectsSettings = ObjectsSettings()) -> None:
        self.settings = settings
        self._compute: Compute | None = None

    @cached_property
    def _model(self) -> Any:
        return _load(self._checkpoint())

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Columns for the classes of the checkpoint: COCO's, or those of the user's checkpoint."""
        names = self._class_names()
        return (
            Table(
                name="objects",
                row="window",
                columns=(
                    *(
                        Column(
                            name=f"count_{name}", unit="count", meaning=f"detections of {name}", dtype="int16", low=0
                        )
                        for name in names
                    ),
                    *(
                        Column(
                            name=f"score_{name}",
                            unit="probability",
                            meaning=f"best confidence of {name}, 0 without a detection",
                            low=0,
                            high=1,
                        )
                        for name in names
                    ),
                ),
            ),
            Table(
                name="detections",
                row="item",
                columns=(
                    Column(name="class", unit="category", meaning="class name", dtype="string"),
                    Column(name="score", unit="probability", meaning="confidence", low=0, high=1),
                    Column(name="x", unit="px", meaning="left edge of the box in the upright frame"),
                    Column(name="y", unit="px", meaning="top edge of the box in the upright frame"),
                    Column(name="width", unit="px", meaning="width of the box", low=0),
                    Column(name="height", unit="px", meaning="height of the box", low=0),
                    *FRAME_SIZE,
                ),
            ),
        )

    def setup(self, compute: Compute) -> None:
        """Loads the checkpoint."""
        if self._compute is None:
            import torch

            self._compute = compute
            self._model.to(compute.device)
            self._model.model.to(memory_format=torch.channels_last)

    def process_frames(self, batch: FrameBatch) -> Mapping[str, Columns]:
        """Detects objects on (B, H, W, 3) uint8 RGB frames."""
        assert self._compute is not None
        settings = self.settings
        results = self._model.predict(
            [cv2.cvtColor(image, cv2.COLOR_RGB2BGR) for image in batch.images],
            batch=len(batch),
            conf=settings.conf,
            iou=settings.iou,
            imgsz=settings.imgsz,
            device=self._compute.device,
            verbose=False,
        )
        boxes_per_image = [result.boxes.data.float().cpu().numpy() for result in results]
        frames = np.repeat(np.arange(len(batch)), [len(boxes) for boxes in boxes_per_image])
        boxes = np.concatenate(boxes_per_image)
        classes = boxes[:, 5].astype(int)
        names = self._class_names()
        counts = np.zeros((len(batch), len(names)), np.int16)
        scores = np.zeros((len(batch), len(names)), np.float32)
        np.add.at(counts, (frames, classes), 1)
        np.maximum.at(scores, (frames, classes), boxes[:, 4])
        return {
            "objects": {
                **{f"count_{name}": counts[:, i] for i, name in enumerate(names)},
                **{f"score_{name}": scores[:, i] for i, name in enumerate(names)},
            },
            "detections": {
                FRAME: frames,
                "class": np.array(names, dtype=object)[classes],
                "score": boxes[:, 4],
                "x": boxes[:, 0],
                "y": boxes[:, 1],
                "width": boxes[:, 2] - boxes[:, 0],
                "height": boxes[:, 3] - boxes[:, 1],
                **batch.frame_size_columns(len(boxes)),
            },
        }

    def _checkpoint(self) -> Path:
        if f"objects/{self.settings.variant}" in self.weights["variant"]:
            assert self._compute is not None
            return self._compute.weights.resolve(f"objects/{self.settings.variant}").path
        return Path(self.settings.variant)

    def _class_names(self) -> tuple[str, ...]:
        if self.settings.variant == "auto" or f"objects/{self.settings.variant}" in self.weights["variant"]:
            return COCO
        return self._names_in_checkpoint

    @cached_property
    def _names_in_checkpoint(self) -> tuple[str, ...]:
        """Class names of the user's checkpoint. They are cached, because the checkpoint takes seconds to load."""

        def write_names(folder: Path) -> None:
            (folder / "names.json").write_text(json.dumps(list(self._model.names.values())))

        try:
            names_file = build_once(f"classes-{sha256(self._checkpoint())}", write_names) / "names.json"
        except OSError:  # the disk is full, or the checkpoint is missing
            return tuple(self._model.names.values())
        return tuple(json.loads(names_file.read_text()))


@cache
def _settings_folder() -> str:
    """A folder for Ultralytics' settings, for this process only: another user could plant one with a known name."""
    folder = tempfile.mkdtemp(prefix="avcues-ultralytics-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _load(path: Path) -> Any:
    """The model of an Ultralytics checkpoint, fused.

    The library unpickles the file: pass only a file that the manifest pins by its hash, or that the user named.
    """
    # Otherwise the library installs packages, uses the network and writes to the home folder.
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    os.environ.setdefault("YOLO_CONFIG_DIR", _settings_folder())
    from avcues.extractors.torchvision_import import torchvision

    torchvision()
    from ultralytics.models import YOLO
    from ultralytics.utils import torch_utils

    torch_utils.NUM_THREADS = 1  # it would set torch's threads to nearly all cores

    try:
        model = YOLO(str(path), task="detect")
        model.fuse()
    except Exception as error:  # the library and pickle raise nearly anything
        raise WeightsError(
            f"{path}: cannot be loaded as an Ultralytics checkpoint ({str(error).splitlines()[0]})"
        ) from error
    return model
