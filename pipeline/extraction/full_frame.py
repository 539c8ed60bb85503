"""Whole frames for networks that bring their own preprocessing."""

from __future__ import annotations

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from avcues.pipeline.media.orientation import apply_rotation


class FullFrame:
    """Converts frames at full size; where the size changes within a file, all are scaled to the first."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB, upright."""
        self._size = self._size or (frame.width, frame.height)
        rgb = self._reformatter.reformat(frame, *self._size, format="rgb24", threads=1)
        return np.ascontiguousarray(apply_rotation(np.asarray(rgb.to_ndarray(), np.uint8), frame.rotation))
