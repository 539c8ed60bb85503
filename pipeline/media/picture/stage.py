"""Converts decoded frames to the picture that a viewer sees, before anything is measured."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import av
from av.filter import Graph

from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.picture.bars import Box
from avcues.pipeline.media.picture.color_tags import without_matrix
from avcues.pipeline.media.picture.colors import ColorConversion, Tags, coded_conversion, conversion_of, tags_of
from avcues.pipeline.media.picture.converter import Converter
from avcues.pipeline.media.picture.field_joining import FieldJoining
from avcues.pipeline.media.picture.stream_properties import StreamProperties, is_possible_aspect, usable_aspect
from avcues.pipeline.media.picture.tone import ColorEncoding
from avcues.pipeline.media.picture.unusual import unusual_notes
from avcues.pipeline.media.reading import Reading

_MAX_LISTED_CHANGES = 3
_CHANGING = {"colour": "colours", "size": "the size of the picture", "aspect": "the shape of pixels"}
_OPAQUE = 255


class PictureStage:
    """Converts decoded frames to what a viewer sees.

    `frames` joins fields, crops as the container says, crops bars, and puts transparent pictures on black. Then a
    `converter` of each reader converts colours and makes pixels square. Progressive SDR frames with square pixels are
    not changed.

    Args:
        properties: Properties of the stream, from the headers.
        reading: The user's options.

    Attributes:
        fields: Decides whether fields are joined.
        bars: If bars are to be cropped: the box inside them, and the size of the frames that it refers to.
        applied: Conversions by kind, for records; empty if nothing is converted.
        notes: Notes for the user on the same conversions.
    """

    def __init__(self, properties: StreamProperties, reading: Reading) -> None:
        self.properties = properties
        self._reads_coded = reading.picture == "coded"
        self.applied: dict[str, str] = {}
        self.notes: list[str] = []
        self.fields = FieldJoining(self.applied, self.notes)
        self.bars: tuple[Box, tuple[int, int]] | None = None
        self._tags: tuple[Tags, ...] = ()  # of the last frame, as decoded and as converted
        self._latest_conversion = ColorConversion()
        self._matrix: int | None = None
        self._encodings: dict[Tags, ColorEncoding | None] = {}  # by the tags of frames that leave the stage
        self._size: tuple[int, int] | None = None
        self._aspect = self.pixel_aspect
        self._changes: dict[str, list[str]] = {}
        self._frame_format: tuple[int, int, str, str] | None = None
        self._graph: Graph | None = None
        self._filtering: deque[VideoFrame] = deque()
        self._is_transparent = False

    @property
    def pixel_aspect(self) -> Fraction:
        """Width of a pixel of the frames to its height."""
        return Fraction(1) if self._reads_coded else usable_aspect(self.properties.pixel_aspect)

    def display_size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Width and height of a frame with square pixels, before it is turned upright."""
        return max(1, round(frame.width * self.pixel_aspect)), frame.height

    def converter(self) -> Converter:
        """A converter of this stream's frames to arrays, for one thread."""
        return Converter(self)

    def color_of(self, frame: av.VideoFrame) -> ColorEncoding | None:
        """The colour encoding of a frame; None if it is that of an SDR display."""
        tags = tags_of(frame)
        if tags not in self._encodings:
            self._encodings[tags] = self._conversion_of(frame).color
        return self._encodings[tags]

    def frames(self, picture: VideoFrame) -> Iterator[VideoFrame]:
        """Takes the next frame in display order, and yields the frames that are converted, with their times."""
        if self._size is None:
            self._start(picture.frame)
        for decided_frame in self.fields.push(picture):
            yield from self._convert(decided_frame)

    def still(self, picture: VideoFrame) -> VideoFrame:
        """Converts a single frame."""
        if self._size is None:
            self._start(picture.frame)
        *_, converted = (*self._convert(picture), *self._drain())
        self._frame_format = None
        return converted

    def finish(self) -> Iterator[VideoFrame]:
        """Yields the frames that were held back."""
        for decided_frame in self.fields.finish():
            yield from self._convert(decided_frame)
        yield from self._drain()
        self._report_changes()

    def _start(self, frame: av.VideoFrame) -> None:
        """Decides at the first frame what applies to the whole stream."""
        self._size = (frame.width, frame.height)
        self._decide_colors(frame, Fraction(0))
        if self.bars is not None:
            box, _ = self.bars
            size = f"{box.width} x {box.height}"
            self._apply(
                "bars",
                f"cropped to {size} at {box.left}, {box.top}",
                f"black bars are cropped: {size} at {box.left}, {box.top} is measured",
            )
        if self._reads_coded:
            return
        if self.pixel_aspect != 1:
            width, height = self.display_size(frame)
            shape = f"{frame.width} x {frame.height} to {width} x {height}"
            self._apply("pixels", shape, f"anamorphic: pixels are made square, {shape}")
        elif not is_possible_aspect(self.properties.pixel_aspect):
            self.notes.append(
                f"the pixel aspect {self.properties.pixel_aspect} cannot be true: pixels are treated as square"
            )
        if self.properties.cropping:
            crop = self.properties.cropping
            sides = f"{crop.left} left, {crop.right} right, {crop.top} top, {crop.bottom} bottom"
            self._apply("cropping", sides, f"cropped as the container says: {sides}")
        if self.properties.hidden_alpha and not _has_alpha(frame):
            self.notes.append("transparency is not read: the picture is treated as opaque")
        self.notes += unusual_notes(frame)
        self.fields.begin(flagged=self.properties.interlaced, likely=self.properties.may_be_interlaced)

    def _convert(self, picture: VideoFrame) -> Iterator[VideoFrame]:
        frame = picture.frame
        if tags_of(frame) not in self._tags:
            self._decide_colors(frame, picture.start)
        elif self._matrix is not None:
            frame.colorspace = self._matrix
        if not self._reads_coded:
            self.fields.notice(picture)
        if not self._is_transparent and not self._reads_coded and _is_transparent(frame):
            self._is_transparent, self._frame_format = True, None
            self._apply("alpha", "on black", "transparent: shown on black")
        self._check_shape(picture)
        frame_format = (frame.width, frame.height, frame.format.name, self.fields.options)
        if frame_format != self._frame_format:
            yield from self._drain()
            self._frame_format, self._graph = frame_format, self._filters(frame)
        if self._graph is None:
            yield picture
            return
        self._filtering.append(picture)
        with without_matrix(frame, without_range=True):
            self._graph.push(frame)
        yield from self._filtered()

    def _drain(self) -> Iterator[VideoFrame]:
        """Yields the frames that are still in the filters."""
        if self._graph is not None:
            self._graph.push(None)
            yield from self._filtered()
            self._graph = None
            self._filtering.clear()

    def _filtered(self) -> Iterator[VideoFrame]:
        assert self._graph is not None
        while self._filtering:
            try:
                converted = self._graph.vpull()
            except (av.error.BlockingIOError, EOFError):
                return
            picture = self._filtering.popleft()
            converted.colorspace, converted.color_range = picture.frame.colorspace, picture.frame.color_range
            yield replace(picture, frame=converted)

    def _decide_colors(self, frame: av.VideoFrame, start: Fraction) -> None:
        """Decides how colours of frames with these tags are converted; tags may change in mid-stream."""
        conversion = self._conversion_of(frame)
        tags = tags_of(frame)
        if conversion.matrix is not None:
            frame.colorspace = conversion.matrix
        if not self._tags:
            self.applied.update(conversion.applied)
            self.notes.extend(conversion.notes)
        elif conversion != self._latest_conversion:
            self._add_change("colour", start, "; ".join(conversion.notes) or "SDR of BT.709, as tagged")
        self._tags = (tags, tags_of(frame))
        self._latest_conversion, self._matrix = conversion, conversion.matrix
        self._encodings[tags_of(frame)] = conversion.color

    def _conversion_of(self, frame: av.VideoFrame) -> ColorConversion:
        return (
            coded_conversion(frame)
            if self._reads_coded
            else conversion_of(frame, dolby_vision=self.properties.dolby_vision)
        )

    def _check_shape(self, picture: VideoFrame) -> None:
        """Notes changes of the frame size or of the pixel aspect."""
        size = (picture.frame.width, picture.frame.height)
        if size != self._size:
            self._size = size
            self._add_change("size", picture.start, f"{size[0]} x {size[1]}")
        aspect = self._aspect if picture.pixel_aspect is None else usable_aspect(picture.pixel_aspect)
        if aspect != self._aspect and not self._reads_coded:
            self._aspect, self._frame_format = aspect, None
            self._add_change("aspect", picture.start, str(aspect))

    def _add_change(self, property_name: str, start: Fraction, new_value: str) -> None:
        self._changes.setdefault(property_name, []).append(f"at {float(start):.2f} s to {new_value}")

    def _report_changes(self) -> None:
        for property_name, changes in self._changes.items():
            listed = ", ".join(changes[:_MAX_LISTED_CHANGES])
            remainder = (
                f", and {len(changes) - _MAX_LISTED_CHANGES} more times" if len(changes) > _MAX_LISTED_CHANGES else ""
            )
            self._apply(
                f"{property_name}_changes",
                listed + remainder,
                f"{_CHANGING[property_name]} changed in mid-stream, {listed}{remainder}",
            )
        self._changes.clear()

    def _apply(self, kind: str, conversion: str, note: str) -> None:
        self.applied[kind] = conversion
        self.notes.append(note)

    def _filters(self, frame: av.VideoFrame) -> Graph | None:
        """The filters for frames of one format, in order; None if no filter is needed."""
        filters: list[tuple[str, str]] = []
        if self.fields.options:
            filters.append(("bwdif", f"mode=send_frame:{self.fields.options}"))
        measured_box = self._measured_box(frame)
        if (measured_box.width, measured_box.height) != (frame.width, frame.height):
            box = f"{measured_box.width}:{measured_box.height}:{measured_box.left}:{measured_box.top}"
            filters.append(("crop", f"{box}:exact=1"))
        if self._is_transparent and _has_alpha(frame):
            filters.append(("premultiply", "inplace=1"))
        if self._aspect != self.pixel_aspect and not self._reads_coded:
            width = max(1, round(measured_box.width * self._aspect / self.pixel_aspect))
            filters.append(("scale", f"{width}:{measured_box.height}:flags=bilinear+accurate_rnd"))
        if not filters:
            return None
        graph = Graph()
        graph.threads = 1
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base or Fraction(1, 90_000),
        )
        nodes = [graph.add(name, arguments) for name, arguments in filters]
        graph.link_nodes(source, *nodes, graph.add("buffersink")).configure()
        return graph

    def _measured_box(self, frame: av.VideoFrame) -> Box:
        """The box that remains of a frame after the container's cropping and that of bars."""
        left, top, right, bottom = 0, 0, frame.width, frame.height
        if not self._reads_coded:
            crop = self.properties.cropping
            left, top, right, bottom = crop.left, crop.top, right - crop.right, bottom - crop.bottom
        if self.bars is not None and self.bars[1] == (frame.width, frame.height):
            box = self.bars[0]
            left, top = max(left, box.left), max(top, box.top)
            right, bottom = min(right, box.left + box.width), min(bottom, box.top + box.height)
        if right <= left or bottom <= top:
            return Box(0, 0, frame.width, frame.height)
        return Box(left, top, right - left, bottom - top)


def _is_transparent(frame: av.VideoFrame) -> bool:
    """Whether any pixel is transparent; formats such as GIF always have an alpha channel."""
    return _has_alpha(frame) and bool(frame.to_ndarray(format="rgba")[..., 3].min() < _OPAQUE)


def _has_alpha(frame: av.VideoFrame) -> bool:
    return any(component.is_alpha for component in frame.format.components)
