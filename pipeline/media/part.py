"""An open container: usually a whole file, or one of several files that were joined byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, BinaryIO, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from avcues.pipeline.errors import MediaError
from avcues.pipeline.media import limits
from avcues.pipeline.media.completeness import StreamTally
from avcues.pipeline.media.format_dump import FormatDump
from avcues.pipeline.media.frames import Damage
from avcues.pipeline.media.joined_files import FileSection, next_file
from avcues.pipeline.media.packet_ends import PacketEnds
from avcues.pipeline.media.reading import Reading
from avcues.pipeline.media.stream_clock import StreamClock
from avcues.pipeline.media.stream_selection import Selection, select
from avcues.pipeline.media.timestamps import AacTimestamps, TimestampUnwrapper, fraction, nearest_turn

# AVFMT_TS_DISCONT: containers of broadcast streams, whose clock may restart.
_FORMAT_MAY_RESTART_CLOCK = 0x0200
# In containers without edit lists, codecs add up to this much sound before the content (priming).
_PRIMING = Fraction(1, 20)
# After this many read errors in a row, FFmpeg will not recover.
_READ_ERRORS_IN_A_ROW = 64
_READ_BYTES = 1 << 18
_SUCCESSOR_BYTES = 1 << 13
_MPEG_TS, _OGG, _FLAC = "mpegts", "ogg", "flac"


@dataclass
class Part:
    """An open container and its streams.

    Args:
        container: The container.
        selection: The streams that are read.
        dump: FFmpeg's description of the container.
        file: The file that the container is in.
        first_byte: First byte of the container in the file.
        origin: Container time of t = 0.
        end: The byte after the container's last one; None if it is not known.
    """

    container: InputContainer
    selection: Selection
    dump: FormatDump
    file: BinaryIO
    first_byte: int
    origin: Fraction
    end: int | None = None

    def __post_init__(self) -> None:
        video = self.video
        self._pixel_aspects: tuple[Any, Any] = (None, None)  # the container's and the decoder's, before the first frame
        if video is not None:
            self._pixel_aspects = video.sample_aspect_ratio, video.codec_context.sample_aspect_ratio

    @classmethod
    def open(cls, name: str, file: BinaryIO, reading: Reading, *, trust_headers: bool, first_byte: int = 0) -> Part:
        """Opens a file, or its part from one byte on, and reads its headers.

        Raises:
            MediaError: The file is not a media file, claims sizes or rates out of bounds, or lacks the streams.
        """
        section = FileSection(file, first_byte) if first_byte else file
        container = _open_container(name, section, trust_headers=trust_headers)
        end = next_file(file, _FLAC, first_byte + 1) if container.format.name == _FLAC else None
        if end is not None:  # FFmpeg's reader would join the two files silently, and lose the end of the first
            container.close()
            container = _open_container(name, FileSection(file, first_byte, end), trust_headers=trust_headers)
        try:
            dump = FormatDump.of(container)
            selection = select(name, container, dump, reading)
            if not trust_headers:
                _check_claims(name, selection)
        except BaseException:
            container.close()
            raise
        origin = _origin(selection, clock_wraps=container.format.name == _MPEG_TS)
        return cls(container, selection, dump, file, first_byte, origin, end)

    @property
    def format(self) -> str:
        """FFmpeg's name of the container format."""
        return self.container.format.name

    @property
    def video(self) -> VideoStream | None:
        """The video stream that is read."""
        return self.selection.video

    @property
    def audio(self) -> tuple[AudioStream, ...]:
        """The audio streams that are read."""
        return self.selection.audio

    @property
    def pixel_aspect(self) -> Fraction | None:
        """Width of a pixel to its height, if the file says it: the container's, or else that of the last frame."""
        headers, decoder = self._pixel_aspects
        latest = None if self.video is None else self.video.codec_context.sample_aspect_ratio
        aspect = latest if latest and headers in (None, decoder) else headers
        return fraction(aspect) if aspect else None

    @cached_property
    def video_clock(self) -> StreamClock:
        """Converts time stamps of frames to seconds from t = 0."""
        return StreamClock(self.video, self.origin, self.format)

    @cached_property
    def audio_clocks(self) -> dict[int, StreamClock]:
        """Clocks of the audio streams, by stream index."""
        return {stream.index: self.clock(stream) for stream in self.audio}

    def clock(self, stream: Any) -> StreamClock:
        """A clock that converts time stamps of a stream to seconds from t = 0."""
        return StreamClock(stream, self.origin, self.format)

    def tally(self, stream: Any) -> StreamTally:
        """A new counter of the stream's packets."""
        length = self.container.duration
        end = None if length is None else Fraction(length, av.time_base)
        return StreamTally(stream, self.format, end)

    def packets(self, streams: list[Any], damage: Damage, ends: PacketEnds) -> Iterator[Any]:
        """Yields the packets of the streams, then one flush packet per stream; read errors are skipped.

        Args:
            streams: The streams to read.
            damage: Counts read errors and new clocks.
            ends: Records how far the file was read.
        """
        may_restart = self.container.format.flags & _FORMAT_MAY_RESTART_CLOCK and self.format != _OGG
        unwrapper = TimestampUnwrapper() if may_restart else None
        sound_times = AacTimestamps() if self.format == _MPEG_TS else None
        errors = 0
        while True:
            try:
                for packet in self.container.demux(*streams):
                    errors = 0
                    if sound_times is not None:
                        sound_times.repair(packet)
                    if unwrapper is not None:
                        gaps_before = unwrapper.gaps
                        damage.clock_restarts += unwrapper.shift(packet)
                        damage.clock_gaps += unwrapper.gaps - gaps_before
                    elif ends.falls_back(packet):
                        ends.next_file = self._next_file(ends.last_byte, at_most=packet.pos)
                        if ends.next_file is not None:
                            yield from _flush_packets(streams)
                            return
                    ends.add(packet)
                    yield packet
                return
            except FFmpegError:
                damage.read_errors += 1
                errors += 1
                if errors >= _READ_ERRORS_IN_A_ROW:
                    return

    def next_part(
        self, name: str, reading: Reading, ends: PacketEnds, damage: Damage, *, trust_headers: bool
    ) -> Part | None:
        """The part of the file that comes after this one: a file that was joined on, or a successor of its streams.

        Args:
            name: Path or URL, as the user gave it.
            reading: Options of reading the file.
            ends: How far this part was read.
            damage: Counts bytes that cannot be read.
            trust_headers: As in `open`.
        """
        first_byte = self.end or ends.next_file or self._next_file(ends.last_byte)
        if first_byte is None:
            return self._successor(name, reading, ends, trust_headers=trust_headers)
        try:
            part = Part.open(name, self.file, reading, trust_headers=trust_headers, first_byte=first_byte)
        except MediaError:
            damage.bytes_not_read += _size(self.file) - first_byte
            return None
        return part

    def _next_file(self, offset: int, at_most: int | None = None) -> int | None:
        start = next_file(self.file, self.format, self.first_byte + offset)
        if start is None or start <= self.first_byte:
            return None
        return None if at_most is not None and start > self.first_byte + at_most else start

    def _successor(self, name: str, reading: Reading, ends: PacketEnds, *, trust_headers: bool) -> Part | None:
        """Streams of the same programme under other numbers, after the end of one that is read."""
        if self.format != _MPEG_TS or not self.selection.streams:
            return None
        read_ids = {stream.id for stream in self.container.streams if stream in self.selection.streams}
        programme = self.dump.programme_number(self.selection.streams[0].index)
        for kind, streams in (("video", self.selection.streams[:1] if self.video else ()), ("audio", self.audio)):
            last_byte = max((ends.last_byte_of.get(stream.index, 0) for stream in streams), default=None)
            if not last_byte or _size(self.file) - self.first_byte - last_byte < _SUCCESSOR_BYTES:
                continue
            try:
                part = Part.open(
                    name, self.file, reading, trust_headers=trust_headers, first_byte=self.first_byte + last_byte
                )
            except MediaError:
                continue
            successor = part.selection.video if kind == "video" else next(iter(part.audio), None)
            if (
                successor is not None
                and successor.id not in read_ids
                and part.dump.programme_number(successor.index) == programme
            ):
                part.selection = part.selection.without(read_ids)
                return part
            part.container.close()
        return None


