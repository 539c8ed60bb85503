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
"""Frames by which a transition may be reported late."""
_STEP = WINDOW // 2  # frames of a window that are predicted; the others are their surroundings
_MARGIN = WINDOW // 4
_GRADUAL_FRAMES = 4  # a transition that shows for at least as long is no cut
_BLACK = 12.0  # of 255, mean level; that of PySceneDetect's ThresholdDetector

Predict = Callable[[npt.NDArray[np.uint8]], tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]
"""Maps (100, 27, 48, 3) RGB frames to (100,) probabilities of a transition's middle, and of any of its frames."""


class TransNetStream:
    """One video's frames on their way through TransNetV2.

    Windows follow each other and begin and end as in the published code: 50 frames are predicted at a time, from 25
    more on either side; the first and the last frame are repeated. A shot begins after the frames that are predicted as
    a transition's middle.

    Args:
        predict: The network.
        threshold: Probability of a transition.
    """

    def __init__(self, predict: Predict, threshold: float) -> None:
        self._predict = predict
        self._threshold = threshold
        self._window: list[npt.NDArray[np.uint8]] = []
        self._unread: deque[tuple[int, float]] = deque()  # time stamp and mean level of frames without prediction
        self._frames = 0
        self._in_transition = False
        self._any_before = 0  # frames in a row, up to now, that are any part of a transition
        self._darkest = 255.0

    def write(self, image: npt.NDArray[np.uint8], pts: int) -> list[Cut]:
        """Takes (H, W, 3) uint8 BGR and returns the transitions that are now certain."""
        small = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        frame = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)
        self._window += [frame] * (1 if self._frames else 1 + _MARGIN)
        self._frames += 1
        self._unread.append((pts, float(frame.mean())))
        return list(self._read()) if len(self._window) == WINDOW else []

    def finish(self) -> list[Cut]:
        """Returns the remaining transitions."""
        cuts = []
        while self._unread:
            self._window += [self._window[-1]] * (WINDOW - len(self._window))
            cuts += list(self._read())
        return cuts

    def _read(self) -> Iterator[Cut]:
        """Predicts the middle of the window, and moves it on."""
        middle, every = self._predict(np.stack(self._window))
        del self._window[:_STEP]
        for i in range(_MARGIN, min(_MARGIN + _STEP, _MARGIN + len(self._unread))):
            pts, level = self._unread.popleft()
            is_part = bool(every[i] > self._threshold)
            if self._in_transition and not middle[i] > self._threshold:
                yield Cut(pts, self._kind())
            self._in_transition = bool(middle[i] > self._threshold)
            self._any_before = self._any_before + 1 if is_part else 0
            self._darkest = min(self._darkest, level) if is_part else level

    def _kind(self) -> CutKind:
        if self._darkest < _BLACK:
            return "fade"
        return "dissolve" if self._any_before >= _GRADUAL_FRAMES else "cut"
