"""PySceneDetect's detectors on frames that are decoded elsewhere."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt

from avcues.extractors.partial_import import postpone_init
from avcues.extractors.protocol import Cut

postpone_init("scenedetect")  # importing its video readers and writers takes longer than decoding a short video

from scenedetect.common import FrameTimecode, Timecode  # noqa: E402
from scenedetect.detector import SceneDetector as SceneDetector  # noqa: E402
from scenedetect.detectors import AdaptiveDetector, ContentDetector  # noqa: E402
from scenedetect.detectors import ThresholdDetector as ThresholdDetector  # noqa: E402


class PySceneDetectStream:
    """Passes the frames of one video to a detector of PySceneDetect.

    Args:
        detector: A detector that has seen no frame yet.
        time_base: Seconds per unit of the time stamps passed to `write`.
        frame_rate: Frames per second; an estimate if the rate varies.
    """

    def __init__(self, detector: SceneDetector, time_base: Fraction, frame_rate: Fraction) -> None:
        self._detector = detector
        self._time_base = time_base
        self._frame_rate = frame_rate
        self._last_timecode: FrameTimecode | None = None

    def write(self, image: npt.NDArray[np.uint8] | npt.NDArray[np.float32], pts: int) -> list[Cut]:
        """Takes (H, W, 3) uint8 BGR and returns the cuts that are now certain."""
        self._last_timecode = FrameTimecode(Timecode(pts, self._time_base), fps=self._frame_rate)
        return [Cut(cut.pts) for cut in self._detector.process_frame(self._last_timecode, image)]

    def finish(self) -> list[Cut]:
        """Returns the remaining cuts."""
        if self._last_timecode is None:
            return []
        return [Cut(cut.pts) for cut in self._detector.post_process(self._last_timecode)]


class _FastScore(ContentDetector):
    """PySceneDetect's score of a frame with its default weights, bit for bit, in a fifth of the time."""

    _hsv: cv2.typing.MatLike | None = None

    def _calculate_frame_score(self, timecode: FrameTimecode, frame_img: npt.NDArray[np.uint8]) -> float:
        previous = self._hsv
        self._hsv = cv2.cvtColor(frame_img, cv2.COLOR_BGR2HSV)
        if previous is None:
            return 0.0
        height, width, channels = self._hsv.shape
        changes = cv2.sumElems(cv2.absdiff(self._hsv, previous))[:channels]
        return sum(change / (height * width) for change in changes) / channels


class FastAdaptiveDetector(_FastScore, AdaptiveDetector):
    """`AdaptiveDetector`: compares each frame's score with its neighbours'."""


class FastContentDetector(_FastScore, ContentDetector):
    """`ContentDetector`: compares each frame's score with a fixed threshold."""