def _flush_packets(streams: list[Any]) -> Iterator[Any]:
    for stream in streams:
        packet = av.Packet()
        packet.stream = stream
        yield packet


def _size(file: BinaryIO) -> int:
    position = file.tell()
    size = file.seek(0, 2)
    file.seek(position)
    return size


def _open_container(name: str, file: Any, *, trust_headers: bool) -> InputContainer:
    options = limits.decoder_options(trust_headers=trust_headers)
    try:
        with limits.refusing_oversized_pictures(name, trust_headers=trust_headers):
            # Read through Python's file, so that a failing disk or network is not taken for a damaged file.
            opened = av.open(file, options=options, metadata_errors="ignore", buffer_size=_READ_BYTES)
        return cast(InputContainer, opened)
    except (FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError(
            f"{name}: is not a media file that can be read ({reason}); it may be cut off, encrypted or misnamed"
        ) from error


def _check_claims(name: str, selection: Selection) -> None:
    if (video := selection.video) is not None:
        limits.check_picture(name, video.codec_context.width, video.codec_context.height)
        # The stream's size may change in mid-stream.
        video.codec_context.options = limits.decoder_options(trust_headers=False)
    for audio in selection.audio:
        limits.check_sound(name, audio.codec_context.sample_rate, audio.codec_context.channels)


def _origin(selection: Selection, *, clock_wraps: bool) -> Fraction:
    """Container time of t = 0."""
    picture, *sounds = (_start(stream) for stream in (selection.video, *selection.audio))
    sound = min((start for start in sounds if start is not None), default=None)
    if clock_wraps and picture is not None and sound is not None:
        sound = nearest_turn(sound, picture)
    if picture is not None and sound is not None and 0 < picture - sound < _PRIMING:
        return picture
    return min((start for start in (picture, sound) if start is not None), default=Fraction(0))


def _start(stream: Any) -> Fraction | None:
    if stream is None or stream.start_time is None:
        return None
    return Fraction(stream.start_time) * fraction(stream.time_base)


def is_empty(packet: Any) -> bool:
    """Whether a packet has a time but no content; a decoder would take it for the end of the stream.

    In Theora, such a packet repeats the previous frame.
    """
    return packet.dts is not None and not packet.size
