"""Scales frames and cuts a square out of the middle, for networks on clips."""

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

# A scaled pixel depends on neighbours in the source, but on none that are farther away.
_REACH_PX = 8


class CenterCrop:
    """Scales frames to a short side and cuts a square out of the middle.

    If the factor allows it, as for 16:9, only the part of the frame around the square is scaled. This part begins and
    ends where edges of source pixels and of scaled pixels coincide, so the result is the same as from the whole scaled
    frame, to within one level of rounding.

    Args:
        short_side_px: Short side that frames are scaled to.
        crop_px: Side of the square.
        picture: Converts the frames to what viewers see.
    """

    def __init__(self, short_side_px: int, crop_px: int, picture: PictureStage) -> None:
        self._picture = picture
        self._converter = picture.converter()
        self._short_side_px = short_side_px
        self._crop_px = crop_px
        self._reformatter = VideoReformatter()
        self._frame_format: tuple[int, int, str] | None = None

    def __call__(self, frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
        """The square, (crop, crop, 3) uint8 RGB, upright."""
        frame_format = (frame.width, frame.height, frame.format.name)
        if frame_format != self._frame_format:
            self._columns, self._rows = self._axes(frame)
            self._crop_graph = _crop_graph(frame, self._columns, self._rows)
            self._frame_format = frame_format
        orientation = Orientation.of(frame)
        part = frame
        if self._crop_graph is not None:
            self._crop_graph.push(frame)
            part = self._crop_graph.vpull()
        window = self._rows.window(self._crop_px), self._columns.window(self._crop_px)
        if self._picture.color_of(frame) is not None:
            rgb = self._converter.scaled(part, self._columns.scaled_px, self._rows.scaled_px, Interpolation.AREA)
            return np.ascontiguousarray(orientation.apply(rgb[window]))
        scaled = self._reformatter.reformat(
            part,
            self._columns.scaled_px,
            self._rows.scaled_px,
            format="gbrp",  # FFmpeg's scaler takes longer to pack pixels
            interpolation=Interpolation.AREA,
            threads=1,
        )
        green, blue, red = (_pixels(plane)[window] for plane in scaled.planes)
        return orientation.apply(cv2.merge([red, green, blue]))  # type: ignore[arg-type]

    def _axes(self, frame: av.VideoFrame) -> tuple[_Axis, _Axis]:
        """The parts of the columns and of the rows that are scaled."""
        display_size = self._picture.display_size(frame)
        scale = self._short_side_px / min(display_size)
        # FFmpeg's scaler halves the chroma of RGB, too.
        chroma_steps = max(2, 4 // frame.format.chroma_width(4)), max(2, 4 // frame.format.chroma_height(4))
        columns, rows = (
            _middle_part(coded, max(self._short_side_px, round(side * scale)), self._crop_px, chroma_step)
            for coded, side, chroma_step in zip((frame.width, frame.height), display_size, chroma_steps, strict=True)
        )
        return columns, rows


@dataclass(frozen=True)
class _Axis:
    """The part of a frame that is scaled, along one side.

    Args:
        first_px: First pixel in the source.
        source_px: Number of pixels in the source.
        scaled_px: Number of pixels that these are scaled to.
        skipped_px: Number of scaled pixels before the square.
    """

    first_px: int
    source_px: int
    scaled_px: int
    skipped_px: int

    def window(self, crop_px: int) -> slice:
        return slice(self.skipped_px, self.skipped_px + crop_px)


def _middle_part(source_px: int, scaled_px: int, crop_px: int, chroma_step: int) -> _Axis:
    """The smallest part around the middle that begins and ends at edges of source, chroma and scaled pixels.

    Args:
        source_px: Number of pixels of the frame.
        scaled_px: Number of pixels that these are scaled to.
        crop_px: Number of scaled pixels that are needed from the middle.
        chroma_step: Pixels per sample of chroma.
    """
    crop_start_px = (scaled_px - crop_px) // 2
    if scaled_px >= source_px or source_px % chroma_step:
        return _Axis(0, source_px, scaled_px, crop_start_px)
    # The sides divide into equal units, at whose borders edges of source pixels and scaled pixels coincide.
    units = math.gcd(source_px, scaled_px)
    source_unit_px, scaled_unit_px = source_px // units, scaled_px // units
    stride = chroma_step // math.gcd(chroma_step, source_unit_px)  # units between borders that are edges of chroma, too
    start = max(0, crop_start_px - _REACH_PX) // (scaled_unit_px * stride) * stride
    end = min(units, math.ceil((crop_start_px + crop_px + _REACH_PX) / (scaled_unit_px * stride)) * stride)
    return _Axis(
        start * source_unit_px,
        (end - start) * source_unit_px,
        (end - start) * scaled_unit_px,
        crop_start_px - start * scaled_unit_px,
    )


def _crop_graph(frame: av.VideoFrame, columns: _Axis, rows: _Axis) -> Graph | None:
    """A filter that cuts the part out of such frames without copying; None if the part is the whole frame."""
    if (columns.source_px, rows.source_px) == (frame.width, frame.height):
        return None
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000))
    crop = graph.add("crop", f"{columns.source_px}:{rows.source_px}:{columns.first_px}:{rows.first_px}:exact=1")
    sink = graph.add("buffersink")
    source.link_to(crop)
    crop.link_to(sink)
    graph.configure()
    return graph


def _pixels(plane: VideoPlane) -> npt.NDArray[np.uint8]:
    """A view of an 8-bit plane, (H, W)."""
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)  # type: ignore[call-overload]
    return rows[:, : plane.width]
