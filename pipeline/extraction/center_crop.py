"""The middle of a frame at the size that a network of clips wants."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation, VideoReformatter

from avcues.pipeline.media.orientation import Orientation
from avcues.pipeline.media.picture.stage import PictureStage

# A scaled pixel depends on its neighbours in the source; this far from an edge it cannot tell that something was cut.
_REACH_PX = 8


class CenterCrop:
    """Scales frames to a short side and cuts a square out of the middle.

    Where the factor allows it, as for 16:9, only the part of the frame around the square is scaled. Its edges lie where
    an edge of a source pixel is an edge of a scaled pixel, too, so that pixels are those of the whole frame, scaled, to
    within a level of rounding.

    Args:
        short_side_px: Short side that frames are scaled to.
        crop_px: Side of the square.
        picture: How the frames are shown.
    """

    def __init__(self, short_side_px: int, crop_px: int, picture: PictureStage) -> None:
        self._picture = picture
        self._converter = picture.converter()
        self._short_side_px = short_side_px
        self._crop_px = crop_px
        self._reformatter = VideoReformatter()
        self._form: tuple[int, int, str] | None = None

    def __call__(self, frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
        """The square, (crop, crop, 3) uint8 RGB, upright."""
        form = (frame.width, frame.height, frame.format.name)
        if form != self._form:
            self._columns, self._rows = self._axes(frame)
            self._cutter = _cutter(frame, self._columns, self._rows)
            self._form = form
        orientation = Orientation.of(frame)
        middle = frame
        if self._cutter is not None:
            self._cutter.push(frame)
            middle = self._cutter.vpull()
        window = self._rows.window(self._crop_px), self._columns.window(self._crop_px)
        if self._picture.color_of(frame) is not None:
            rgb = self._converter.scaled(middle, self._columns.scaled, self._rows.scaled, Interpolation.AREA)
            return np.ascontiguousarray(orientation.apply(rgb[window]))
        scaled = self._reformatter.reformat(
            middle,
            self._columns.scaled,
            self._rows.scaled,
            format="gbrp",  # FFmpeg's scaler takes longer to pack pixels
            interpolation=Interpolation.AREA,
            threads=1,
        )
        green, blue, red = (_pixels(plane)[window] for plane in scaled.planes)
        return orientation.apply(cv2.merge([red, green, blue]))  # type: ignore[arg-type]

    def _axes(self, frame: av.VideoFrame) -> tuple[_Axis, _Axis]:
        """What is scaled of the columns and of the rows."""
        shown = self._picture.display_size(frame)
        scale = self._short_side_px / min(shown)
        # FFmpeg's scaler halves the chroma of RGB, too.
        steps = max(2, 4 // frame.format.chroma_width(4)), max(2, 4 // frame.format.chroma_height(4))
        columns, rows = (
            _around_the_middle(coded, max(self._short_side_px, round(side * scale)), self._crop_px, step)
            for coded, side, step in zip((frame.width, frame.height), shown, steps, strict=True)
        )
        return columns, rows


@dataclass(frozen=True)
class _Axis:
    """The part of a frame that is scaled, along one side.

    Args:
        first: First pixel in the source.
        length: Pixels in the source.
        scaled: Pixels that they are scaled to.
        skipped: Of these, how many lie before the square.
    """

    first: int
    length: int
    scaled: int
    skipped: int

    def window(self, crop_px: int) -> slice:
        return slice(self.skipped, self.skipped + crop_px)


def _around_the_middle(source: int, scaled: int, crop_px: int, step: int) -> _Axis:
    """The least part around the middle whose edges are edges of pixels of the source, its chroma and the scaled frame.

    Args:
        source: Pixels of the frame.
        scaled: Pixels that it is scaled to.
        crop_px: Pixels that are wanted from their middle.
        step: Pixels for each sample of chroma.
    """
    first_px = (scaled - crop_px) // 2
    if scaled >= source or source % step:
        return _Axis(0, source, scaled, first_px)
    parts = math.gcd(source, scaled)
    source_part, scaled_part = source // parts, scaled // parts
    together = step // math.gcd(step, source_part)  # parts from one common edge to the next
    first = max(0, first_px - _REACH_PX) // (scaled_part * together) * together
    last_px = math.ceil((first_px + crop_px + _REACH_PX) / (scaled_part * together)) * together
    end = min(parts, last_px)
    return _Axis(
        first * source_part, (end - first) * source_part, (end - first) * scaled_part, first_px - first * scaled_part
    )


def _cutter(frame: av.VideoFrame, columns: _Axis, rows: _Axis) -> Graph | None:
    """A filter that cuts the part out of frames of this form without copying it; None if it is the whole frame."""
    if (columns.length, rows.length) == (frame.width, frame.height):
        return None
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000))
    crop = graph.add("crop", f"{columns.length}:{rows.length}:{columns.first}:{rows.first}:exact=1")
    sink = graph.add("buffersink")
    source.link_to(crop)
    crop.link_to(sink)
    graph.configure()
    return graph


def _pixels(plane: VideoPlane) -> npt.NDArray[np.uint8]:
    """A view of an 8-bit plane, (H, W)."""
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)  # type: ignore[call-overload]
    return rows[:, : plane.width]
