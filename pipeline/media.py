"""Opening a media file, its facts, and decoding it once, packet by packet, on the clock that starts at t = 0."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipeline.errors import MediaError

# A hole in a stream longer than this is a broken time stamp, not a pause.
LONGEST_GAP = Fraction(3600)
# Containers of broadcast streams may restart their clock; ffmpeg bridges jumps beyond the same thresholds.
_DISCONTINUITY = Fraction(10)
_BACKWARDS = Fraction(1, 10)
_CLOCKS_REMEMBERED = 4
# A frame this far ahead is believed once the next one does not return to the old time.
_SUSPICIOUS = Fraction(2)
# Codecs' priming makes sound start this much before the picture in containers without edit lists; it is no content.
_PRIMING = Fraction(1, 20)
_FINGERPRINT_PIECE, _FINGERPRINT_PIECES = 1 << 16, 128
_CONTAINERS_WITHOUT_PTS = ("avi", "mpegvideo")
_FORMAT_MAY_RESTART_CLOCK = 0x0200  # AVFMT_TS_DISCONT
# av_read_frame that fails this often in a row will not recover.
_READ_ERRORS_IN_A_ROW = 64


@dataclass(frozen=True)
class VideoFacts:
    """What the container says of the video stream; sizes are as coded, before rotation."""

    codec: str
    width: int
    height: int
    pixel_format: str
    sample_aspect_ratio: str
    average_rate: str
    time_base: str
    start_s: float
    duration_s: float | None
    packets_promised: int


@dataclass(frozen=True)
class AudioFacts:
    """What the container says of the audio stream."""

    codec: str
    rate_hz: int
    channels: int
    layout: str
    time_base: str
    start_s: float
    duration_s: float | None
    packets_promised: int


@dataclass(frozen=True)
class MediaFacts:
    """What a file is; `start_s` (of t = 0) and `duration_s` are seconds on the container's own clock."""

    container: str
    bytes: int
    fingerprint: str
    start_s: float
    duration_s: float | None
    video: VideoFacts | None
    audio: AudioFacts | None


@dataclass
class FramesSeen:
    """What the decoded frames tell and the container may not."""

    count: int = 0
    rotation: int = 0
    """Degrees that the first frame is turned counter-clockwise for display."""
    shortest_interval_s: float | None = None
    longest_interval_s: float | None = None

    def note(self, frame: VideoFrame, interval: Fraction | None) -> None:
        """Takes the next frame and the time since the one before it."""
        if self.count == 0:
            self.rotation = frame.rotation
        self.count += 1
        if interval is not None:
            seconds = float(interval)
            self.shortest_interval_s = min(seconds, self.shortest_interval_s or seconds)
            self.longest_interval_s = max(seconds, self.longest_interval_s or seconds)


@dataclass
class Damage:
    """What was lost while decoding; all zero for a sound file."""

    video_packets_undecodable: int = 0
    audio_packets_undecodable: int = 0
    video_packets_missing: int = 0
    audio_packets_missing: int = 0
    frames_unplaceable: int = 0
    audio_blocks_overlapping: int = 0
    read_errors: int = 0
    clock_restarts: int = 0

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def __str__(self) -> str:
        return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in asdict(self).items() if count)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded video frame; on screen from `start` until the next one's start, the last one for `duration`."""

    frame: VideoFrame
    pts: int
    start: Fraction
    duration: Fraction


@dataclass(frozen=True, slots=True)
class Sound:
    """Decoded mono samples, float32 in -1..1, the mean of all channels; `start` None: right after the last ones."""

    samples: npt.NDArray[np.float32]
    start: Fraction | None
    duration: Fraction | None


