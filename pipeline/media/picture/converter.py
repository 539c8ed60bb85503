"""Converts frames to arrays, with square pixels and SDR colours."""

from __future__ import annotations

from typing import Protocol

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation, VideoReformatter

from avcues.pipeline.media.orientation import Orientation
from avcues.pipeline.media.picture.cube import EXACT, ColorCube
from avcues.pipeline.media.picture.tone import ColorEncoding

# At full size, FFmpeg's fast path is 2 levels of 255 too dark in more bits, and exact to half a level in 8.
_FAST_PATH_BITS = 8


class Display(Protocol):
    """The decisions of a picture stage that a converter needs."""

    def display_size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Width and height of a frame with square pixels, before it is turned upright."""

    def color_of(self, frame: av.VideoFrame) -> ColorEncoding | None:
        """The colour encoding of a frame; None if it is that of an SDR display."""


class Converter:
    """Converts the frames of a stream to arrays, with square pixels and SDR colours. For one thread.

    Args:
        stage: The stream's picture stage, which the frames have passed.
    """

    def __init__(self, stage: Display) -> None:
        self._stage = stage
        self._reformatter = VideoReformatter()
        self._cubes: dict[ColorEncoding, ColorCube] = {}

    def upright(self, frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB with square pixels, upright; the next call may overwrite the array."""
        width, height = self._stage.display_size(frame)
        is_deep = any(component.bits > _FAST_PATH_BITS for component in frame.format.components)
        image = self.scaled(frame, width, height, Interpolation.BILINEAR | (EXACT if is_deep else Interpolation(0)))
        return Orientation.of(frame).apply(image)

    def scaled(
        self, frame: av.VideoFrame, width: int, height: int, interpolation: Interpolation, order: str = "rgb24"
    ) -> npt.NDArray[np.uint8]:
        """(height, width, 3) uint8, scaled but not turned upright.

        Args:
            frame: The frame.
            width: Width in pixels.
            height: Height in pixels.
            interpolation: Interpolation of the scaler.
            order: Order of the channels: "rgb24" or "bgr24".
        """
        color = self._stage.color_of(frame)
        if color is None:
            scaled = self._reformatter.reformat(
                frame, width, height, format=order, interpolation=interpolation, threads=1
            )
            rows = np.frombuffer(scaled.planes[0], np.uint8).reshape(height, -1)  # type: ignore[call-overload]
            return rows[:, : 3 * width].reshape(height, width, 3)
        cube = self._cubes.get(color) or self._cubes.setdefault(color, ColorCube(color))
        rgb = cube.rgb(frame, width, height, interpolation)
        return rgb if order == "rgb24" else np.ascontiguousarray(rgb[..., ::-1])
