"""Finds dissolves, and distinguishes flashes from cuts, on small copies of the frames."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

_COPY_SIZE = (16, 9)  # small enough that motion within a shot hardly shows
_FLASH_S = 0.2
_MIN_CHANGE = 20.0  # smallest difference between two shots: root mean square, of 255
_MAX_RESIDUAL = 0.3  # of the change: what a mix of both ends may leave unexplained, at any frame
_MAX_STEP = 0.3  # share of the change between neighbouring frames; more is a cut
_MAX_PATH = 1.15  # sum of the steps; 1 if the mix never goes back
_MIN_MIXED_FRAMES = 4  # number of frames that show both pictures
_MIN_CONTRAST = 8.0  # standard deviation, of 255: below it, an end is black or white, and the transition is a fade
_MAX_CORRELATION = 0.65  # between the ends: above it, the light of one picture changes, or it zooms slowly


def small_copy(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(432,) copy of a BGR image, shrunk to 16 by 9 pixels."""
    return cv2.resize(image, _COPY_SIZE, interpolation=cv2.INTER_AREA).astype(np.float32).reshape(-1)


def distance(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """Root mean square difference of two copies, in levels of 255."""
    return float(np.sqrt(np.mean((first - second) ** 2)))


class FlashFilter:
    """Distinguishes cuts from flashes, after which the picture returns.

    Args:
        frame_rate: Frames per second.

    Attributes:
        reach: Number of frames before and after a cut that are compared.
    """

    def __init__(self, frame_rate: float) -> None:
        self.reach = max(2, min(12, round(_FLASH_S * frame_rate)))

    def is_flash(
        self, frames_before: list[npt.NDArray[np.float32]], frames_after: list[npt.NDArray[np.float32]]
    ) -> bool:
        """Whether a picture from before the cut returns after it.

        Args:
            frames_before: Copies of the last frames before the cut, in order.
            frames_after: Copies of the frame of the cut and of those that follow.
        """
        change = distance(frames_before[-1], frames_after[0])
        smallest_distance = min(distance(a, b) for a in frames_before for b in frames_after)
        return smallest_distance < max(4.0, 0.35 * change)


@dataclass(frozen=True)
class _Mix:
    """A window whose frames mix its first and last frame: their difference, and the number of the middle frame."""

    change: float
    middle: int


class _RecentCopies:
    """The latest copies, contiguous in memory, and the contrast of each, measured once."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._buffer = np.empty((8 * length, 3 * _COPY_SIZE[0] * _COPY_SIZE[1]), np.float32)
        self._contrasts: deque[float | None] = deque(maxlen=length)
        self._end = 0

    def append(self, copy: npt.NDArray[np.float32]) -> None:
        if self._end == len(self._buffer):
            self._buffer[: self._length - 1] = self._buffer[-self._length + 1 :]
            self._end = self._length - 1
        self._buffer[self._end] = copy
        self._end += 1
        self._contrasts.append(None)

    @property
    def is_full(self) -> bool:
        return len(self._contrasts) == self._length

    @property
    def rows(self) -> npt.NDArray[np.float32]:
        """(length, 432), the oldest first."""
        return self._buffer[self._end - self._length : self._end]

    def contrast(self, row: int) -> float:
        """Standard deviation of a copy."""
        value = self._contrasts[row]
        if value is None:
            value = self._contrasts[row] = float(self.rows[row].std())
        return value


class DissolveDetector:
    """Finds dissolves: series of frames that mix two pictures, with a growing share of the second.

    Within a window of a second, every frame is projected on the line from the window's first to its last frame. A
    dissolve moves steadily along the line and stays near it; motion leaves the line, and a cut jumps along it. The shot
    begins where half of the change is done.

    Args:
        frame_rate: Frames per second.
    """

    def __init__(self, frame_rate: float) -> None:
        self._frame_step = 1 if frame_rate < 40 else 2
        self._half_window = max(6, min(16, round(0.6 * frame_rate / self._frame_step)))
        self._copies = _RecentCopies(2 * self._half_window + 1)
        self._frame = -1
        self._best: _Mix | None = None
        self._windows_since_best = 0

    @property
    def lag(self) -> int:
        """Largest number of frames by which a dissolve is reported late."""
        return self._frame_step * (3 * self._half_window + 1)

    def write(self, copy: npt.NDArray[np.float32]) -> list[int]:
        """Takes the copy of the next frame; returns the numbers of frames where a dissolve begins a new shot."""
        self._frame += 1
        if self._frame % self._frame_step:
            return []
        self._copies.append(copy)
        mix = self._mix() if self._copies.is_full else None
        if mix is not None and (self._best is None or mix.change > self._best.change):
            self._best, self._windows_since_best = mix, 0
            return []
        self._windows_since_best += 1
        return self.finish() if self._best is not None and self._windows_since_best >= self._half_window else []

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
        if change < _MIN_CHANGE or min(self._copies.contrast(0), self._copies.contrast(-1)) < _MIN_CONTRAST:
            return None
        offsets = copies - first
        shares = offsets @ line / energy
        steps = np.abs(np.diff(shares))
        if steps.max() > _MAX_STEP or steps.sum() > _MAX_PATH:
            return None
        if np.count_nonzero((shares > 0.1) & (shares < 0.9)) < _MIN_MIXED_FRAMES:
            return None
        residual = np.sqrt(np.mean((offsets - shares[:, None] * line) ** 2, axis=1))
        if residual.max() > _MAX_RESIDUAL * change:
            return None
        if np.corrcoef(first, last)[0, 1] > _MAX_CORRELATION:
            return None
        middle = int(np.argmax(shares >= 0.5))
        return _Mix(float(change), self._frame - self._frame_step * (2 * self._half_window - middle))