@dataclass
class Media:
    """An open media file. Use as a context manager."""

    path: Path
    facts: MediaFacts
    origin: Fraction
    """Container time of t = 0: the earliest presentation time of the selected streams."""
    damage: Damage = field(default_factory=Damage)
    frames: FramesSeen = field(default_factory=FramesSeen)
    _container: Any = None
    _video: VideoStream | None = None
    _audio: AudioStream | None = None

    @classmethod
    def open(cls, path: Path) -> Media:
        """Opens a file and reads its headers.

        Raises:
            MediaError: It is missing, unreadable, no media file, or has neither sound nor moving pictures.
        """
        container = _open_container(path)
        try:
            video, audio = _best_video(container), _best_audio(container)
            if video is None and audio is None:
                raise MediaError(f"{path}: has neither a video nor an audio stream that can be decoded")
            facts = MediaFacts(
                container=container.format.name,
                bytes=path.stat().st_size,
                fingerprint=_fingerprint(path),
                start_s=float(_origin(video, audio)),
                duration_s=None if container.duration is None else container.duration / av.time_base,
                video=None if video is None else _video_facts(video),
                audio=None if audio is None else _audio_facts(audio),
            )
            return cls(path, facts, _origin(video, audio), _container=container, _video=video, _audio=audio)
        except BaseException:
            container.close()
            raise

    def __enter__(self) -> Media:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._container.close()

    @property
    def time_base(self) -> Fraction:
        """Seconds per unit of `Picture.pts`."""
        assert self._video is not None
        return _fraction(self._video.time_base)

    @property
    def frame_rate(self) -> Fraction:
        """Frames per second, a guess where the container does not say."""
        assert self._video is not None
        rate = self._video.guessed_rate or self._video.average_rate
        return _fraction(rate) if rate else Fraction(25)

    def seconds(self, pts: int) -> Fraction:
        """Time on the clock of t = 0 of a `Picture.pts`."""
        return pts * self.time_base - self.origin

    def decode(self, *, video: bool, audio: bool, threads: int = 1) -> Iterator[Picture | Sound]:
        """Decodes the wanted streams once, in file order; what cannot be decoded is counted in `damage`."""
        wanted = [s for s, want in ((self._video, video), (self._audio, audio)) if s is not None and want]
        if not wanted:
            return
        if self._video is not None:
            self._video.codec_context.thread_count = threads
        read = dict.fromkeys((stream.index for stream in wanted), 0)
        times = _DisplayTimes() if self._container.format.name in _CONTAINERS_WITHOUT_PTS else None
        line = _FrameLine(self.damage, self.frames)
        for packet in self._packets(wanted):
            is_video = packet.stream is self._video
            read[packet.stream.index] += packet.dts is not None or packet.size > 0
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
                if isinstance(frame, VideoFrame):
                    pts = frame.pts if times is None else times.frame()
                    yield from line.push(self._picture(frame, pts, line.last))
                elif isinstance(frame, AudioFrame):
                    yield self._sound(frame)
        yield from line.finish()
        self._count_missing(read)

    def _packets(self, streams: list[Any]) -> Iterator[Any]:
        """Packets of the streams, then one flush packet each; read errors are skipped."""
        bridge = _ClockBridge() if self._container.format.flags & _FORMAT_MAY_RESTART_CLOCK else None
        errors = 0
        while True:
            try:
                for packet in self._container.demux(*streams):
                    errors = 0
                    if bridge is not None:
                        self.damage.clock_restarts += bridge.shift(packet)
                    yield packet
                return
            except FFmpegError:
                self.damage.read_errors += 1
                errors += 1
                if errors >= _READ_ERRORS_IN_A_ROW:
                    return

    def _picture(self, frame: VideoFrame, pts: int | None, last: Picture | None) -> Picture:
        duration = frame.duration * self.time_base if frame.duration else 1 / self.frame_rate
        if pts is None:
            start = Fraction(0) if last is None else last.start + 1 / self.frame_rate
            pts = round((start + self.origin) / self.time_base)
        return Picture(frame, pts, self.seconds(pts), min(duration, LONGEST_GAP))

    def _sound(self, frame: AudioFrame) -> Sound:
        samples = _mono(frame)
        if frame.sample_rate != self.audio_rate_hz:
            import soxr

            samples = soxr.resample(samples, frame.sample_rate, self.audio_rate_hz)
        if frame.pts is None:
            return Sound(samples, None, None)
        time_base = _fraction(frame.time_base)
        duration = frame.duration * time_base if frame.duration else None
        return Sound(samples, frame.pts * time_base - self.origin, duration)

    @property
    def audio_rate_hz(self) -> int:
        """Samples per second of every `Sound`."""
        assert self.facts.audio is not None
        return self.facts.audio.rate_hz

    def _count_missing(self, read: dict[int, int]) -> None:
        for stream, facts in ((self._video, self.facts.video), (self._audio, self.facts.audio)):
            if stream is not None and facts is not None and stream.index in read:
                missing = max(0, facts.packets_promised - read[stream.index])
                if stream is self._video:
                    self.damage.video_packets_missing = missing
                else:
                    self.damage.audio_packets_missing = missing


