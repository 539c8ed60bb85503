"""Converts whole frames, for networks with their own preprocessing."""

from __future__ import annotations

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation

from avcues.pipeline.media.orientation import Orientation
from avcues.pipeline.media.picture.stage import PictureStage


class FullFrame:
    """Converts whole frames to the full size of the first one, even if size or orientation change within a file.

    Args:
        picture: Converts the frames to what viewers see.
    """

    def __init__(self, picture: PictureStage) -> None:
        self._picture = picture
        self._converter = picture.converter()
        self._size: tuple[int, int] | None = None
        self._upright_size: tuple[int, int] | None = None

    def __call__(self, frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB with square pixels, upright."""
        self._size = self._size or self._picture.display_size(frame)
        rgb = self._converter.scaled(frame, *self._size, Interpolation.BILINEAR)
        upright = Orientation.of(frame).apply(rgb)
        self._upright_size = self._upright_size or (upright.shape[1], upright.shape[0])
        if upright.shape[1::-1] != self._upright_size:
            return np.asarray(cv2.resize(upright, self._upright_size, interpolation=cv2.INTER_AREA), np.uint8)
        return np.array(upright)
