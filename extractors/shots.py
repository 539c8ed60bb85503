"""Shot boundaries, by PySceneDetect's detectors on frames that someone else decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from scenedetect.common import FrameTimecode, Timecode
from scenedetect.detector import SceneDetector
from scenedetect.detectors import AdaptiveDetector, ContentDetector
from scenedetect.scene_manager import compute_downscale_factor

from extractors.base import BaseExtractor
from extractors.protocol import Column, Table

_TABLE = Table(
    name="shots",
    row="shot",
    columns=(Column(name="frames", unit="count", meaning="decoded frames in the shot", dtype="int32", low=1),),
)


@dataclass(frozen=True)
class ShotsSettings:
    """Options of shot detection; names are PySceneDetect's.

    Args:
        detector: "adaptive" compares each frame's change with its neighbours' (robust to camera motion),
            "content" with a fixed threshold.
        threshold: Adaptive ratio or content value that makes a cut; None for PySceneDetect's default (3.0, 27.0).
        min_content_val: Smallest content value that the adaptive detector accepts as a cut.
        min_scene_len_s: Shortest shot in seconds; PySceneDetect's own default of 0.6 s misses the fast cuts of
            music videos.
    """

    detector: Literal["adaptive", "content"] = "adaptive"
    threshold: float | None = None
    min_content_val: float = 15.0
    min_scene_len_s: float = 0.25


class Shots(BaseExtractor):
    """First frames of shots.

    Frames are point-sampled to PySceneDetect's own working size (longer side 256 px), which is what its linear
    interpolation amounts to at such factors, so that cuts agree with `scenedetect.detect` on the same file.
    """

    name = "shots"
    version = 1
    citation = "PySceneDetect 0.7 (Castellano), AdaptiveDetector and ContentDetector"
    libraries = ("scenedetect-headless", "opencv-python-headless")
    Settings = ShotsSettings
    tables = (_TABLE,)

    def __init__(self, settings: ShotsSettings = ShotsSettings()) -> None:
        self.settings = settings
        self.lag = int(self._detector().event_buffer_length)

    def image_size(self, width: int, height: int) -> tuple[int, int]:
        """PySceneDetect's working size for a coded frame size."""
        factor = compute_downscale_factor(max(width, height))
        return max(1, round(width / factor)), max(1, round(height / factor))

    def start_shots(self, time_base: Fraction, frame_rate: Fraction) -> PySceneDetectStream:
        """Opens a stream for one video."""
        return PySceneDetectStream(self._detector(), time_base, frame_rate)

    def _detector(self) -> SceneDetector:
        options = self.settings
        if options.detector == "adaptive":
            return _QuickAdaptiveDetector(
                adaptive_threshold=3.0 if options.threshold is None else options.threshold,
                min_content_val=options.min_content_val,
                min_scene_len=options.min_scene_len_s,
            )
        return _QuickContentDetector(
            threshold=27.0 if options.threshold is None else options.threshold,
            min_scene_len=options.min_scene_len_s,
        )


class PySceneDetectStream:
    """One video's frames on their way through a PySceneDetect detector."""

    def __init__(self, detector: SceneDetector, time_base: Fraction, frame_rate: Fraction) -> None:
        self._detector = detector
        self._time_base = time_base
        self._frame_rate = frame_rate
        self._last: FrameTimecode | None = None

    def write(self, image: npt.NDArray[np.uint8], pts: int) -> list[int]:
        """Takes (H, W, 3) uint8 BGR and returns the pts of the cuts that are now certain."""
        self._last = FrameTimecode(Timecode(pts, self._time_base), fps=self._frame_rate)
        return [cut.pts for cut in self._detector.process_frame(self._last, image)]

    def finish(self) -> list[int]:
        """Returns the remaining cuts."""
        if self._last is None:
            return []
        return [cut.pts for cut in self._detector.post_process(self._last)]


class _QuickScore(ContentDetector):
    """PySceneDetect's score of a frame with its default weights, bit for bit, in a fifth of the time."""

    _planes: Sequence[npt.NDArray[np.uint8]] | None = None

    def _calculate_frame_score(self, timecode: FrameTimecode, frame_img: npt.NDArray[np.uint8]) -> float:
        last = self._planes
        self._planes = planes = cv2.split(cv2.cvtColor(frame_img, cv2.COLOR_BGR2HSV))  # type: ignore[assignment]
        if last is None:
            return 0.0
        pixels = float(planes[0].size)
        return sum(cv2.norm(now, before, cv2.NORM_L1) / pixels for now, before in zip(planes, last, strict=True)) / 3


class _QuickAdaptiveDetector(_QuickScore, AdaptiveDetector):
    """Compares each frame's score with its neighbours'."""


class _QuickContentDetector(_QuickScore, ContentDetector):
    """Compares each frame's score with a fixed threshold."""
