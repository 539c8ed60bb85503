"""Face detectors on OpenCV: YuNet (Wu, Peng and Yu 2023) and CenterFace (Xu et al. 2020)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Faces = npt.NDArray[np.float32]
"""(N, 5): x, y, width and height in pixels of the image, and score in 0..1; the highest score first."""

_NMS_IOU = 0.3
_STRIDE = 32


class YuNet:
    """YuNet through OpenCV's `FaceDetectorYN`."""

    def __init__(self, weights: Path, min_score: float, long_side_px: int) -> None:
        self._long_side_px = long_side_px
        self._detector = cv2.FaceDetectorYN.create(str(weights), "", (320, 320), min_score, _NMS_IOU, 5000)

    def __call__(self, image: npt.NDArray[np.uint8]) -> Faces:
        """Finds faces in an (H, W, 3) RGB image."""
        shrunk, scale = _shrink(image, self._long_side_px)
        self._detector.setInputSize((shrunk.shape[1], shrunk.shape[0]))
        _, detections = self._detector.detect(cv2.cvtColor(shrunk, cv2.COLOR_RGB2BGR))
        if detections is None:
            return np.empty((0, 5), np.float32)
        faces = np.concatenate([detections[:, :4] / scale, detections[:, -1:]], axis=1).astype(np.float32)
        return faces[np.argsort(-faces[:, 4], kind="stable")]


class CenterFace:
    """CenterFace through OpenCV's dnn module."""

    def __init__(self, weights: Path, min_score: float, long_side_px: int) -> None:
        self._long_side_px = long_side_px
        self._network = cv2.dnn.readNetFromONNX(str(weights))
        self._outputs = self._network.getUnconnectedOutLayersNames()
        self._min_score = min_score

    def __call__(self, image: npt.NDArray[np.uint8]) -> Faces:
        """Finds faces in an (H, W, 3) RGB image."""
        shrunk, _ = _shrink(image, self._long_side_px)
        width, height = (-(-side // _STRIDE) * _STRIDE for side in (shrunk.shape[1], shrunk.shape[0]))
        self._network.setInput(cv2.dnn.blobFromImage(shrunk, size=(width, height)))
        heat, size, offset, _ = self._network.forward(self._outputs)
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
        selected = np.asarray(
            cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), self._min_score, _NMS_IOU), int
        ).reshape(-1)
        to_image = np.array([image.shape[1] / width, image.shape[0] / height] * 2)
        return np.concatenate([boxes[selected] * to_image, scores[selected, None]], axis=1).astype(np.float32)


DETECTORS: dict[str, Callable[[Path, float, int], YuNet | CenterFace]] = {"yunet": YuNet, "centerface": CenterFace}


def _shrink(image: npt.NDArray[np.uint8], long_side_px: int) -> tuple[npt.NDArray[np.uint8], float]:
    scale = min(1.0, long_side_px / max(image.shape[:2]))
    if scale == 1.0:
        return image, scale
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), scale
