"""Opens a media file and decodes it once, packet by packet, on the clock that starts at t = 0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

from avcues.pipeline.errors import MediaError
from avcues.pipeline.media import limits
from avcues.pipeline.media.completeness import StreamTally
from avcues.pipeline.media.downmix import channels_of, downmix
from avcues.pipeline.media.frames import LONGEST_GAP, AudioBlock, Damage, FramesSeen, VideoFrame
from avcues.pipeline.media.stream_clock import StreamClock
from avcues.pipeline.media.stream_metadata import MediaMetadata, audio_stream_metadata, video_stream_metadata
from avcues.pipeline.media.subtitles.cues import Cue
from avcues.pipeline.media.subtitles.streams import SubtitleStreamMetadata, cues_of, subtitle_stream_metadata
from avcues.pipeline.media.timestamps import (
    DecodeOrderTimestamps,
    MonotonicFrameFilter,
    TimestampUnwrapper,
    fraction,
    nearest_turn,
)
from avcues.pipeline.store.files import Source, open_source

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

# AVFMT_TS_DISCONT: containers of broadcast streams, whose clock may restart.
_FORMAT_MAY_RESTART_CLOCK = 0x0200
# Frames of these carry no presentation times.
_CONTAINERS_WITHOUT_PTS = ("avi", "mpegvideo")
# Codecs prime their sound: it starts this much before the picture in containers without edit lists, and is no content.
_PRIMING = Fraction(1, 20)
# What starts up to this much before t = 0 is priming, or frames that belong to a shot cut off before the file begins.
_LEAD_IN = Fraction(1, 2)
# av_read_frame that fails this often in a row will not recover.
_READ_ERRORS_IN_A_ROW = 64
_READ_BYTES = 1 << 18
# A file with fewer key frames than this is not worth the wait for one picture.
_FRAMES_PER_SEEK = 1000


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
        cues: The subtitles decoded so far.
    """

    name: str
    metadata: MediaMetadata
    origin: Fraction
    damage: Damage = field(default_factory=Damage)
    frames: FramesSeen = field(default_factory=FramesSeen)
    lost_s: Fraction = Fraction(0)
    cues: list[Cue] = field(default_factory=list)
    _trust_headers: bool = False
    _open: ExitStack = field(default_factory=ExitStack)
    _container: Any = None
    _video: VideoStream | None = None
    _audio: AudioStream | None = None

    @classmethod
    def open(cls, place: Location, *, trust_headers: bool = False) -> Media:
        """Opens a file and reads its headers.

        Args:
            place: Path or URL of the file.
            trust_headers: Decode the file even if its headers claim more than `avcues.pipeline.media.limits` allow.

        Raises:
            MediaError: It is missing, unreadable, no media file, claims sizes or rates that are out of bounds, or has
                neither a video nor an audio stream.
            OSError: Reading failed for a reason that may pass.
        """
        with ExitStack() as stack:
            source = stack.enter_context(open_source(place))
            container = stack.enter_context(_open_container(source, trust_headers=trust_headers))
            video, audio = _best_video(container), _best_audio(container)
            if video is None and audio is None:
                raise MediaError(f"{place}: has neither a video nor an audio stream that can be decoded")
            if not trust_headers:
                _check_claims(source.name, video, audio)
            origin = _origin(video, audio, clock_wraps=container.format.name == "mpegts")
            metadata = MediaMetadata(
                container=container.format.name,
                bytes=source.bytes,
                start_s=float(origin),
                duration_s=None if container.duration is None else container.duration / av.time_base,
                video=None if video is None else video_stream_metadata(video),
                audio=None if audio is None else audio_stream_metadata(audio),
            )
            return cls(
                source.name,
                metadata,
                origin,
                _trust_headers=trust_headers,
                _open=stack.pop_all(),
                _container=container,
                _video=video,
                _audio=audio,
            )

    def __enter__(self) -> Media:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def time_base(self) -> Fraction:
        """Seconds per unit of `VideoFrame.pts`."""
        return self._video_clock.time_base

    @property
    def frame_rate(self) -> Fraction:
        """Frames per second, a guess where the container does not say."""
        assert self._video is not None
        rate = self._video.guessed_rate or self._video.average_rate
        return fraction(rate) if rate else Fraction(25)

    @property
    def subtitle_streams(self) -> tuple[SubtitleStreamMetadata, ...]:
        """What the headers say of the subtitle streams, in file order."""
        return tuple(map(subtitle_stream_metadata, self._container.streams.subtitles))

    def decode(
        self, *, video: bool, audio: bool, subtitles: int | None = None, threads: int = 1
    ) -> Iterator[VideoFrame | AudioBlock]:
        """Decodes the wanted streams once, in file order; what cannot be decoded is counted in `damage`.

        Args:
            video: Decode the video stream, if there is one.
            audio: Decode the audio stream, if there is one.
            subtitles: Collect the subtitles of the stream with this index in `cues`.
            threads: Threads of the video decoder.
        """
        wanted = [s for s, want in ((self._video, video), (self._audio, audio)) if s is not None and want]
        texts = [] if subtitles is None else [self._container.streams[subtitles]]
        clocks = {text.index: StreamClock(text, self.origin, self._container.format.name) for text in texts}
        if not (wanted or texts):
            return
        if self._video is not None:
            self._video.codec_context.thread_count = threads
        tallies = {stream.index: self._tally(stream) for stream in wanted}
        times = DecodeOrderTimestamps() if self._container.format.name in _CONTAINERS_WITHOUT_PTS else None
        in_order = MonotonicFrameFilter(self.damage, self.frames)
        for packet in self._packets(wanted + texts):
            if packet.stream.index in clocks:
                self.damage.subtitles_undecodable += cues_of(packet, clocks[packet.stream.index], self.cues)
                continue
            is_video = packet.stream is self._video
            tallies[packet.stream.index].add(packet)
            if _is_empty(packet):
                repeats = is_video and times is None and in_order.last is not None and not self._reorders_frames
                if repeats and (last := in_order.last) is not None:
                    yield from in_order.push(self._picture(last.frame, packet.pts, last))
                continue
            if is_video and times is not None:
                times.packet(packet)
            try:
                frames = packet.decode()
            except (FFmpegError, EOFError):
                if is_video:
                    self.damage.video_packets_undecodable += 1
                    if times is not None:
                        times.undecodable(packet)
                else:
                    self.damage.audio_packets_undecodable += 1
                continue
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    pts = frame.pts if times is None else times.frame()
                    picture = self._picture(frame, pts, in_order.last)
                    self.damage.video_frames_before_start += picture.start < -_LEAD_IN
                    yield from in_order.push(picture)
                elif isinstance(frame, av.AudioFrame) and (block := self._sound(frame)) is not None:
                    self.damage.audio_blocks_before_start += block.start is not None and block.start < -_LEAD_IN
                    yield block
        yield from in_order.finish()
        self._count_missing(tallies)

    def frames_at(self, times: Iterable[Fraction]) -> Iterator[VideoFrame | None]:
        """Seeks the frame on screen at each time; None where none can be decoded. For thumbnails, not for measuring.

        Where frames carry no presentation times of their own it may be off by a few frames.

        Args:
            times: Seconds on the clock of t = 0.
        """
        assert self._video is not None
        self._video.codec_context.thread_type = "AUTO"
        for time in times:
            try:
                self._container.seek(round((time + self.origin) / self.time_base), stream=self._video)
                yield self._frame_on_screen(time)
            except FFmpegError:
                yield None

    def _frame_on_screen(self, time: Fraction) -> VideoFrame | None:
        """Decodes from the file's current position until the frame on screen at `time` is known."""
        last: VideoFrame | None = None
        frames = 0
        for packet in self._packets([self._video]):
            if _is_empty(packet):
                continue
            try:
                decoded = packet.decode()
            except (FFmpegError, EOFError):
                continue
            for frame in decoded:
                picture = self._picture(frame, frame.dts if frame.pts is None else frame.pts, last)
                if last is not None and picture.start > time:
                    return last
                last = picture
                frames += 1
            if frames >= _FRAMES_PER_SEEK:
                break
        return last

    def _packets(self, streams: list[Any]) -> Iterator[Any]:
        """Packets of the streams, then one flush packet each; read errors are skipped."""
        unwrapper = TimestampUnwrapper() if self._container.format.flags & _FORMAT_MAY_RESTART_CLOCK else None
        errors = 0
        while True:
            try:
                for packet in self._container.demux(*streams):
                    errors = 0
                    if unwrapper is not None:
                        self.damage.clock_restarts += unwrapper.shift(packet)
                    yield packet
                return
            except FFmpegError:
                self.damage.read_errors += 1
                errors += 1
                if errors >= _READ_ERRORS_IN_A_ROW:
                    return

    def _picture(self, frame: av.VideoFrame, pts: int | None, last: VideoFrame | None) -> VideoFrame:
        clock = self._video_clock
        if pts is None:
            start = Fraction(0) if last is None else last.start + 1 / self.frame_rate
            pts = round((start + self.origin) / clock.time_base)
        length = clock.length(pts, frame.duration or 1 / (self.frame_rate * clock.time_base))
        return VideoFrame(frame, pts, clock.seconds(pts), min(length, LONGEST_GAP))

    def _sound(self, frame: av.AudioFrame) -> AudioBlock | None:
        if not self._trust_headers and frame.sample_rate not in limits.AUDIO_RATES_HZ:
            self.damage.audio_packets_undecodable += 1  # a rate that changed in mid-stream
            return None
        channels = channels_of(frame)
        if frame.sample_rate != self.audio_rate_hz:
            import soxr

            channels = soxr.resample(downmix([channels]), frame.sample_rate, self.audio_rate_hz)[None]
        if frame.pts is None:
            return AudioBlock(channels, None, None)
        clock = self._audio_clock
        ticks = frame.duration or Fraction(frame.samples, frame.sample_rate) / clock.time_base
        return AudioBlock(channels, clock.seconds(frame.pts), clock.length(frame.pts, ticks))

    @property
    def _reorders_frames(self) -> bool:
        return self._video is not None and bool(self._video.codec_context.has_b_frames)

    @cached_property
    def _video_clock(self) -> StreamClock:
        return StreamClock(self._video, self.origin, self._container.format.name)

    @cached_property
    def _audio_clock(self) -> StreamClock:
        return StreamClock(self._audio, self.origin, self._container.format.name)

    @cached_property
    def audio_rate_hz(self) -> int:
        """Samples per second of every `AudioBlock`."""
        assert self.metadata.audio is not None
        return self.metadata.audio.rate_hz

    def _tally(self, stream: Any) -> StreamTally:
        length = self._container.duration
        end = None if length is None else Fraction(length, av.time_base)
        return StreamTally(stream, self._container.format.name, end)

    def _count_missing(self, tallies: dict[int, StreamTally]) -> None:
        for index, tally in tallies.items():
            packets, seconds = tally.missing()
            self.lost_s = max(self.lost_s, seconds)
            if self._video is not None and index == self._video.index:
                self.damage.video_packets_missing = packets
            else:
                self.damage.audio_packets_missing = packets