class _FrameLine:
    """Frames in display order, without those whose time stamps cannot be true.

    Attributes:
        last: The last frame that was let through.
    """

    def __init__(self, damage: Damage, seen: FramesSeen) -> None:
        self.last: Picture | None = None
        self._damage = damage
        self._seen = seen
        self._suspect: Picture | None = None

    def push(self, picture: Picture) -> Iterator[Picture]:
        """Takes the next frame and yields those that are certain now."""
        suspect, self._suspect = self._suspect, None
        if suspect is not None:
            if picture.start > suspect.start:
                yield self._pass(suspect)
            else:
                self._damage.frames_unplaceable += 1
        ahead = picture.start - (self.last.start if self.last is not None else 0)
        if ahead > LONGEST_GAP or (self.last is not None and ahead <= 0):
            self._damage.frames_unplaceable += 1
        elif ahead > _SUSPICIOUS:
            self._suspect = picture
        else:
            yield self._pass(picture)

    def finish(self) -> Iterator[Picture]:
        """Yields what was still in doubt."""
        if self._suspect is not None:
            yield self._pass(self._suspect)

    def _pass(self, picture: Picture) -> Picture:
        self._seen.note(picture.frame, None if self.last is None else picture.start - self.last.start)
        self.last = picture
        return picture


class _ClockBridge:
    """Joins the pieces of a stream whose clock restarts.

    A packet is on the known clock that puts it nearest to where its stream is expected to go on, as long as that
    neither leads backwards nor far ahead of the whole file: a pause in one stream is no restart. Where no known clock
    fits, a new one begins.
    """

    def __init__(self) -> None:
        self._offsets = [Fraction(0)]
        self._expected: dict[int, Fraction] = {}

    def shift(self, packet: Any) -> bool:
        """Moves the packet's time stamps onto the running clock; True where a new clock begins."""
        if packet.dts is None:
            return False
        time_base = _fraction(packet.time_base)
        raw = packet.dts * time_base
        running = max(self._expected.values(), default=raw)
        expected = self._expected.get(packet.stream_index, running)
        fitting = [
            offset
            for offset in self._offsets[-_CLOCKS_REMEMBERED:]
            if raw + offset >= expected - _BACKWARDS and raw + offset <= running + _DISCONTINUITY
        ]
        restarted = not fitting and bool(self._expected)
        if restarted:
            self._offsets.append(expected - raw)
        offset = min(fitting, key=lambda o: abs(raw + o - expected)) if fitting else self._offsets[-1]
        self._expected[packet.stream_index] = raw + offset + (packet.duration or 0) * time_base
        if offset:
            ticks = round(offset / time_base)
            packet.dts += ticks
            if packet.pts is not None:
                packet.pts += ticks
        return restarted


class _DisplayTimes:
    """Time stamps for frames of containers that store none: decoding times, smallest first.

    Frames leave the decoder in display order, so the k-th frame gets the k-th smallest time.
    """

    def __init__(self) -> None:
        self._waiting: list[int] = []

    def packet(self, packet: Any) -> None:
        """Takes the time of a packet that is about to be decoded."""
        if packet.dts is not None and packet.size:
            heapq.heappush(self._waiting, packet.dts)

    def undecodable(self, packet: Any) -> None:
        """Forgets the time of a packet that gave no frame."""
        if packet.dts in self._waiting:
            self._waiting.remove(packet.dts)
            heapq.heapify(self._waiting)

    def frame(self) -> int | None:
        """The time of the next frame."""
        return heapq.heappop(self._waiting) if self._waiting else None


