"""Finds the box of the picture inside black bars, over a whole file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from avcues.pipeline.media.orientation import Orientation

_MAX_BLACK = 24 / 255  # the limit of FFmpeg's cropdetect
_MIN_BAR_PX = 4  # fewer dark rows or columns at an edge have other causes


@dataclass(frozen=True)
class Box:
    """A part of a picture in pixels."""

    left: int
    top: int
    width: int
    height: int

    def as_displayed(
        self, pixel_aspect: Fraction, orientation: Orientation, size: tuple[int, int]
    ) -> tuple[Box, tuple[int, int]]:
        """The box, and the width and height of the picture, in square pixels of the upright picture.

        Args:
            pixel_aspect: Width of a coded pixel to its height.
            orientation: Orientation of the coded picture.
            size: Width and height of the coded picture.
        """
        left, right, width = (round(x * pixel_aspect) for x in (self.left, self.left + self.width, size[0]))
        top, bottom, height = self.top, self.top + self.height, size[1]
        if orientation.transposed:
            left, right, width, top, bottom, height = top, bottom, height, left, right, width
        if orientation.flipped_horizontally:
            left, right = width - right, width - left
        if orientation.flipped_vertically:
            top, bottom = height - bottom, height - top
        return Box(left, top, right - left, bottom - top), (width, height)


class ActivePicture:
    """Finds the rows and columns that are ever brighter than black.

    Only the mean of a row or column counts, so that noise, a logo or subtitles in a bar do not make it a part of the
    picture.

    Attributes:
        size: Width and height of the frames in pixels.
    """

    def __init__(self) -> None:
        self.size = (0, 0)
        self._rows: npt.NDArray[np.float32] = np.zeros(0, np.float32)
        self._columns: npt.NDArray[np.float32] = np.zeros(0, np.float32)
        self._reformatter = VideoReformatter()

    def add(self, frame: av.VideoFrame) -> None:
        """Takes a frame. Frames that differ in size from the first one are ignored."""
        luma, white = self._luma(frame)
        height, width = luma.shape
        if not len(self._rows):
            self.size = (width, height)
            self._rows, self._columns = np.zeros(height, np.float32), np.zeros(width, np.float32)
        if (width, height) != self.size:
            return
        rows, columns = (cv2.reduce(luma, axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel() / white for axis in (1, 0))
        np.maximum(self._rows, rows, out=self._rows)
        np.maximum(self._columns, columns, out=self._columns)

    def box(self) -> Box | None:
        """The box in coded pixels; None before the first frame. A file that is black throughout has no bars."""
        if not len(self._rows):
            return None
        width, height = self.size
        top, bottom = _bar_widths(self._rows)
        left, right = _bar_widths(self._columns)
        return Box(left, top, width - left - right, height - top - bottom)

    def even_box(self) -> Box | None:
        """The box with even sides, for subsampled chroma; None if there are no bars."""
        box = self.box()
        if box is None or (box.width, box.height) == self.size:
            return None
        left, top = box.left + box.left % 2, box.top + box.top % 2
        right, bottom = box.left + box.width, box.top + box.height
        return Box(left, top, (right - left) // 2 * 2, (bottom - top) // 2 * 2)

    def _luma(self, frame: av.VideoFrame) -> tuple[npt.NDArray[np.uint8] | npt.NDArray[np.uint16], float]:
        """Luma, (H, W), and the level of white."""
        component = frame.format.components[0]
        bits = component.bits
        if not (frame.format.name.startswith(("yuv", "nv", "gray")) and frame.format.is_planar and bits in (8, 10, 12)):
            frame, bits = self._reformatter.reformat(frame, format="gray", threads=1), 8
        plane = frame.planes[0]
        dtype = np.uint8 if bits == 8 else np.uint16
        rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)  # type: ignore[call-overload]
        return rows[:, : frame.width], float((1 << bits) - 1)


def _bar_widths(levels: npt.NDArray[np.float32]) -> tuple[int, int]:
    """Number of dark rows or columns before the first bright one and after the last; (0, 0) if all are dark."""
    bright = np.flatnonzero(levels > _MAX_BLACK)
    if not len(bright):
        return 0, 0
    leading, trailing = int(bright[0]), len(levels) - 1 - int(bright[-1])
    return (leading if leading >= _MIN_BAR_PX else 0), (trailing if trailing >= _MIN_BAR_PX else 0)
