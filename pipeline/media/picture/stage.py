"""The picture as a viewer sees it, decided from the facts of the stream, and applied before anything is measured."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

import av
from av.filter import Graph

from avcues.pipeline.media.format_dump import Cropping
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.picture.bars import Box
from avcues.pipeline.media.picture.colors import Colors, Tags, colors_of, readable, tags_of
from avcues.pipeline.media.picture.converter import Converter
from avcues.pipeline.media.picture.field_joining import FieldJoining
from avcues.pipeline.media.picture.tone import Color
from avcues.pipeline.media.picture.unusual import unusual_notes
from avcues.pipeline.media.reading import Reading

# A pixel much wider or higher than this is a broken header.
_WIDEST_PIXEL = 4
# Encoders that round a size to even numbers write pixels such as 226:225: nobody sees that, and scaling would blur.
_SQUARE = Fraction(1, 100)
_CHANGES_LISTED = 3
_CHANGING = {"colour": "colours", "size": "the size of the picture", "aspect": "the shape of pixels"}
_OPAQUE = 255


@dataclass(frozen=True)
class StreamFacts:
    """What decides how a stream is shown, apart from its frames' own tags.

    Args:
        pixel_aspect: Width of a pixel to its height.
        cropping: Pixels that the container does not show.
        interlaced: Whether the header says so.
        may_be_interlaced: Whether video of this size and rate exists in fields, so that a missing flag means little.
        dolby_vision: Whether colours are those of Dolby Vision alone (profile 5), which only its metadata explain.
        hidden_alpha: Whether the container says that there is transparency, in a form that the decoder may not read.
    """

    pixel_aspect: Fraction = Fraction(1)
    cropping: Cropping = field(default_factory=Cropping)
    interlaced: bool = False
    may_be_interlaced: bool = False
    dolby_vision: bool = False
    hidden_alpha: bool = False


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
        fields: Whether fields are joined.
        bars: The box that is measured, and the size of the frames that it was found in, if bars are to be cropped.
        applied: What was done, by kind, for the records; empty where nothing was.
        notes: The same for people.
    """

    def __init__(self, facts: StreamFacts, reading: Reading) -> None:
        self.facts = facts
        self._coded = reading.picture == "coded"
        self.applied: dict[str, str] = {}
        self.notes: list[str] = []
        self.fields = FieldJoining(self.applied, self.notes)
        self.bars: tuple[Box, tuple[int, int]] | None = None
        self._tags: tuple[Tags, ...] = ()  # of the last frame, as decoded and as shown
        self._latest_colors = Colors()
        self._matrix: int | None = None
        self._colors: dict[Tags, Color | None] = {}  # by the tags of frames that leave the stage
        self._size: tuple[int, int] | None = None
        self._aspect = self.pixel_aspect
        self._changes: dict[str, list[str]] = {}
        self._form: tuple[int, int, str, str] | None = None
        self._graph: Graph | None = None
        self._waiting: deque[VideoFrame] = deque()
        self._is_transparent = False

    @property
    def pixel_aspect(self) -> Fraction:
        """Width of a pixel of the frames to its height."""
        return Fraction(1) if self._coded else _plausible(self.facts.pixel_aspect)

    def display_size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Width and height of a frame with square pixels, before it is turned upright."""
        return max(1, round(frame.width * self.pixel_aspect)), frame.height

    def converter(self) -> Converter:
        """What turns this stream's frames into arrays, for one thread."""
        return Converter(self)

    def color_of(self, frame: av.VideoFrame) -> Color | None:
        """How the code values of a frame are to be understood, if they are not those of an SDR display."""
        tags = tags_of(frame)
        if tags not in self._colors:
            self._colors[tags] = self._colors_of(frame).color
        return self._colors[tags]

    def frames(self, picture: VideoFrame) -> Iterator[VideoFrame]:
        """Takes the next frame in display order and yields those that are ready, with their own times."""
        if self._size is None:
            self._begin(picture.frame)
        for ready in self.fields.push(picture):
            yield from self._show(ready)

    def still(self, picture: VideoFrame) -> VideoFrame:
        """One frame out of its sequence."""
        if self._size is None:
            self._begin(picture.frame)
        *_, shown = (*self._show(picture), *self._drain())
        self._form = None
        return shown

    def finish(self) -> Iterator[VideoFrame]:
        """Yields the frames that were still held."""
        for ready in self.fields.finish():
            yield from self._show(ready)
        yield from self._drain()
        self._say_changes()

    def _begin(self, frame: av.VideoFrame) -> None:
        """Decides, at the first frame, what holds for the whole stream."""
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
        if self._coded:
            return
        if self.pixel_aspect != 1:
            width, height = self.display_size(frame)
            shape = f"{frame.width} x {frame.height} to {width} x {height}"
            self._apply("pixels", shape, f"anamorphic: pixels are made square, {shape}")
        elif not _is_possible(self.facts.pixel_aspect):
            self.notes.append(f"the pixel aspect {self.facts.pixel_aspect} cannot be true: pixels are taken for square")
        if self.facts.cropping:
            crop = self.facts.cropping
            sides = f"{crop.left} left, {crop.right} right, {crop.top} top, {crop.bottom} bottom"
            self._apply("cropping", sides, f"cropped as the container says: {sides}")
        if self.facts.hidden_alpha and not _has_alpha(frame):
            self.notes.append("transparency is not read: shown as if there were none")
        self.notes += unusual_notes(frame)
        self.fields.begin(flagged=self.facts.interlaced, likely=self.facts.may_be_interlaced)

    def _show(self, picture: VideoFrame) -> Iterator[VideoFrame]:
        frame = picture.frame
        if tags_of(frame) not in self._tags:
            self._decide_colors(frame, picture.start)
        elif self._matrix is not None:
            frame.colorspace = self._matrix
        if not self._coded:
            self.fields.meet(picture)
        if not self._is_transparent and not self._coded and _is_transparent(frame):
            self._is_transparent, self._form = True, None
            self._apply("alpha", "on black", "transparent: shown on black")
        self._notice_shape(picture)
        form = (frame.width, frame.height, frame.format.name, self.fields.options)
        if form != self._form:
            yield from self._drain()
            self._form, self._graph = form, self._filters(frame)
        if self._graph is None:
            yield picture
            return
        self._waiting.append(picture)
        self._graph.push(frame)
        yield from self._filtered()

    def _drain(self) -> Iterator[VideoFrame]:
        """Yields the frames that the filters still hold."""
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

    def _decide_colors(self, frame: av.VideoFrame, start: Fraction) -> None:
        """Decides how frames with these tags are shown; colours may change in mid-stream."""
        colors = self._colors_of(frame)
        tags = tags_of(frame)
        if colors.matrix is not None:
            frame.colorspace = colors.matrix
        if not self._tags:
            self.applied.update(colors.applied)
            self.notes.extend(colors.notes)
        elif colors != self._latest_colors:
            self._change("colour", start, "; ".join(colors.notes) or "SDR of BT.709, as tagged")
        self._tags = (tags, tags_of(frame))
        self._latest_colors, self._matrix = colors, colors.matrix
        self._colors[tags_of(frame)] = colors.color

    def _colors_of(self, frame: av.VideoFrame) -> Colors:
        return readable(frame) if self._coded else colors_of(frame, dolby_vision=self.facts.dolby_vision)

    def _notice_shape(self, picture: VideoFrame) -> None:
        """Notes a change of the frames' size or of the shape of their pixels."""
        size = (picture.frame.width, picture.frame.height)
        if size != self._size:
            self._size = size
            self._change("size", picture.start, f"{size[0]} x {size[1]}")
        aspect = self._aspect if picture.pixel_aspect is None else _plausible(picture.pixel_aspect)
        if aspect != self._aspect and not self._coded:
            self._aspect, self._form = aspect, None
            self._change("aspect", picture.start, str(aspect))

    def _change(self, what: str, start: Fraction, becomes: str) -> None:
        self._changes.setdefault(what, []).append(f"at {float(start):.2f} s to {becomes}")

    def _say_changes(self) -> None:
        for what, changes in self._changes.items():
            listed = ", ".join(changes[:_CHANGES_LISTED])
            more = f", and {len(changes) - _CHANGES_LISTED} more times" if len(changes) > _CHANGES_LISTED else ""
            self._apply(f"{what}_changes", listed + more, f"{_CHANGING[what]} changed in mid-stream, {listed}{more}")
        self._changes.clear()

    def _apply(self, kind: str, how: str, note: str) -> None:
        self.applied[kind] = how
        self.notes.append(note)

    def _filters(self, frame: av.VideoFrame) -> Graph | None:
        """The filters of frames of one form, in order; None if there is nothing to do."""
        filters: list[tuple[str, str]] = []
        if self.fields.options:
            filters.append(("bwdif", f"mode=send_frame:{self.fields.options}"))
        measured = self._measured(frame)
        if (measured.width, measured.height) != (frame.width, frame.height):
            box = f"{measured.width}:{measured.height}:{measured.left}:{measured.top}"
            filters.append(("crop", f"{box}:exact=1"))
        if self._is_transparent and _has_alpha(frame):
            filters.append(("premultiply", "inplace=1"))
        if self._aspect != self.pixel_aspect and not self._coded:
            width = max(1, round(measured.width * self._aspect / self.pixel_aspect))
            filters.append(("scale", f"{width}:{measured.height}:flags=bilinear+accurate_rnd"))
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

    def _measured(self, frame: av.VideoFrame) -> Box:
        """What is left of a frame between the container's cropping and bars."""
        left, top, right, bottom = 0, 0, frame.width, frame.height
        if not self._coded:
            crop = self.facts.cropping
            left, top, right, bottom = crop.left, crop.top, right - crop.right, bottom - crop.bottom
        if self.bars is not None and self.bars[1] == (frame.width, frame.height):
            box = self.bars[0]
            left, top = max(left, box.left), max(top, box.top)
            right, bottom = min(right, box.left + box.width), min(bottom, box.top + box.height)
        if right <= left or bottom <= top:
            return Box(0, 0, frame.width, frame.height)
        return Box(left, top, right - left, bottom - top)


def _plausible(aspect: Fraction) -> Fraction:
    """A width of a pixel to its height that a picture can have; 1 for what nobody could tell from a square."""
    return Fraction(1) if not _is_possible(aspect) or abs(aspect - 1) < _SQUARE else aspect


def _is_possible(aspect: Fraction) -> bool:
    return Fraction(1, _WIDEST_PIXEL) <= aspect <= _WIDEST_PIXEL


def _is_transparent(frame: av.VideoFrame) -> bool:
    """Whether any pixel is; formats such as GIF have alpha whether they need it or not."""
    return _has_alpha(frame) and bool(frame.to_ndarray(format="rgba")[..., 3].min() < _OPAQUE)


def _has_alpha(frame: av.VideoFrame) -> bool:
    return any(component.is_alpha for component in frame.format.components)
