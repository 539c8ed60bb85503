"""Shot transitions by TransNetV2 on frames that arrive one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import numpy.typing as npt

from avcues.extractors.networks.transnet import HEIGHT, WIDTH, WINDOW
from avcues.extractors.protocol import Cut, CutKind

LAG = 200
"""Largest number of frames by which a transition is reported late."""
_PREDICTED_FRAMES = WINDOW // 2  # in the middle of a window; the others are context
_CONTEXT_FRAMES = WINDOW // 4
_GRADUAL_FRAMES = 4  # a transition of at least this many frames is not a cut
_MAX_BLACK_LEVEL = 12.0  # mean level, of 255, as in PySceneDetect's ThresholdDetector

Predict = Callable[[npt.NDArray[np.uint8]], tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]
"""Maps (100, 27, 48, 3) RGB frames to (100,) probabilities of the middle of a transition, and of any part of one."""


class TransNetStream:
    """Passes the frames of one video to TransNetV2.

    Windows are those of the published code: each predicts 50 frames, with 25 more frames as context on either side; at
    the ends of the video, the first and last frames are repeated. A shot begins after the frames that are predicted to
    be the middle of a transition.

    Args:
        predict: The network.
        threshold: Probability of a transition.
    """

    def __init__(self, predict: Predict, threshold: float) -> None:
        self._predict = predict
        self._threshold = threshold
        self._window: list[npt.NDArray[np.uint8]] = []
        self._unpredicted: deque[tuple[int, float]] = deque()  # time stamps and mean levels of frames
        self._frame_count = 0
        self._in_transition = False
        self._transition_frames = 0  # latest frames in a row that are part of a transition
        self._darkest_level = 255.0

    def write(self, image: npt.NDArray[np.uint8], pts: int) -> list[Cut]:
        """Takes (H, W, 3) uint8 BGR and returns the transitions that are now certain."""
        resized = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        frame = np.asarray(cv2.cvtColor(resized, cv2.COLOR_BGR2RGB), np.uint8)
        self._window += [frame] * (1 if self._frame_count else 1 + _CONTEXT_FRAMES)
        self._frame_count += 1
        self._unpredicted.append((pts, float(frame.mean())))
        return list(self._predict_window()) if len(self._window) == WINDOW else []

    def finish(self) -> list[Cut]:
        """Returns the remaining transitions."""
        cuts = []
        while self._unpredicted:
            self._window += [self._window[-1]] * (WINDOW - len(self._window))
            cuts += list(self._predict_window())
        return cuts

    def _predict_window(self) -> Iterator[Cut]:
        """Predicts the middle of the window, and moves the window forward."""
        middle, any_part = self._predict(np.stack(self._window))
        del self._window[:_PREDICTED_FRAMES]
        for i in range(
            _CONTEXT_FRAMES, min(_CONTEXT_FRAMES + _PREDICTED_FRAMES, _CONTEXT_FRAMES + len(self._unpredicted))
        ):
            pts, level = self._unpredicted.popleft()
            is_part = bool(any_part[i] > self._threshold)
            if self._in_transition and not middle[i] > self._threshold:
                yield Cut(pts, self._kind())
            self._in_transition = bool(middle[i] > self._threshold)
            self._transition_frames = self._transition_frames + 1 if is_part else 0
            self._darkest_level = min(self._darkest_level, level) if is_part else level

    def _kind(self) -> CutKind:
        if self._darkest_level < _MAX_BLACK_LEVEL:
            return "fade"
        return "dissolve" if self._transition_frames >= _GRADUAL_FRAMES else "cut"
