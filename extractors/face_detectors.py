"""Face detectors on OpenVINO: YuNet (Wu, Peng and Yu 2023) and CenterFace (Xu et al. 2020)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Faces = npt.NDArray[np.float32]
"""(N, 5): x, y, width and height in pixels of the image, and score in 0..1; the highest score first."""

_NMS_IOU = 0.3
_SIDE_MULTIPLE = 32  # the networks halve their input five times
_YUNET_STRIDES = (8, 16, 32)


def load_network(weights: Path, outputs: Sequence[str]) -> Callable[[npt.NDArray[Any]], list[npt.NDArray[np.float32]]]:
    """The network of an ONNX file on the CPU; maps (1, 3, H, W) images to the named outputs."""
    from avcues.extractors.openvino_import import core, openvino
    from avcues.extractors.openvino_network import CompiledModel

    package = openvino()
    model = core().read_model(weights)
    results = [model.output(name).get_node() for name in outputs]
    return CompiledModel(package.Model(results, model.get_parameters()), "fp32", threads=1, per_shape=True)


class YuNet:
    """YuNet, decoded as by OpenCV's `FaceDetectorYN`.

    Args:
        weights: The ONNX file.
        min_score: Smallest score of a face.
        long_side_px: Long side that larger images are shrunk to.
    """

    OUTPUTS = tuple(f"{part}_{stride}" for part in ("cls", "obj", "bbox") for stride in _YUNET_STRIDES)

    def __init__(self, weights: Path, min_score: float, long_side_px: int) -> None:
        self._network = load_network(weights, self.OUTPUTS)
        self._min_score = min_score
        self._long_side_px = long_side_px

    def __call__(self, image: npt.NDArray[np.uint8]) -> Faces:
        """Finds faces in an (H, W, 3) RGB image."""
        shrunk, scale = _shrink(image, self._long_side_px)
        below, right = (-side % _SIDE_MULTIPLE for side in shrunk.shape[:2])
        padded = cv2.copyMakeBorder(shrunk, 0, below, 0, right, cv2.BORDER_CONSTANT)
        outputs = self._network(cv2.dnn.blobFromImage(padded, swapRB=True))
        by_stride = zip(_YUNET_STRIDES, outputs[0:3], outputs[3:6], outputs[6:9], strict=True)
        faces = np.concatenate(
            [self._decode(stride, padded.shape[1] // stride, *arrays) for stride, *arrays in by_stride]
        )
        # OpenCV suppresses boxes in whole pixels.
        selected = _suppress(faces[:, :4].astype(int), faces[:, 4], self._min_score)
        return np.concatenate([faces[selected, :4] / scale, faces[selected, 4:]], axis=1).astype(np.float32)

    def _decode(
        self, stride: int, columns: int, classes: npt.NDArray[Any], objects: npt.NDArray[Any], boxes: npt.NDArray[Any]
    ) -> Faces:
        """The faces of one stride, from the (1, cells, ...) outputs for its cells, row by row."""
        scores = np.sqrt(classes[0, :, 0].clip(0, 1) * objects[0, :, 0].clip(0, 1))
        cells = np.flatnonzero(scores >= self._min_score)
        offsets, log_sizes = boxes[0, cells, :2], boxes[0, cells, 2:]
        sizes = np.exp(log_sizes) * stride
        middles = (np.column_stack([cells % columns, cells // columns]) + offsets) * stride
        return np.column_stack([middles - sizes / 2, sizes, scores[cells]]).astype(np.float32)


class CenterFace:
    """CenterFace, decoded as by its authors.

    Args:
        weights: The ONNX file.
        min_score: Smallest score of a face.
        long_side_px: Long side that larger images are shrunk to.
    """

    OUTPUTS = ("537", "538", "539")  # heat map, sizes, offsets

    def __init__(self, weights: Path, min_score: float, long_side_px: int) -> None:
        self._network = load_network(weights, self.OUTPUTS)
        self._min_score = min_score
        self._long_side_px = long_side_px

    def __call__(self, image: npt.NDArray[np.uint8]) -> Faces:
        """Finds faces in an (H, W, 3) RGB image."""
        shrunk, _ = _shrink(image, self._long_side_px)
        width, height = (-(-side // _SIDE_MULTIPLE) * _SIDE_MULTIPLE for side in (shrunk.shape[1], shrunk.shape[0]))
        heat, size, offset = self._network(cv2.dnn.blobFromImage(shrunk, size=(width, height)))
        rows, columns = np.nonzero(heat[0, 0] > self._min_score)
        # The network's grid has cells of 4 px; sizes are logarithms in cells, y before x.
        box_heights, box_widths = (np.exp(size[0, i, rows, columns]) * 4 for i in (0, 1))
        y, x = ((grid + offset[0, i, rows, columns] + 0.5) * 4 for i, grid in ((0, rows), (1, columns)))
        left, top = np.clip(x - box_widths / 2, 0, width), np.clip(y - box_heights / 2, 0, height)
        boxes = np.stack(
            [left, top, np.minimum(left + box_widths, width) - left, np.minimum(top + box_heights, height) - top],
            axis=1,
        )
        scores = heat[0, 0, rows, columns]
        selected = _suppress(boxes, scores, self._min_score)
        to_image = np.array([image.shape[1] / width, image.shape[0] / height] * 2)
        return np.concatenate([boxes[selected] * to_image, scores[selected, None]], axis=1).astype(np.float32)


DETECTORS: dict[str, Callable[[Path, float, int], YuNet | CenterFace]] = {"yunet": YuNet, "centerface": CenterFace}


def _suppress(boxes: npt.NDArray[Any], scores: npt.NDArray[np.float32], min_score: float) -> npt.NDArray[np.intp]:
    """Indices of the (N, 4) boxes that no better box overlaps, the highest score first."""
    selected = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), min_score, _NMS_IOU)
    return np.asarray(selected, np.intp).reshape(-1)


def _shrink(image: npt.NDArray[np.uint8], long_side_px: int) -> tuple[npt.NDArray[np.uint8], float]:
    scale = min(1.0, long_side_px / max(image.shape[:2]))
    if scale == 1.0:
        return image, scale
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), scale
