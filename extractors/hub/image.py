"""Models of images, on whole frames or on faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from avcues.extractors.compute import Compute
from avcues.extractors.face_detectors import DETECTORS, CenterFace, YuNet
from avcues.extractors.face_tracks import TRACK, link_faces
from avcues.extractors.faces import detect_faces, reduce_per_frame, values_of_largest
from avcues.extractors.hub.model import HubExtractor, HubModel, Tables
from avcues.extractors.hub.options import FACE_DETECTORS
from avcues.extractors.protocol import FRAME, FRAME_SIZE, Column, Columns, FrameBatch, Items, Table

_MIN_FACE_SCORE = 0.6
_MIN_FACE_PX = 20
_DETECTOR_SIDE_PX = 640
_FACES_PER_BATCH = 16


class ImageModel(HubExtractor):
    """A model of images on the full frame of every window, with the model's own preprocessing."""

    @property
    def tables(self) -> Sequence[Table]:
        """One table, named after the model."""
        return (self.table(self.name, "window", "the frame"),)

    def process_frames(self, batch: FrameBatch) -> Tables:
        """Outputs for (B, H, W, 3) uint8 RGB frames."""
        return {self.name: self.columns(self.outputs(list(batch.images)))}


class FaceModel(HubExtractor):
    """A model of images on the faces of the frame of every window.

    A face is cut out as a square around the middle of its box. Its side is the box's longer side, widened by the
    fraction `margin`; beyond the frame, edge pixels are repeated.
    """

    version = 3
    libraries = (*HubExtractor.libraries, "opencv-python-headless")
    cpu_libraries = ("openvino",)  # the face detector
    weights: Mapping[str, tuple[str, ...]] = {"detector": FACE_DETECTORS}  # type: ignore[misc]

    def __init__(self, model: HubModel) -> None:
        super().__init__(model)
        self._detector: YuNet | CenterFace | None = None

    @property
    def tables(self) -> Sequence[Table]:
        """The largest face of each window, and every face."""
        boxes = (
            Column(name="x", unit="px", meaning="left edge of the face's box in the upright frame"),
            Column(name="y", unit="px", meaning="top edge of the face's box in the upright frame"),
            Column(name="width", unit="px", meaning="width of the face's box", low=0),
            Column(name="height", unit="px", meaning="height of the face's box", low=0),
            *FRAME_SIZE,
            TRACK,
            Column(name="score", unit="probability", meaning="confidence of the face detector", low=0, high=1),
        )
        return (
            self.table(self.name, "window", "the largest face; null without a face"),
            self.table(f"{self.name}_faces", "item", "the face", *boxes),
        )

    def setup(self, compute: Compute) -> None:
        """Loads the detector and the network."""
        super().setup(compute)
        if self._detector is None:
            detector = self.settings.detector
            weights = compute.weights.resolve(f"faces/{detector}").path
            self._detector = DETECTORS[detector](weights, _MIN_FACE_SCORE, _DETECTOR_SIDE_PX)

    def process_frames(self, batch: FrameBatch) -> Tables:
        """Outputs for the faces on (B, H, W, 3) uint8 RGB frames."""
        assert self._detector is not None
        frames, boxes = detect_faces(self._detector, batch.images, _MIN_FACE_PX)
        margin = self.settings.margin
        crops = [square_crop(batch.images[frame], box, margin) for frame, box in zip(frames, boxes, strict=True)]
        values = np.empty((len(boxes), self.model.spec.width), np.float32)
        for start in range(0, len(crops), _FACES_PER_BATCH):
            values[start : start + _FACES_PER_BATCH] = self.outputs(crops[start : start + _FACES_PER_BATCH])
        largest_values = reduce_per_frame(len(batch), frames, boxes, values, values_of_largest)
        box_columns = {name: boxes[:, i] for i, name in enumerate(("x", "y", "width", "height", "score"))}
        return {
            self.name: self.columns(largest_values),
            f"{self.name}_faces": {
                FRAME: frames,
                **box_columns,
                **batch.frame_size_columns(len(boxes)),
                **self.columns(values),
            },
        }

    def link_items(self, table: str, items: Items) -> Columns:
        """Numbers the faces of one person within a shot."""
        return link_faces(items) if table == f"{self.name}_faces" else {}


def square_crop(image: npt.NDArray[np.uint8], box: npt.NDArray[np.float32], margin: float) -> npt.NDArray[np.uint8]:
    """(S, S, 3) square around the middle of a box; edge pixels are repeated beyond the image.

    Args:
        image: (H, W, 3) uint8.
        box: x, y, width and height in pixels.
        margin: Widening of the square beyond the longer side of the box, as a fraction of that side.
    """
    x, y, width, height = (float(value) for value in box[:4])
    side = max(1, round(max(width, height) * (1 + margin)))
    left, top = round(x + width / 2 - side / 2), round(y + height / 2 - side / 2)
    columns = np.clip(np.arange(left, left + side), 0, image.shape[1] - 1)
    rows = np.clip(np.arange(top, top + side), 0, image.shape[0] - 1)
    return image[np.ix_(rows, columns)]
