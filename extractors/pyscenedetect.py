"""PySceneDetect's detectors on frames that are decoded elsewhere."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt

from avcues.extractors.partial_import import postpone_init
from avcues.extractors.protocol import Cut

postpone_init("scenedetect")  # its video readers and writers take longer to import than a short video to decode

from scenedetect.common import FrameTimecode, Timecode  # noqa: E402
from scenedetect.detector import SceneDetector as SceneDetector  # noqa: E402
from scenedetect.detectors import AdaptiveDetector, ContentDetector  # noqa: E402
from scenedetect.detectors import ThresholdDetector as ThresholdDetector  # noqa: E402


class PySceneDetectStream:
    """One video's frames on their way through a PySceneDetect detector.

    Args:
        detector: A fresh one.
        time_base: Seconds per unit of the time stamps that are written.
        frame_rate: Frames per second, a guess where it varies.
    """

    def __init__(self, detector: SceneDetector, time_base: Fraction, frame_rate: Fraction) -> None:
        self._detector = detector
        self._time_base = time_base
        self._frame_rate = frame_rate
        self._last: FrameTimecode | None = None

    def write(self, image: npt.NDArray[np.uint8] | npt.NDArray[np.float32], pts: int) -> list[Cut]:
        """Takes (H, W, 3) uint8 BGR and returns the cuts that are now certain."""
        self._last = FrameTimecode(Timecode(pts, self._time_base), fps=self._frame_rate)
        return [Cut(cut.pts) for cut in self._detector.process_frame(self._last, image)]

    def finish(self) -> list[Cut]:
        """Returns the remaining cuts."""
        if self._last is None:
            return []
        return [Cut(cut.pts) for cut in self._detector.post_process(self._last)]


class _QuickScore(ContentDetector):
    """PySceneDetect's score of a frame with its default weights, bit for bit, in a fifth of the time."""

    _hsv: cv2.typing.MatLike | None = None

    def _calculate_frame_score(self, timecode: FrameTimecode, frame_img: npt.NDArray[np.uint8]) -> float:
        last = self._hsv
        self._hsv = cv2.cvtColor(frame_img, cv2.COLOR_BGR2HSV)
        if last is None:
            return 0.0
        height, width, channels = self._hsv.shape
        changes = cv2.sumElems(cv2.absdiff(self._hsv, last))[:channels]
        return sum(change / (height * width) for change in changes) / channels


class QuickAdaptiveDetector(_QuickScore, AdaptiveDetector):
    """`AdaptiveDetector`: compares each frame's score with its neighbours'."""


class QuickContentDetector(_QuickScore, ContentDetector):
    """`ContentDetector`: compares each frame's score with a fixed threshold."""
