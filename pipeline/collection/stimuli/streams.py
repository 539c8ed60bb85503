"""Reads the times of a file's packets, and decides whether browsers can play its streams unchanged."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import av

from avcues.pipeline.media.container import Media
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.timestamps import fraction

Kind = Literal["video", "audio"]
_PIXEL_FORMATS = {"h264": ("yuv420p", "yuvj420p")}
_SOUND_CODECS = ("aac",)
_CONTAINERS = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
_TIME_TOLERANCE = Fraction(1, 1000)
_PRIMING = Fraction(1, 10)


@dataclass
class Packets:
    """The packets of a stream; times are in seconds from t = 0.

    Args:
        index: Index of the stream in its file.
        codec: Name of the codec.
        starts: Presentation times, sorted.
        end: End of the last packet.
        must_encode: Whether the stream cannot be copied: a packet has no time or size or is corrupt, the sound consists
            of several streams, or browsers show another picture.
    """

    index: int
    codec: str
    starts: list[Fraction] = field(default_factory=list)
    end: Fraction = Fraction(0)
    must_encode: bool = False


def read_packets(path: str, media: Media) -> dict[Kind, Packets]:
    """Reads the packets of the streams that avcues measures.

    Args:
        path: The file.
        media: The same file, opened by avcues, which defines t = 0.
    """
    packets: dict[Kind, Packets] = {}
    with av.open(path, metadata_errors="ignore") as container:
        streams = {index: container.streams[index] for index in media.read_streams}
        for index, stream in streams.items():
            kind: Kind = "video" if stream.type == "video" else "audio"
            packets.setdefault(kind, Packets(index, stream.codec_context.name, must_encode=media.audio_streams > 1))
        for packet in container.demux(*streams.values()):
            kind_packets = packets["video" if packet.stream.type == "video" else "audio"]
            if packet.dts is None and not packet.size:
                continue
            if packet.pts is None or not packet.size or packet.is_corrupt:
                kind_packets.must_encode = True
                continue
            if packet.is_discard and packet.stream.type == "video":
                continue  # decoded only for other frames, never shown
            base = fraction(packet.time_base)
            start = packet.pts * base - media.origin
            kind_packets.starts.append(start)
            kind_packets.end = max(kind_packets.end, start + (packet.duration or 0) * base)
    for stream_packets in packets.values():
        stream_packets.starts.sort()
    return packets


def is_shown_as_measured(media: Media) -> bool:
    """Whether every browser shows the coded picture as avcues measures it; decodes the first frame.

    Browsers rotate a picture and make its pixels square, but some do not mirror it, and none deinterlaces it.
    """
    for item in media.decode(video=True, audio=False):
        if isinstance(item, VideoFrame):
            return not media.frames.mirrored and not {"fields", "colour", "cropping"} & media.picture.applied.keys()
    return False


def can_be_copied(media: Media, packets: dict[Kind, Packets], kinds: tuple[Kind, ...]) -> bool:
    """Whether every browser can play the streams unchanged, each from t = 0 on."""
    if media.metadata.container not in _CONTAINERS:
        return False
    for kind in kinds:
        stream_packets = packets[kind]
        if stream_packets.must_encode or not stream_packets.starts:
            return False
        if kind == "video":
            video = media.metadata.video
            assert video is not None
            if (
                video.pixel_format not in _PIXEL_FORMATS.get(video.codec, ())
                or abs(stream_packets.starts[0]) > _TIME_TOLERANCE
            ):
                return False
        elif stream_packets.codec not in _SOUND_CODECS or not -_PRIMING < stream_packets.starts[0] <= _TIME_TOLERANCE:
            return False
    return True