def _open_container(path: Path) -> InputContainer:
    if not path.exists():
        raise MediaError(f"{path}: no such file")
    if path.is_dir():
        raise MediaError(f"{path}: is a folder, not a media file")
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: is empty (0 bytes); copy or download it again")
    try:
        # "file:" keeps ffmpeg from reading a name such as "a:b.mp4" as a protocol.
        return av.open(f"file:{path}", metadata_errors="ignore")
    except PermissionError as error:
        raise MediaError(f"{path}: no permission to read it") from error
    except (FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError(
            f"{path}: is not a media file that can be read ({reason}); it may be cut off, encrypted or misnamed"
        ) from error


def _origin(video: VideoStream | None, audio: AudioStream | None) -> Fraction:
    """Container time of t = 0."""
    starts = [
        None if stream is None or stream.start_time is None else stream.start_time * _fraction(stream.time_base)
        for stream in (video, audio)
    ]
    picture, sound = starts
    if picture is not None and sound is not None and 0 < picture - sound < _PRIMING:
        return picture
    return min((start for start in starts if start is not None), default=Fraction(0))


def _fingerprint(path: Path) -> str:
    """SHA-256 of a file's size and content, of a large file's in samples: tells it from another of its name."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    pieces = max(1, math.ceil(size / _FINGERPRINT_PIECE))
    with path.open("rb") as file:
        for i in range(min(pieces, _FINGERPRINT_PIECES)):
            file.seek(pieces * i // min(pieces, _FINGERPRINT_PIECES) * _FINGERPRINT_PIECE)
            digest.update(file.read(_FINGERPRINT_PIECE))
    return digest.hexdigest()


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


def _video_facts(stream: VideoStream) -> VideoFacts:
    return VideoFacts(
        codec=stream.codec_context.name,
        width=stream.codec_context.width,
        height=stream.codec_context.height,
        pixel_format=stream.codec_context.pix_fmt or "unknown",
        sample_aspect_ratio=str(stream.sample_aspect_ratio or "unknown"),
        average_rate=str(stream.average_rate or "unknown"),
        time_base=str(stream.time_base),
        start_s=_stream_start(stream),
        duration_s=_stream_duration(stream),
        packets_promised=stream.frames,
    )


def _audio_facts(stream: AudioStream) -> AudioFacts:
    return AudioFacts(
        codec=stream.codec_context.name,
        rate_hz=stream.codec_context.sample_rate,
        channels=stream.codec_context.channels,
        layout=stream.codec_context.layout.name,
        time_base=str(stream.time_base),
        start_s=_stream_start(stream),
        duration_s=_stream_duration(stream),
        packets_promised=stream.frames,
    )


def _stream_start(stream: Any) -> float:
    return float((stream.start_time or 0) * _fraction(stream.time_base))


def _stream_duration(stream: Any) -> float | None:
    return None if stream.duration is None else float(stream.duration * _fraction(stream.time_base))


def _fraction(value: Any) -> Fraction:
    return Fraction(value.numerator, value.denominator)


def _mono(frame: AudioFrame) -> npt.NDArray[np.float32]:
    """Plain mean of all channels as float32; libswresample's own down-mix would be 1.41 times louder."""
    samples: npt.NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, len(frame.layout.channels)).T
    if samples.dtype == np.uint8:
        scaled = (samples.astype(np.float64) - 128) / 128
    elif np.issubdtype(samples.dtype, np.integer):
        scaled = samples / -float(np.iinfo(samples.dtype).min)
    else:
        scaled = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    return scaled.mean(axis=0, dtype=np.float64).clip(-1, 1).astype(np.float32)
