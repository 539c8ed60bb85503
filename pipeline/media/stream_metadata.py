"""Metadata of streams in a container's headers, known before anything is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from avcues.pipeline.media.picture import color_tags
from avcues.pipeline.media.picture.color_tags import tag_name
from avcues.pipeline.media.timestamps import fraction


@dataclass(frozen=True)
class VideoStreamMetadata:
    """Metadata of the video stream.

    Args:
        stream: Number of the stream, as ffprobe counts them.
        codec: FFmpeg's name of the codec.
        width: Pixels as coded, before rotation.
        height: Pixels as coded, before rotation.
        pixel_format: FFmpeg's name of the pixel format.
        color_matrix: Matrix between Y'CbCr and RGB; "untagged": the file does not say; BT.709 is used for high
            definition, otherwise BT.601.
        color_range: "limited" (16 to 235) or "full"; "untagged": the pixel format decides, which is limited except for
            the yuvj formats.
        color_transfer: How code values become light, by FFmpeg's name, such as "smpte2084" for PQ; or "untagged".
        color_primaries: The gamut, by FFmpeg's name; or "untagged".
        field_order: "progressive", or the order of the fields of interlaced video, coded then displayed, such as "tt".
        sample_aspect_ratio: Width of a pixel to its height.
        average_rate: Frames per second.
        time_base: Seconds per unit of a time stamp.
        start_s: First presentation time, on the container's own clock.
        duration_s: Duration by the header; None if it does not say.
        packets_promised: Number of frames by the header; 0 if it does not say.
    """

    stream: int
    codec: str
    width: int
    height: int
    pixel_format: str
    color_matrix: str
    color_range: str
    color_transfer: str
    color_primaries: str
    field_order: str
    sample_aspect_ratio: str
    average_rate: str
    time_base: str
    start_s: float
    duration_s: float | None
    packets_promised: int


@dataclass(frozen=True)
class AudioStreamMetadata:
    """Metadata of the audio streams that are read.

    Args:
        streams: Numbers of the streams that are read, as ffprobe counts them; all other fields describe the first.
        language: Language by the container; None if it does not say.
        codec: FFmpeg's name of the codec.
        rate_hz: Samples per second.
        channels: Number of channels.
        layout: FFmpeg's name of the channel layout.
        time_base: Seconds per unit of a time stamp.
        start_s: First presentation time, on the container's own clock.
        duration_s: Duration by the header; None if it does not say.
        packets_promised: Number of packets by the header, or of samples if it counts these (PCM); 0 if it does not say.
    """

    streams: tuple[int, ...]
    language: str | None
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
    """Metadata of a file.

    Args:
        container: FFmpeg's name of the container format.
        bytes: Size of the file in bytes.
        start_s: Time of t = 0 on the container's own clock.
        duration_s: Duration by the header, or FFmpeg's estimate.
        video: The video stream that is decoded.
        audio: The audio streams that are decoded.
    """

    container: str
    bytes: int
    start_s: float
    duration_s: float | None
    video: VideoStreamMetadata | None
    audio: AudioStreamMetadata | None


def video_stream_metadata(stream: VideoStream) -> VideoStreamMetadata:
    """Reads the metadata of a video stream."""
    return VideoStreamMetadata(
        stream=stream.index,
        codec=stream.codec_context.name,
        width=stream.codec_context.width,
        height=stream.codec_context.height,
        pixel_format=stream.codec_context.pix_fmt or "unknown",
        color_matrix=tag_name(color_tags.MATRICES, stream.codec_context.colorspace),
        color_range=tag_name(color_tags.RANGES, stream.codec_context.color_range),
        color_transfer=tag_name(color_tags.TRANSFERS, stream.codec_context.color_trc),
        color_primaries=tag_name(color_tags.PRIMARIES, stream.codec_context.color_primaries),
        field_order=tag_name(color_tags.FIELD_ORDERS, stream.codec_context.field_order),
        sample_aspect_ratio=str(stream.sample_aspect_ratio or "unknown"),
        average_rate=str(stream.average_rate or "unknown"),
        time_base=str(stream.time_base),
        start_s=_stream_start(stream),
        duration_s=_stream_duration(stream),
        packets_promised=stream.frames,
    )


def audio_stream_metadata(streams: Sequence[AudioStream]) -> AudioStreamMetadata:
    """Reads the metadata of the audio streams that are read."""
    stream = streams[0]
    return AudioStreamMetadata(
        streams=tuple(stream.index for stream in streams),
        language=stream.language,
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
