"""Facial expressions: faces are detected on each frame and classified into the seven classes of FER2013."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt
from annotated_types import Ge

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute, Network, Precision
from avcues.extractors.embedding import embedding_columns, embedding_table
from avcues.extractors.face_detectors import DETECTORS, CenterFace, YuNet
from avcues.extractors.face_tracks import TRACK, link_faces
from avcues.extractors.faces import detect_faces, reduce_per_frame, values_of_largest
from avcues.extractors.protocol import FRAME, FRAME_SIZE, Column, Columns, FrameBatch, Items, Table

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_MEANS = tuple(f"mean_{name}" for name in CLASSES)

# The reference code of mini-XCEPTION (package fer) widens the squared box by this much and pads the image.
_FER_OFFSET_PX = 10
_FER_PADDING_PX = 40
_FACES_PER_BATCH = 32


def _probability(name: str, meaning: str) -> Column:
    return Column(name=name, unit="probability", meaning=meaning, low=0, high=1)


_TABLES = (
    Table(
        name="expressions",
        row="window",
        columns=(
            Column(name="faces", unit="count", meaning="detected faces", dtype="int16", low=0),
            *(
                Column(name=name, unit="fraction", meaning=f"{quantity} of the largest face; null without a face{note}")
                for name, quantity, note in (
                    ("face_x", "middle, from the left, in frame widths,", ""),
                    ("face_y", "middle, from the top, in frame heights,", ""),
                    ("face_height", "height, in frame heights,", "; film studies read the scale of a shot from it"),
                )
            ),
            *(
                _probability(name, f"probability of {name} for the largest face; null without a face")
                for name in CLASSES
            ),
            *(
                _probability(mean, f"mean probability of {name} over all faces, weighted by their area")
                for mean, name in zip(_MEANS, CLASSES, strict=True)
            ),
        ),
        sums_to_one=(CLASSES, _MEANS),
    ),
    Table(
        name="faces",
        row="item",
        columns=(
            Column(name="x", unit="px", meaning="left edge of the box in the upright frame"),
            Column(name="y", unit="px", meaning="top edge of the box in the upright frame"),
            Column(name="width", unit="px", meaning="width of the box", low=0),
            Column(name="height", unit="px", meaning="height of the box", low=0),
            *FRAME_SIZE,
            TRACK,
            _probability("score", "confidence of the face detector"),
            *(_probability(name, f"probability of {name}") for name in CLASSES),
        ),
        sums_to_one=(CLASSES,),
    ),
)


@dataclass(frozen=True)
class ExpressionsSettings:
    """Options of the expression features.

    Args:
        variant: "vgg19" (the MuVi study's) or "mini_xception"; "auto" takes the first that is available.
        detector: "yunet" or "centerface"; "auto" takes the first that is available.
        min_score: Smallest detector confidence of a face.
        min_face_px: Smallest width and height of a face, in pixels of the frame; the expression networks see 48 to
            64 px.
        detector_side_px: Long side that larger frames are shrunk to before detection. In 1080p, 640 detects nearly
            all faces of 64 px that full size detects, four of five of 48 px, and few below; 1280 detects faces of
            28 px in five times the processor time, 1920 faces of 22 px in eight times (YuNet).
    """

    variant: str = "auto"
    detector: str = "auto"
    min_score: float = 0.6
    min_face_px: int = 20
    detector_side_px: Annotated[int, Ge(32)] = 640


class Expressions(BaseExtractor):
    """Seven expression probabilities of the faces on a frame."""

    name = "expressions"
    version = 5
    imports = ("torch",)
    libraries = ("torch", "opencv-python-headless", "openvino")
    cpu_libraries = ("openvino",)  # the face detector
    citation = "FER2013 (Goodfellow et al. 2013, Challenges in representation learning)"
    Settings = ExpressionsSettings
    weights: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "variant": ("expressions/vgg19", "expressions/mini_xception"),
        "detector": ("faces/yunet", "faces/centerface"),
    }

    def __init__(self, settings: ExpressionsSettings = ExpressionsSettings()) -> None:
        self.settings = settings
        self._network: Network | None = None
        self._detector: YuNet | CenterFace | None = None

    @property
    def extra_tables(self) -> Sequence[Table]:
        """Input of the classifier: for the largest face of each window, and for every face."""
        width = self._embedding_width
        meaning = "input of the expression network's classifier"
        return (
            embedding_table("expressions_embedding", "window", width, f"{meaning} for the largest face"),
            embedding_table("faces_embedding", "item", width, f"{meaning}, rows as in faces"),
        )

    @property
    def _embedding_width(self) -> int:
        return 128 if self.settings.variant == "mini_xception" else 512

    @property
    def tables(self) -> Sequence[Table]:
        """`expressions` and `faces`, and the extra tables."""
        return self.with_extras(*_TABLES)

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """bf16 for the large network only; the small one would hardly be faster."""
        return ("bf16",) if self.settings.variant == "vgg19" else ()

    def setup(self, compute: Compute) -> None:
        """Loads the detector and the network."""
        if self._network is None:
            import torch

            from avcues.extractors.networks import fer

            settings = self.settings
            load = {"vgg19": fer.load_vgg19, "mini_xception": fer.load_mini_xception}[settings.variant]
            detector_file = compute.weights.resolve(f"faces/{settings.detector}").path
            self._detector = DETECTORS[settings.detector](detector_file, settings.min_score, settings.detector_side_px)
            compute = compute if self.precisions else compute.in_fp32()
            self._compute = compute
            example = torch.zeros(2, *((3, 44, 44) if settings.variant == "vgg19" else (1, 64, 64)))
            network_file = compute.weights.resolve(f"expressions/{settings.variant}").path
            self._network = compute.prepare_for_inference(load(network_file), example)

    def process_frames(self, batch: FrameBatch) -> Mapping[str, Columns]:
        """Detects and classifies the faces on (B, H, W, 3) uint8 RGB frames."""
        assert self._detector is not None
        frames, boxes = detect_faces(self._detector, batch.images, self.settings.min_face_px)
        probabilities, embeddings = self._classify(batch, frames, boxes)
        reduce_frames = partial(reduce_per_frame, len(batch), frames, boxes)
        largest_values, weighted_mean = (
            reduce_frames(probabilities, reduce) for reduce in (values_of_largest, _mean_by_area)
        )
        height, width = batch.images.shape[1:3]
        middles = (boxes[:, :2] + boxes[:, 2:4] / 2) / (width, height)
        position = reduce_frames(np.column_stack([middles, boxes[:, 3] / height]).astype(np.float32), values_of_largest)
        tables: dict[str, Columns] = {
            "expressions": {
                "faces": np.bincount(frames, minlength=len(batch)).astype(np.int16),
                **{name: position[:, i] for i, name in enumerate(("face_x", "face_y", "face_height"))},
                **{name: largest_values[:, i] for i, name in enumerate(CLASSES)},
                **{name: weighted_mean[:, i] for i, name in enumerate(_MEANS)},
            },
            "faces": {
                FRAME: frames,
                **{name: boxes[:, i] for i, name in enumerate(("x", "y", "width", "height", "score"))},
                **batch.frame_size_columns(len(boxes)),
                **{name: probabilities[:, i] for i, name in enumerate(CLASSES)},
            },
        }
        if "expressions_embedding" in self.requested_tables:
            tables["expressions_embedding"] = embedding_columns(reduce_frames(embeddings, values_of_largest))
        if "faces_embedding" in self.requested_tables:
            tables["faces_embedding"] = {FRAME: frames, **embedding_columns(embeddings)}
        return tables

    def link_items(self, table: str, items: Items) -> Columns:
        """Numbers the faces of one person within a shot."""
        return link_faces(items) if table == "faces" else {}

    def _classify(
        self, batch: FrameBatch, frames: npt.NDArray[np.intp], boxes: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """(N, 7) probabilities and (N, E) embeddings of the N faces on the frames, computed in batches of faces."""
        import torch

        from avcues.extractors.networks import fer

        assert self._network is not None
        variant = self.settings.variant
        crop, classify = (
            (square_crop, fer.classify_vgg19) if variant == "vgg19" else (fer_package_crop, fer.classify_mini_xception)
        )
        grays: dict[int, npt.NDArray[np.uint8]] = {}
        crops = []
        for frame, box in zip(frames, boxes, strict=True):
            if frame not in grays:
                grays[frame] = np.asarray(cv2.cvtColor(batch.images[frame], cv2.COLOR_RGB2GRAY), np.uint8)
            crops.append(crop(grays[frame], box))
        probabilities: list[npt.NDArray[Any]] = [np.empty((0, len(CLASSES)), np.float32)]
        embeddings: list[npt.NDArray[Any]] = [np.empty((0, self._embedding_width), np.float32)]
        for start in range(0, len(crops), _FACES_PER_BATCH):
            faces = torch.from_numpy(np.stack(crops[start : start + _FACES_PER_BATCH])).to(self._compute.device)
            with self._compute.autocast():
                logits, embedding = classify(self._network, faces)
            probabilities.append(logits.softmax(dim=1).cpu().numpy())
            embeddings.append(embedding.cpu().numpy())
        return np.concatenate(probabilities), np.concatenate(embeddings)


def _mean_by_area(values: npt.NDArray[np.float32], areas: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.average(values, axis=0, weights=areas)


def square_crop(gray: npt.NDArray[np.uint8], box: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """(48, 48) crop of the box made square, as tight as in FER2013; edge pixels are repeated beyond the image."""
    x, y, side = _square_box(box)
    padded = cv2.copyMakeBorder(gray, side, side, side, side, cv2.BORDER_REPLICATE)
    crop = padded[y + side : y + 2 * side, x + side : x + 2 * side]
    interpolation = cv2.INTER_AREA if side > 48 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (48, 48), interpolation=interpolation), np.uint8)


def fer_package_crop(gray: npt.NDArray[np.uint8], box: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """(64, 64) crop as in the package fer: a square, widened by 10 px, of an image padded with its bottom's mean."""
    x, y, side = _square_box(box)
    padding = _FER_PADDING_PX
    mean = cv2.mean(gray[-2:])[0]
    padded = cv2.copyMakeBorder(gray, padding, padding, padding, padding, cv2.BORDER_CONSTANT, value=[mean, mean, mean])
    top, left = (max(0, edge - _FER_OFFSET_PX + padding) for edge in (y, x))
    bottom, right = (edge + side + _FER_OFFSET_PX + padding for edge in (y, x))
    return np.asarray(cv2.resize(padded[top:bottom, left:right], (64, 64)), np.uint8)


def _square_box(box: npt.NDArray[np.float32]) -> tuple[int, int, int]:
    """Left, top and side of the box with its shorter side lengthened about the middle, in whole pixels."""
    x, y, width, height = (int(value) for value in box[:4])
    if height > width:
        return x - (height - width) // 2, y, height
    return x, y - (width - height) // 2, width