def _open_container(source: Source, *, trust_headers: bool) -> InputContainer:
    options = limits.decoder_options(trust_headers=trust_headers)
    try:
        with limits.refusing_oversized_pictures(source.name, trust_headers=trust_headers):
            # Read through Python's file, so that a disk or network that fails is told from a file that is damaged.
            opened = av.open(source.file, options=options, metadata_errors="ignore", buffer_size=_READ_BYTES)
        return cast(InputContainer, opened)
    except (FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError(
            f"{source.name}: is not a media file that can be read ({reason}); it may be cut off, encrypted or misnamed"
        ) from error


def _check_claims(name: str, video: VideoStream | None, audio: AudioStream | None) -> None:
    if video is not None:
        limits.check_picture(name, video.codec_context.width, video.codec_context.height)
        # The stream's size may change in mid-stream.
        video.codec_context.options = limits.decoder_options(trust_headers=False)
    if audio is not None:
        limits.check_sound(name, audio.codec_context.sample_rate, audio.codec_context.channels)


def _is_empty(packet: Any) -> bool:
    """Whether a packet has a time but no content; a decoder would take it for the end of the stream.

    In Theora it repeats the frame before it.
    """
    return packet.dts is not None and not packet.size


def _origin(video: VideoStream | None, audio: AudioStream | None, *, clock_wraps: bool) -> Fraction:
    """Container time of t = 0."""
    starts = [
        None if stream is None or stream.start_time is None else stream.start_time * fraction(stream.time_base)
        for stream in (video, audio)
    ]
    picture, sound = starts
    if clock_wraps and picture is not None and sound is not None:
        starts = [picture, sound := nearest_turn(sound, picture)]
    if picture is not None and sound is not None and 0 < picture - sound < _PRIMING:
        return picture
    return min((start for start in starts if start is not None), default=Fraction(0))


def _best_video(container: InputContainer) -> VideoStream | None:
    streams = [s for s in container.streams.video if _decodable(s) and not s.disposition & Disposition.attached_pic]
    best = container.streams.best("video")
    return best if best in streams else next(iter(streams), None)


def _best_audio(container: InputContainer) -> AudioStream | None:
    streams = [s for s in container.streams.audio if _decodable(s) and s.codec_context.sample_rate]
    best = container.streams.best("audio")
    return best if best in streams else next(iter(streams), None)


def _decodable(stream: Any) -> bool:
    return getattr(stream, "codec_context", None) is not None
