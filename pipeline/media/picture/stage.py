"""The picture as a viewer sees it, decided from the facts of the stream, and applied before anything is measured."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.video.reformatter import Interpolation, VideoReformatter

from avcues.pipeline.media.format_dump import Cropping
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.orientation import Orientation
from avcues.pipeline.media.picture import color_tags
from avcues.pipeline.media.picture.bars import Box
from avcues.pipeline.media.picture.color_tags import HDR, UNTAGGED, WIDE, matrix_for, name_of
from avcues.pipeline.media.picture.cube import ColorCube
from avcues.pipeline.media.picture.fields import Fields
from avcues.pipeline.media.picture.tone import PQ_PEAK_NIT, Color
from avcues.pipeline.media.reading import Reading

# A pixel much wider or higher than this is a broken header.
_WIDEST_PIXEL = 4
# Encoders that round a size to even numbers write pixels such as 226:225: nobody sees that, and scaling would blur.
_SQUARE = Fraction(1, 100)
_YCC_OF_CUBE = ("ycgco", "bt2020c", "ictcp")


@dataclass(frozen=True)
class StreamFacts:
    """What decides how a stream is shown, apart from its frames' own tags.

    Args:
        pixel_aspect: Width of a pixel to its height.
        cropping: Pixels that the container does not show.
        interlaced: Whether the header says so.
    """

    pixel_aspect: Fraction = Fraction(1)
    cropping: Cropping = field(default_factory=Cropping)
    interlaced: bool = False


class PictureStage:
    """Turns decoded frames into what a viewer sees.

    Frames pass `frames` first, where fields are joined, the container's cropping and bars are cut and transparency is
    put on black; then each reader has a `converter` of its own, for colour and the shape of pixels. A progressive
    stream of SDR with square pixels passes untouched.

    Args:
        facts: What the headers say.
        reading: What the user asked for.

    Attributes:
        facts: As given.
        fields: What idet finds in a few places of the file, if that was looked at.
        bars: The box that is measured, if bars are to be cropped.
        applied: What was done, by kind, for the records; empty where nothing was.
        notes: The same for people.
    """

    def __init__(self, facts: StreamFacts, reading: Reading) -> None:
        self.facts = facts
        self._coded = reading.picture == "coded"
        self.applied: dict[str, str] = {}
        self.notes: list[str] = []
        self.fields: Fields | None = None
        self.bars: Box | None = None
        self._color: Color | None = None
        self._matrix: int | None = None
        self._form: tuple[int, int, str] | None = None
        self._graph: Graph | None = None
        self._waiting: deque[VideoFrame] = deque()
        self._is_decided = False
        self._joins_fields = False

    @property
    def pixel_aspect(self) -> Fraction:
        """Width of a pixel of the frames to its height."""
        aspect = self.facts.pixel_aspect
        odd = aspect <= 0 or not Fraction(1, _WIDEST_PIXEL) <= aspect <= _WIDEST_PIXEL
        return Fraction(1) if self._coded or odd or abs(aspect - 1) < _SQUARE else aspect

    def display_size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Width and height of a frame with square pixels, before it is turned upright."""
        return max(1, round(frame.width * self.pixel_aspect)), frame.height

    def converter(self) -> Converter:
        """What turns this stream's frames into arrays, for one thread."""
        return Converter(self)

    def frames(self, picture: VideoFrame) -> Iterator[VideoFrame]:
        """Takes the next frame in display order and yields those that are ready, with their own times."""
        frame = picture.frame
        if not self._is_decided:
            self._decide(frame)
        if self._matrix is not None:
            frame.colorspace = self._matrix
        if frame.interlaced_frame and not self._coded and not self._joins_fields and self._may_join():
            self._joins_fields = True
            self._form = None
            self._apply("fields", "bwdif", "interlaced: fields are joined by bwdif")
        form = (frame.width, frame.height, frame.format.name)
        if form != self._form:
            yield from self.finish()
            self._form, self._graph = form, self._filters(frame)
        if self._graph is None:
            yield picture
            return
        self._waiting.append(picture)
        self._graph.push(frame)
        yield from self._filtered()

    def still(self, picture: VideoFrame) -> VideoFrame:
        """One frame out of its sequence."""
        *_, shown = (*self.frames(picture), *self.finish())
        self._form = None
        return shown

    def finish(self) -> Iterator[VideoFrame]:
        """Yields the frames that were still held."""
        if self._graph is not None:
            self._graph.push(None)
            yield from self._filtered()
            self._graph = None
            self._waiting.clear()

    def _filtered(self) -> Iterator[VideoFrame]:
        assert self._graph is not None
        while self._waiting:
            try:
                shown = self._graph.vpull()
            except (av.error.BlockingIOError, EOFError):
                return
            yield replace(self._waiting.popleft(), frame=shown)

    def _may_join(self) -> bool:
        return self.fields is None or not self.fields.is_progressive

    def _decide(self, frame: av.VideoFrame) -> None:
        self._is_decided = True
        if self._coded:
            self._decide_unreadable_matrix(frame)
            return
        matrix = name_of(color_tags.MATRICES, frame.colorspace)
        primaries = name_of(color_tags.PRIMARIES, frame.color_primaries)
        transfer = name_of(color_tags.TRANSFERS, frame.color_trc)
        is_ycc = not frame.format.is_rgb and not frame.format.has_palette and len(frame.format.components) > 1
        is_converted = transfer in HDR or primaries in WIDE or (is_ycc and matrix in _YCC_OF_CUBE)
        if is_converted:
            self._color = _color_of(frame, transfer, primaries, matrix if is_ycc else "rgb")
            kind = "HDR" if transfer in HDR else "wide gamut" if primaries in WIDE else f"colour matrix {matrix}"
            how = f" by BT.2390 from {self._color.peak_nit:g} nit" if transfer in HDR else ""
            tags = ", ".join(tag for tag in (transfer, primaries, matrix) if tag != UNTAGGED)
            self._apply("colour", f"{tags} to bt709{how}", f"{kind} ({tags}) is shown as SDR of BT.709{how}")
        if is_ycc and not (is_converted and matrix in _YCC_OF_CUBE):
            self._matrix, why = matrix_for(matrix, primaries, frame.width, frame.height)
            if transfer in HDR and matrix == UNTAGGED:
                self._matrix, why = color_tags.BT2020NC, None
            if why:
                self._apply("matrix", color_tags.MATRICES[self._matrix or 0], why)
        if self.pixel_aspect != 1:
            width, height = self.display_size(frame)
            shape = f"{frame.width} x {frame.height} to {width} x {height}"
            self._apply("pixels", shape, f"anamorphic: pixels are made square, {shape}")
        elif self.facts.pixel_aspect != 1:
            self.notes.append(f"the pixel aspect {self.facts.pixel_aspect} cannot be true: pixels are taken for square")
        if self.facts.cropping:
            crop = self.facts.cropping
            sides = f"{crop.left} left, {crop.right} right, {crop.top} top, {crop.bottom} bottom"
            self._apply("cropping", sides, f"cropped as the container says: {sides}")
        if _has_alpha(frame):
            self._apply("alpha", "on black", "transparent: shown on black")
        if self.bars is not None:
            box = f"{self.bars.width} x {self.bars.height} at {self.bars.left}, {self.bars.top}"
            self._apply("bars", f"cropped to {box}", f"black bars are cropped: {box} is measured")
        if self.fields is not None:
            self._decide_fields(self.fields)

    def _decide_fields(self, fields: Fields) -> None:
        flagged = fields.flagged > 0 or self.facts.interlaced
        if flagged and fields.is_progressive:
            self.notes.append("flagged as interlaced, but its frames are progressive: they are left as they are")
        elif not flagged and fields.is_interlaced:
            self._joins_fields = True
            self._apply("fields", "bwdif", "interlaced without a flag: fields are joined by bwdif")
        elif fields.is_telecine:
            self.notes.append("looks like film in fields (telecine): two frames of five are combed, and stay so")

    def _decide_unreadable_matrix(self, frame: av.VideoFrame) -> None:
        """Even as coded, a matrix that the scaler refuses must become another."""
        tag = name_of(color_tags.MATRICES, frame.colorspace)
        if tag != UNTAGGED and not frame.format.is_rgb:
            primaries = name_of(color_tags.PRIMARIES, frame.color_primaries)
            self._matrix, why = matrix_for(tag, primaries, frame.width, frame.height)
            if why:
                self._apply("matrix", color_tags.MATRICES[self._matrix or 0], why)

    def _apply(self, kind: str, how: str, note: str) -> None:
        if kind not in self.applied:
            self.notes.append(note)
        self.applied[kind] = how

    def _filters(self, frame: av.VideoFrame) -> Graph | None:
        """The filters of frames of one form, in order; None if there is nothing to do."""
        filters: list[tuple[str, str]] = []
        if self._joins_fields:
            flags = "deint=interlaced"
            if self.fields is not None and not self.fields.flagged:
                flags = f"deint=all:parity={'tff' if self.fields.top_first >= self.fields.bottom_first else 'bff'}"
            filters.append(("bwdif", f"mode=send_frame:{flags}"))
        if self.facts.cropping and not self._coded:
            crop = self.facts.cropping
            width, height = frame.width - crop.left - crop.right, frame.height - crop.top - crop.bottom
            if width > 0 and height > 0:
                filters.append(("crop", f"{width}:{height}:{crop.left}:{crop.top}:exact=1"))
        if self.bars is not None:
            box = self.bars
            filters.append(("crop", f"{box.width}:{box.height}:{box.left}:{box.top}:exact=1"))
        if _has_alpha(frame) and not self._coded:
            filters.append(("premultiply", "inplace=1"))
        if not filters:
            return None
        graph = Graph()
        graph.threads = 1
        last: Any = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base or Fraction(1, 90_000),
        )
        for name, arguments in filters:
            following = graph.add(name, arguments)
            last.link_to(following)
            last = following
        last.link_to(graph.add("buffersink"))
        graph.configure()
        return graph

    @property
    def color(self) -> Color | None:
        """How the frames' code values are to be understood, if they are not those of an SDR display."""
        return self._color


