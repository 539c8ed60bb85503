"""Dissolves, and flashes that are no cuts, from small copies of the frames."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

_SMALL = (16, 9)  # small enough that motion within a shot hardly shows
_FLASH_S = 0.2
_LEAST_CHANGE = 20.0  # of 255, root mean square: the least difference between two shots
_LARGEST_RESIDUAL = 0.3  # share of the change that a mix of both ends may leave unexplained, at any frame
_LARGEST_STEP = 0.3  # share of the change from frame to frame: more is a cut
_LONGEST_PATH = 1.15  # sum of the steps: 1 for a mix that never goes back
_LEAST_MIXED = 4  # frames that show both pictures
_LEAST_CONTRAST = 8.0  # of 255, standard deviation: below, an end is black or white, and the transition a fade
_LARGEST_CORRELATION = 0.65  # of the ends: above, it is one picture whose light changes, or a slow zoom


def small_copy(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(432,) a copy of a BGR image that is 16 by 9 pixels large."""
    return cv2.resize(image, _SMALL, interpolation=cv2.INTER_AREA).astype(np.float32).reshape(-1)


def distance(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> float:
    """Root mean square difference of two copies, in levels of 255."""
    return float(np.sqrt(np.mean((a - b) ** 2)))


class FlashFilter:
    """Tells cuts from flashes, after which the picture returns.

    Args:
        frame_rate: Frames per second.

    Attributes:
        reach: Frames before and after a cut that are compared.
    """

    def __init__(self, frame_rate: float) -> None:
        self.reach = max(2, min(12, round(_FLASH_S * frame_rate)))

    def is_flash(
        self, frames_before: list[npt.NDArray[np.float32]], frames_after: list[npt.NDArray[np.float32]]
    ) -> bool:
        """Whether a picture from before the cut is seen again after it.

        Args:
            frames_before: Copies of the last frames before the cut, in order.
            frames_after: Copies of the frame of the cut and of those that follow.
        """
        change = max(distance(frames_before[-1], copy) for copy in frames_after[:1])
        nearest = min(distance(a, b) for a in frames_before for b in frames_after)
        return nearest < max(4.0, 0.35 * change)


@dataclass(frozen=True)
class _Mix:
    """A window whose frames are mixes of its first and last one: their difference, and the frame in the middle."""

    change: float
    middle: int


class _Recent:
    """The last copies, side by side in memory, and the contrast of each, measured once."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._held = np.empty((8 * length, 3 * _SMALL[0] * _SMALL[1]), np.float32)
        self._contrasts: deque[float | None] = deque(maxlen=length)
        self._end = 0

    def append(self, copy: npt.NDArray[np.float32]) -> None:
        if self._end == len(self._held):
            self._held[: self._length - 1] = self._held[-self._length + 1 :]
            self._end = self._length - 1
        self._held[self._end] = copy
        self._end += 1
        self._contrasts.append(None)

    @property
    def is_full(self) -> bool:
        return len(self._contrasts) == self._length

    @property
    def rows(self) -> npt.NDArray[np.float32]:
        """(length, 432), the oldest first."""
        return self._held[self._end - self._length : self._end]

    def contrast(self, row: int) -> float:
        """Standard deviation of a copy."""
        known = self._contrasts[row]
        if known is None:
            known = self._contrasts[row] = float(self.rows[row].std())
        return known


class DissolveDetector:
    """Finds dissolves: stretches whose frames are mixes of two pictures, more and more of the second.

    Within a window of a second, every frame is projected on the line from the window's first to its last frame. A
    dissolve moves steadily along the line and never leaves it far; what moves or turns leaves it, and a cut jumps. The
    shot begins where half of the change is done.

    Args:
        frame_rate: Frames per second.
    """

    def __init__(self, frame_rate: float) -> None:
        self._every = 1 if frame_rate < 40 else 2
        self._half = max(6, min(16, round(0.6 * frame_rate / self._every)))
        self._copies = _Recent(2 * self._half + 1)
        self._frame = -1
        self._best: _Mix | None = None
        self._since_best = 0

    @property
    def lag(self) -> int:
        """Frames by which a dissolve is reported late, at most."""
        return self._every * (3 * self._half + 1)

    def write(self, copy: npt.NDArray[np.float32]) -> list[int]:
        """Takes the next frame's copy and returns the numbers of the first frames of shots that a dissolve begins."""
        self._frame += 1
        if self._frame % self._every:
            return []
        self._copies.append(copy)
        mix = self._mix() if self._copies.is_full else None
        if mix is not None and (self._best is None or mix.change > self._best.change):
            self._best, self._since_best = mix, 0
            return []
        self._since_best += 1
        return self.finish() if self._best is not None and self._since_best >= self._half else []

    def finish(self) -> list[int]:
        """Returns the dissolve that was held back in case a later window fits better."""
        best, self._best = self._best, None
        return [] if best is None else [best.middle]

    def _mix(self) -> _Mix | None:
        """The window as a dissolve, or None if it is not one."""
        copies = self._copies.rows
        first, last = copies[0], copies[-1]
        line = last - first
        energy = float(line @ line)
        change = np.sqrt(energy / len(line))
        if change < _LEAST_CHANGE or min(self._copies.contrast(0), self._copies.contrast(-1)) < _LEAST_CONTRAST:
            return None
        offsets = copies - first
        share = offsets @ line / energy
        steps = np.abs(np.diff(share))
        if steps.max() > _LARGEST_STEP or steps.sum() > _LONGEST_PATH:
            return None
        if np.count_nonzero((share > 0.1) & (share < 0.9)) < _LEAST_MIXED:
            return None
        residual = np.sqrt(np.mean((offsets - share[:, None] * line) ** 2, axis=1))
        if residual.max() > _LARGEST_RESIDUAL * change:
            return None
        if np.corrcoef(first, last)[0, 1] > _LARGEST_CORRELATION:
            return None
        middle = int(np.argmax(share >= 0.5))
        return _Mix(float(change), self._frame - self._every * (2 * self._half - middle))
