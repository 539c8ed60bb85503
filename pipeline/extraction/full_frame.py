"""Converts whole frames, for networks with their own preprocessing."""

from __future__ import annotations

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation

from avcues.pipeline.media.orientation import Orientation
from avcues.pipeline.media.picture.stage import PictureStage


class FullFrame:
    """Converts frames at full size. If the size changes within a file, later frames are scaled to the first size.

    Args:
        picture: Converts the frames to what viewers see.
    """

    def __init__(self, picture: PictureStage) -> None:
        self._picture = picture
        self._converter = picture.converter()
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB with square pixels, upright."""
        self._size = self._size or self._picture.display_size(frame)
        rgb = self._converter.scaled(frame, *self._size, Interpolation.BILINEAR)
        return np.array(Orientation.of(frame).apply(rgb))