class Converter:
    """Turns the frames of a stream into arrays, in display shape and colour. For one thread.

    Args:
        stage: The stream's picture stage, which the frames have passed.
    """

    def __init__(self, stage: PictureStage) -> None:
        self._stage = stage
        self._reformatter = VideoReformatter()
        self._cube: ColorCube | None = None

    def upright(self, frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
        """(H, W, 3) RGB with square pixels, upright; a view that the next call may change."""
        width, height = self._stage.display_size(frame)
        image = self.scaled(frame, width, height, Interpolation.BILINEAR)
        return Orientation.of(frame).apply(image)

    def scaled(
        self, frame: av.VideoFrame, width: int, height: int, interpolation: Interpolation, order: str = "rgb24"
    ) -> npt.NDArray[np.uint8]:
        """(height, width, 3), not turned.

        Args:
            frame: The frame.
            width: Pixels that it is scaled to.
            height: Pixels that it is scaled to.
            interpolation: How.
            order: "rgb24" or "bgr24".
        """
        if self._stage.color is None:
            scaled = self._reformatter.reformat(
                frame, width, height, format=order, interpolation=interpolation, threads=1
            )
            rows = np.frombuffer(scaled.planes[0], np.uint8).reshape(height, -1)  # type: ignore[call-overload]
            return rows[:, : 3 * width].reshape(height, width, 3)
        if self._cube is None:
            self._cube = ColorCube(self._stage.color)
        rgb = self._cube.rgb(frame, width, height, interpolation)
        return rgb if order == "rgb24" else np.ascontiguousarray(rgb[..., ::-1])


def _color_of(frame: av.VideoFrame, transfer: str, primaries: str, matrix: str) -> Color:
    if primaries not in (*WIDE, "bt709"):
        primaries = "bt2020" if transfer in HDR else "bt709"
    if matrix == "ictcp" and transfer not in HDR:
        transfer = "smpte2084"
    return Color(
        transfer=transfer,
        primaries=primaries,
        matrix=matrix if matrix in _YCC_OF_CUBE else "rgb",
        full_range=frame.color_range == 2 or frame.format.name.startswith("yuvj"),
        peak_nit=_peak_nit(frame) if transfer == "smpte2084" else PQ_PEAK_NIT,
    )


def _peak_nit(frame: av.VideoFrame) -> float:
    """Luminance of the brightest pixel, or of the display that the video was graded on."""
    side_data: Mapping[str, Any] = frame.side_data
    light = side_data.get("CONTENT_LIGHT_LEVEL")
    if light is not None and (brightest := struct.unpack_from("<I", bytes(light))[0]):
        return float(max(1, brightest))
    mastering = side_data.get("MASTERING_DISPLAY_METADATA")
    if mastering is not None:
        *_, numerator, denominator, _, has_luminance = struct.unpack_from("<22i", bytes(mastering))
        if has_luminance and denominator > 0 and numerator > 0:
            return float(numerator / denominator)
    return PQ_PEAK_NIT


def _has_alpha(frame: av.VideoFrame) -> bool:
    return any(component.is_alpha for component in frame.format.components)
