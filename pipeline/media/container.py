"""Opens a media file and decodes it once, packet by packet, on the clock that starts at t = 0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

import av
from av.error import FFmpegError

from avcues.pipeline.errors import MediaError
from avcues.pipeline.media.codec_delay import codec_delay_s
from avcues.pipeline.media.completeness import StreamTally
from avcues.pipeline.media.format_dump import Cropping
from avcues.pipeline.media.frame_census import FrameCensus
from avcues.pipeline.media.frames import MAX_GAP_S, AudioBlock, Damage, FrameStatistics, VideoFrame
from avcues.pipeline.media.look import may_be_interlaced, runs
from avcues.pipeline.media.part import PacketEnds, Part, is_empty
from avcues.pipeline.media.picture.bars import ActivePicture
from avcues.pipeline.media.picture.fields import Fields, together
from avcues.pipeline.media.picture.idet import fields_of
from avcues.pipeline.media.picture.stage import PictureStage, StreamFacts
from avcues.pipeline.media.reading import Reading
from avcues.pipeline.media.scrambling import scrambled_packets
from avcues.pipeline.media.sound import SoundConverter
from avcues.pipeline.media.source import open_media_file
from avcues.pipeline.media.stream_metadata import MediaMetadata, audio_stream_metadata, video_stream_metadata
from avcues.pipeline.media.subtitles.cues import Cue
from avcues.pipeline.media.subtitles.streams import SubtitleStreamMetadata, add_cues, subtitle_stream_metadata
from avcues.pipeline.media.timestamps import DecodeOrderTimestamps, MonotonicFrameFilter, fraction

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

# Frames of these carry no presentation times.
_CONTAINERS_WITHOUT_PTS = ("avi", "mpegvideo")
# What starts up to this much before t = 0 is priming, or frames that belong to a shot cut off before the file begins.
_LEAD_IN = Fraction(1, 2)
_PROGRESSIVE = 1
# A part that begins within this of the end of the part before it is on the same clock.
_SAME_CLOCK = (Fraction(-1), Fraction(10))
# Streams of pictures without a container, for which FFmpeg assumes a rate.
_RAW_PICTURES = frozenset(
    ("h264", "hevc", "vvc", "m4v", "mjpeg", "h263", "h261", "vc1", "dirac", "cavsvideo", "obu", "jpeg_pipe")
)


@dataclass
class Media:
    """An open media file, made by `open`. Use as a context manager.

    Args:
        name: The file, as the user knows it.
        metadata: What its headers say.
        origin: Container time of t = 0: the earliest presentation time of the selected streams, priming apart.
        damage: What was lost so far while decoding.
        frames: What the frames decoded so far tell.
        lost_s: Seconds by which a stream ends before its header says, as in a truncated file; known after `decode`.
        reading: What is read of the file, and how.
        notes: What a reader of the values should know of the file.
        cues: The subtitles decoded so far.
        part: The file, or the first of several that were joined.
    """

    name: str
    metadata: MediaMetadata
    origin: Fraction
    damage: Damage = field(default_factory=Damage)
    frames: FrameStatistics = field(default_factory=FrameStatistics)
    lost_s: Fraction = Fraction(0)
    reading: Reading = field(default_factory=Reading)
    notes: list[str] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)
    _trust_headers: bool = False
    _open: ExitStack = field(default_factory=ExitStack)
    part: Part = field(default=None)  # type: ignore[assignment]
    _last_block: AudioBlock | None = None
    _read_later: set[int] = field(default_factory=set)

    @classmethod
    def open(cls, place: Location, reading: Reading | None = None, *, trust_headers: bool = False) -> Media:
        """Opens a file and reads its headers.

        Args:
            place: Path or URL of the file.
            reading: What is read of it, and how.
            trust_headers: Decode the file even if its headers claim more than `avcues.pipeline.media.limits` allow.

        Raises:
            MediaError: It is missing, unreadable, no media file, claims sizes or rates that are out of bounds, or has
                neither a video nor an audio stream.
            OSError: Reading failed for a reason that may pass.
        """
        reading = reading or Reading()
        with ExitStack() as stack:
            source = stack.enter_context(open_media_file(place))
            part = Part.open(source.name, source.file, reading, trust_headers=trust_headers)
            stack.callback(part.container.close)
            notes = part.selection.notes()
            if part.video is None and len(part.audio) == 1 and (delay_s := codec_delay_s(part.format, part.audio[0])):
                part.origin += delay_s
                notes.append(
                    f"the first {float(delay_s) * 1000:.0f} ms of sound, which {part.audio[0].codec_context.name} adds "
                    "before the content, are left out"
                )
            length = part.container.duration
            metadata = MediaMetadata(
                container=part.format,
                bytes=source.bytes,
                start_s=float(part.origin),
                duration_s=None if length is None else length / av.time_base,
                video=None if part.video is None else video_stream_metadata(part.video),
                audio=audio_stream_metadata(part.audio) if part.audio else None,
            )
            media = cls(
                source.name,
                metadata,
                part.origin,
                reading=reading,
                notes=notes,
                _trust_headers=trust_headers,
                _open=stack.pop_all(),
                part=part,
            )
            if part.format in _RAW_PICTURES and not _states_rate(part.video):
                notes.append(f"the stream states no frame rate: {float(media.frame_rate):g} a second is assumed")
            return media

    def __enter__(self) -> Media:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()

    @cached_property
    def time_base(self) -> Fraction:
        """Seconds per unit of `VideoFrame.pts`."""
        return self.part.video_clock.time_base

    @cached_property
    def picture(self) -> PictureStage:
        """How frames are shown."""
        video = self.part.video
        if video is None:
            return PictureStage(StreamFacts(), self.reading)
        facts = StreamFacts(
            pixel_aspect=fraction(video.sample_aspect_ratio) if video.sample_aspect_ratio else Fraction(1),
            cropping=self.part.dump.cropping.get(video.index, Cropping()),
            interlaced=int(video.codec_context.field_order) > _PROGRESSIVE,
            may_be_interlaced=may_be_interlaced(video.codec_context.height, self.frame_rate),
            dolby_vision=video.index in self.part.dump.dolby_vision_alone,
            hidden_alpha=video.metadata.get("alpha_mode") == "1",
        )
        return PictureStage(facts, self.reading)

    def _prepare_picture(self) -> None:
        """Tells the picture stage what a look at several places of the file tells."""
        if self.part.video is None:
            return
        self.picture.fields.look = None if self.reading.picture == "coded" else self._look_at_fields
        if self.reading.bars == "crop":
            active = ActivePicture()
            for run in self._runs():
                for frame in run:
                    active.add(frame)
            box = active.even_box()
            self.picture.bars = None if box is None else (box, active.size)

    def _look_at_fields(self, since: Fraction) -> Fields:
        return together([fields_of(run) for run in self._runs(since) if run])

    def _runs(self, since: Fraction = Fraction(0)) -> Iterator[list[av.VideoFrame]]:
        return runs(self.name, self.part.file, self.reading, since, trust_headers=self._trust_headers)

    @property
    def frame_rate(self) -> Fraction:
        """Frames per second, a guess where the container does not say."""
        video = self.part.video
        assert video is not None
        rate = video.guessed_rate or video.average_rate
        return fraction(rate) if rate else Fraction(25)

    @cached_property
    def audio_rate_hz(self) -> int:
        """Samples per second of every `AudioBlock`."""
        assert self.metadata.audio is not None
        return self.metadata.audio.rate_hz

    @property
    def read_streams(self) -> tuple[int, ...]:
        """Indices, in the container, of the streams that are read: the picture, then the sound."""
        return tuple(stream.index for stream in self.part.selection.streams)

    @property
    def audio_streams(self) -> int:
        """Number of audio streams that are mixed."""
        return len(self.part.audio)

    @property
    def subtitle_streams(self) -> tuple[SubtitleStreamMetadata, ...]:
        """What the headers say of the subtitle streams, in file order."""
        return tuple(map(subtitle_stream_metadata, self.part.container.streams.subtitles))

    def decode(
        self, *, video: bool, audio: bool, subtitles: int | None = None, threads: int = 1
    ) -> Iterator[VideoFrame | AudioBlock]:
        """Decodes the wanted streams once, in file order; what cannot be decoded is counted in `damage`.

        Args:
            video: Decode the video stream, if there is one.
            audio: Decode the audio streams, if there are any.
            subtitles: Collect the subtitles of the stream with this number in `cues`.
            threads: Threads of the video decoder.

        Raises:
            MediaError: Everything that was wanted is encrypted.
        """
        in_order = MonotonicFrameFilter(self.damage, self.frames)
        if video:
            self._prepare_picture()
        wants = (video and self.metadata.video is not None, audio and self.metadata.audio is not None)
        decoded_anything = False
        part: Part | None = self.part
        while part is not None:
            ends = PacketEnds()
            for item in self._decode_part(part, wants, subtitles, in_order, ends, threads):
                decoded_anything = True
                if isinstance(item, VideoFrame):
                    yield from self.picture.frames(item)
                else:
                    yield item
            part = self._next_part(part, ends, in_order)
        for frame in in_order.finish():
            decoded_anything = True
            yield from self.picture.frames(frame)
        yield from self.picture.finish()
        if self.damage.packets_encrypted:
            if not decoded_anything:
                raise MediaError(f"{self.name}: is encrypted; decrypt it first")
            self.notes.append("a part of the file is encrypted and was not decoded")

    def _decode_part(
        self,
        part: Part,
        wants: tuple[bool, bool],
        subtitles: int | None,
        in_order: MonotonicFrameFilter,
        ends: PacketEnds,
        threads: int,
    ) -> Iterator[VideoFrame | AudioBlock]:
        pictures = part.video if wants[0] else None
        sounds = part.audio[: self.audio_streams] if wants[1] else ()
        streams: list[Any] = [*(() if pictures is None else (pictures,)), *sounds]
        texts = [stream for stream in part.container.streams.subtitles if stream.index == subtitles]
        if not (streams or texts):
            return
        if part.video is not None:
            part.video.codec_context.thread_count = threads
        tallies = {stream.index: part.tally(stream) for stream in streams}
        converters = {stream.index: self._converter(part, i) for i, stream in enumerate(sounds)}
        times = DecodeOrderTimestamps() if part.format in _CONTAINERS_WITHOUT_PTS else None
        census = FrameCensus(self.damage)
        for packet in part.packets([*streams, *texts], self.damage, ends):
            if packet.stream in texts:
                self.damage.subtitles_undecodable += add_cues(packet, part.clock(packet.stream), self.cues)
                continue
            is_video = packet.stream is pictures
            tallies[packet.stream.index].add(packet)
            if is_empty(packet):
                repeats = is_video and times is None and in_order.last is not None and not _reorders_frames(part)
                if repeats and (last := in_order.last) is not None:
                    yield from in_order.push(self.placed(part, last.frame, packet.pts, last))
                continue
            if packet.size and packet.has_sidedata("encryption_info"):
                self.damage.packets_encrypted += 1
                continue
            if is_video and times is not None:
                times.add_packet(packet)
            try:
                frames = packet.decode()
            except (FFmpegError, EOFError):
                self._count_undecodable(packet, times if is_video else None, is_video)
                continue
            if is_video:
                census.add_packet(packet)
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    census.add_frame(frame)
                    pts = frame.pts if times is None else times.next_time()
                    picture = self.placed(part, frame, pts, in_order.last)
                    self.damage.video_frames_before_start += picture.start < -_LEAD_IN
                    yield from in_order.push(picture)
                elif isinstance(frame, av.AudioFrame):
                    yield from self._sound(part, packet.stream.index, converters[packet.stream.index], frame)
        for converter in converters.values():
            yield from self._noted(converter.finish())
        if times is None:
            census.finish()
        self._count_missing(part, tallies)
        if part.format == "mpegts" and part is self.part:
            self.damage.packets_encrypted += scrambled_packets(part.file, [stream.id for stream in streams])

    def _next_part(self, part: Part, ends: PacketEnds, in_order: MonotonicFrameFilter) -> Part | None:
        """The next part of the file, placed where this one ends."""
        following = part.following(self.name, self.reading, ends, self.damage, trust_headers=self._trust_headers)
        if following is None:
            return None
        self._open.callback(following.container.close)
        last, block = in_order.last, self._last_block
        end = Fraction(0) if last is None else last.start + last.duration
        if block is not None and block.start is not None:
            end = max(end, block.start + Fraction(block.channels.shape[1], self.audio_rate_hz))
        if following.format == "mpegts":
            ahead = following.origin - part.origin - end
            end = following.origin - part.origin if _SAME_CLOCK[0] <= ahead <= _SAME_CLOCK[1] else end
            self._read_later |= {stream.id for stream in following.selection.streams}
            notes_before = self.part.selection.notes()
            self.notes[: len(notes_before)] = self.part.selection.notes(self._read_later)
            self.notes.append("the programme goes on under other stream numbers, and was read on")
        else:
            self.notes.append("a second file is joined on to this one, and was read on")
        following.origin -= end
        return following

    def _converter(self, part: Part, position: int) -> SoundConverter:
        return SoundConverter(
            self.audio_rate_hz,
            part.format,
            standard=self.reading.downmix == "standard",
            damage=self.damage,
            trust_headers=self._trust_headers,
            stream=position,
        )

    def _count_undecodable(self, packet: Any, times: DecodeOrderTimestamps | None, is_video: bool) -> None:
        if is_video:
            self.damage.video_packets_undecodable += 1
        else:
            self.damage.audio_packets_undecodable += 1
        if times is not None:
            times.drop_packet(packet)

    def placed(self, part: Part, frame: av.VideoFrame, pts: int | None, last: VideoFrame | None) -> VideoFrame:
        """A decoded frame with its times; one without a time stamp comes right after the last one."""
        clock = part.video_clock
        if pts is None:
            start = Fraction(0) if last is None else last.start + 1 / self.frame_rate
            pts = round((start + part.origin) / clock.time_base)
        length = clock.length(pts, frame.duration or 1 / (self.frame_rate * clock.time_base))
        start = clock.seconds(pts)
        if part is not self.part:
            pts = round((start + self.origin) / self.time_base)
        return VideoFrame(frame, pts, start, min(length, MAX_GAP_S), part.pixel_aspect)

    def _sound(self, part: Part, stream: int, converter: SoundConverter, frame: av.AudioFrame) -> Iterator[AudioBlock]:
        start = duration = None
        if frame.pts is not None:
            clock = part.audio_clocks[stream]
            ticks = frame.duration or Fraction(frame.samples, frame.sample_rate) / clock.time_base
            start, duration = clock.seconds(frame.pts), clock.length(frame.pts, ticks)
        yield from self._noted(converter.convert(frame, start, duration))

    def _noted(self, blocks: Iterable[AudioBlock]) -> Iterator[AudioBlock]:
        for block in blocks:
            if block.start is not None:
                self.damage.audio_blocks_before_start += block.start < -_LEAD_IN
                self._last_block = block
            yield block

    def _count_missing(self, part: Part, tallies: dict[int, StreamTally]) -> None:
        for index, tally in tallies.items():
            packets, seconds = tally.missing_packets()
            self.lost_s = max(self.lost_s, seconds)
            if part.video is not None and index == part.video.index:
                self.damage.video_packets_missing += packets
            else:
                self.damage.audio_packets_missing += packets


def _reorders_frames(part: Part) -> bool:
    return part.video is not None and bool(part.video.codec_context.has_b_frames)


def _states_rate(video: Any) -> bool:
    codec = None if video is None else video.codec_context
    return codec is not None and codec.name != "mjpeg" and bool(codec.framerate)
