"""What a container says of its streams, before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from pipeline.media.timestamps import fraction


@dataclass(frozen=True)
class VideoStreamMetadata:
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
class AudioStreamMetadata:
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
class MediaMetadata:
    """What a file is; `start_s` (of t = 0) and `duration_s` are seconds on the container's own clock."""

    container: str
    bytes: int
    start_s: float
    duration_s: float | None
    video: VideoStreamMetadata | None
    audio: AudioStreamMetadata | None


def video_stream_metadata(stream: VideoStream) -> VideoStreamMetadata:
    """Facts of a video stream."""
    return VideoStreamMetadata(
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


def audio_stream_metadata(stream: AudioStream) -> AudioStreamMetadata:
    """Facts of an audio stream."""
    return AudioStreamMetadata(
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
    return float((stream.start_time or 0) * fraction(stream.time_base))


def _stream_duration(stream: Any) -> float | None:
    return None if stream.duration is None else float(stream.duration * fraction(stream.time_base))
