"""Opens a media file, and decodes it once, packet by packet, with times from t = 0."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

import av

from avcues.pipeline.media.codec_delay import codec_delay_s, possible_delay_s
from avcues.pipeline.media.decoder import Decoder
from avcues.pipeline.media.format_dump import Cropping
from avcues.pipeline.media.frame_samples import may_be_interlaced, sample_runs
from avcues.pipeline.media.frames import MAX_GAP_S, AudioBlock, Damage, FrameStatistics, VideoFrame
from avcues.pipeline.media.part import Part
from avcues.pipeline.media.picture.bars import ActivePicture
from avcues.pipeline.media.picture.fields import FieldStatistics, combine
from avcues.pipeline.media.picture.idet import field_statistics
from avcues.pipeline.media.picture.stage import PictureStage
from avcues.pipeline.media.picture.stream_properties import StreamProperties
from avcues.pipeline.media.reading import Reading
from avcues.pipeline.media.source import open_media_file
from avcues.pipeline.media.stream_metadata import MediaMetadata, audio_stream_metadata, video_stream_metadata
from avcues.pipeline.media.subtitles.cues import Cue
from avcues.pipeline.media.subtitles.streams import SubtitleStreamMetadata, subtitle_stream_metadata
from avcues.pipeline.media.timestamps import fraction

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

_PROGRESSIVE = 1
# Raw video streams, for which FFmpeg assumes a rate.
_RAW_PICTURES = frozenset(
    ("h264", "hevc", "vvc", "m4v", "mjpeg", "h263", "h261", "vc1", "dirac", "cavsvideo", "obu", "jpeg_pipe")
)
# H.261 and H.263 state only a clock of 29.97 Hz, of which a frame may last several ticks.
_CODECS_WITHOUT_RATE = ("h261", "h263", "mjpeg")


@dataclass
class Media:
    """An open media file, made by `open`. Use as a context manager.

    Args:
        name: Path or URL, as the user gave it.
        metadata: Metadata from the headers.
        origin: Container time of t = 0: the earliest presentation time of the selected streams, without priming.
        damage: Counts of what was lost while decoding so far.
        frames: Statistics of the frames decoded so far.
        lost_s: Seconds by which a stream ends before its header says, as in a truncated file; known after `decode`.
        reading: Options of reading the file.
        notes: Notes for the user on the file, one line each.
        cues: The subtitles decoded so far.
        trust_headers: Whether headers may claim more than `avcues.pipeline.media.limits` allow.
        resources: Closes the file and its containers.
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
    trust_headers: bool = False
    resources: ExitStack = field(default_factory=ExitStack)
    part: Part = field(default=None)  # type: ignore[assignment]

    @classmethod
    def open(cls, location: Location, reading: Reading | None = None, *, trust_headers: bool = False) -> Media:
        """Opens a file and reads its headers.

        Args:
            location: Path or URL of the file.
            reading: Options of reading the file; None: the defaults.
            trust_headers: Decode the file even if its headers claim more than `avcues.pipeline.media.limits` allow.

        Raises:
            MediaError: The file is missing, unreadable or not a media file, claims sizes or rates out of bounds, or
                has neither a video nor an audio stream.
            OSError: Reading failed for a temporary reason.
        """
        reading = reading or Reading()
        with ExitStack() as stack:
            source = stack.enter_context(open_media_file(location))
            part = Part.open(source.name, source.file, reading, trust_headers=trust_headers)
            stack.callback(part.container.close)
            notes = part.selection.notes()
            if part.video is None and len(part.audio) == 1:
                (stream,) = part.audio
                if delay_s := codec_delay_s(part.format, stream):
                    part.origin += delay_s
                    notes.append(
                        f"the first {float(delay_s) * 1000:.0f} ms of sound, which {stream.codec_context.name} adds "
                        "before the content, are left out"
                    )
                elif delay_s := possible_delay_s(part.format, stream):
                    notes.append(
                        f"sound may be late by {float(delay_s) * 1000:.0f} ms, which {stream.codec_context.name} adds "
                        "before the content, and which this container does not state"
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
                trust_headers=trust_headers,
                resources=stack.pop_all(),
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
        self.resources.close()

    @cached_property
    def time_base(self) -> Fraction:
        """Seconds per unit of `VideoFrame.pts`."""
        return self.part.video_clock.time_base

    @cached_property
    def picture(self) -> PictureStage:
        """Converts frames to what a viewer sees."""
        video = self.part.video
        if video is None:
            return PictureStage(StreamProperties(), self.reading)
        properties = StreamProperties(
            pixel_aspect=fraction(video.sample_aspect_ratio) if video.sample_aspect_ratio else Fraction(1),
            cropping=self.part.dump.cropping.get(video.index, Cropping()),
            interlaced=int(video.codec_context.field_order) > _PROGRESSIVE,
            may_be_interlaced=may_be_interlaced(video.codec_context.height, self.frame_rate),
            dolby_vision=video.index in self.part.dump.dolby_vision_only,
            hidden_alpha=video.metadata.get("alpha_mode") == "1",
        )
        return PictureStage(properties, self.reading)

    def _prepare_picture(self) -> None:
        """Prepares the picture stage by samples from the whole file."""
        if self.part.video is None:
            return
        self.picture.fields.sample_file = None if self.reading.picture == "coded" else self._sample_fields
        if self.reading.bars == "crop":
            active = ActivePicture()
            for run in self._sample_runs():
                for frame in run:
                    active.add(frame)
            box = active.even_box()
            self.picture.bars = None if box is None else (box, active.size)

    def _sample_fields(self, since: Fraction) -> FieldStatistics:
        return combine([field_statistics(run) for run in self._sample_runs(since) if run])

    def _sample_runs(self, since: Fraction = Fraction(0)) -> Iterator[list[av.VideoFrame]]:
        return sample_runs(self.name, self.part.file, self.reading, since, trust_headers=self.trust_headers)

    @property
    def frame_rate(self) -> Fraction:
        """Frames per second; FFmpeg's guess if the container does not state the rate."""
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
        """Metadata of the subtitle streams, in file order."""
        return tuple(map(subtitle_stream_metadata, self.part.container.streams.subtitles))

    def decode(
        self, *, video: bool, audio: bool, subtitle_stream: int | None = None, threads: int = 1
    ) -> Iterator[VideoFrame | AudioBlock]:
        """Decodes the requested streams once, in file order; `damage` counts what cannot be decoded.

        Args:
            video: Decode the video stream, if there is one.
            audio: Decode the audio streams, if there are any.
            subtitle_stream: Number of the stream whose subtitles are collected in `cues`; None: no subtitles.
            threads: Threads of the video decoder.

        Raises:
            MediaError: Everything that was requested is encrypted.
        """
        if video:
            self._prepare_picture()
        decoder = Decoder(self, video=video, audio=audio, subtitle_stream=subtitle_stream, threads=threads)
        for item in decoder.decode():
            if isinstance(item, VideoFrame):
                yield from self.picture.frames(item)
            else:
                yield item
        yield from self.picture.finish()
        if self.damage.packets_encrypted:
            self.notes.append("a part of the file is encrypted and was not decoded")

    def timed_frame(self, part: Part, frame: av.VideoFrame, pts: int | None, last: VideoFrame | None) -> VideoFrame:
        """Adds its times to a decoded frame; a frame without a time stamp follows the last one immediately."""
        clock = part.video_clock
        if pts is None:
            start = Fraction(0) if last is None else last.start + 1 / self.frame_rate
            pts = round((start + part.origin) / clock.time_base)
        length = clock.length(pts, frame.duration or 1 / (self.frame_rate * clock.time_base))
        start = clock.seconds(pts)
        if part is not self.part:
            pts = round((start + self.origin) / self.time_base)
        return VideoFrame(frame, pts, start, min(length, MAX_GAP_S), part.pixel_aspect)


def _states_rate(video: Any) -> bool:
    codec = None if video is None else video.codec_context
    return codec is not None and codec.name not in _CODECS_WITHOUT_RATE and bool(codec.framerate)
