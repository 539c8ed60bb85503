"""COCO objects, by any Ultralytics YOLO checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import FRAME, FRAME_SIZE, Column, Columns, FrameBatch, Table

if TYPE_CHECKING:
    from avcues.extractors.networks.yolo import Detector

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
    """Detections per class, and their boxes, as by `YOLO(weights).predict(frame)`.

    Values are always computed in fp32: bf16 would move scores by up to 0.2.
    """

    name = "objects"
    version = 3
    imports = ("torch",)
    citation = "COCO (Lin et al. 2014, Microsoft COCO: common objects in context)"
    libraries = ("torch", "torchvision", "ultralytics-opencv-headless", "opencv-python-headless", "openvino")
    thread_safe = True
    Settings = ObjectsSettings
    weights: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "variant": ("objects/yolo11n", "objects/yolo26n", "objects/yolov5su")
    }
    user_weights: ClassVar[tuple[str, ...]] = ("variant",)

    def __init__(self, settings: ObjectsSettings = ObjectsSettings()) -> None:
        self.settings = settings
        self._detector: Detector | None = None

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
        """Loads the network."""
        if self._detector is None:
            from avcues.extractors.networks.yolo import Detector

            settings = self.settings
            checkpoint = (
                compute.weights.resolve(f"objects/{settings.variant}").path
                if self._is_pinned
                else Path(settings.variant)
            )
            self._detector = Detector(checkpoint, compute, settings.imgsz, settings.conf, settings.iou)

    def process_frames(self, batch: FrameBatch) -> Mapping[str, Columns]:
        """Detects objects on (B, H, W, 3) uint8 RGB frames."""
        assert self._detector is not None
        boxes_by_image = self._detector(batch.images)
        frames = np.repeat(np.arange(len(batch)), [len(boxes) for boxes in boxes_by_image])
        boxes = np.concatenate(boxes_by_image)
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

    @property
    def _is_pinned(self) -> bool:
        """Whether the weights are in the manifest; otherwise they are a checkpoint of the user."""
        return f"objects/{self.settings.variant}" in self.weights["variant"]

    def _class_names(self) -> tuple[str, ...]:
        return COCO if self.settings.variant == "auto" or self._is_pinned else self._user_class_names

    @cached_property
    def _user_class_names(self) -> tuple[str, ...]:
        from avcues.extractors.networks.yolo_spec import read_spec

        return read_spec(Path(self.settings.variant)).names
