"""The times of a file's packets, and whether browsers play its streams as they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import av

from avcues.pipeline.media.container import Media
from avcues.pipeline.media.timestamps import fraction

Kind = Literal["video", "audio"]
_PICTURE_OF = {"h264": ("yuv420p", "yuvj420p")}
_SOUND_OF = ("aac",)
_CONTAINERS = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
_ON_TIME = Fraction(1, 1000)
_PRIMING = Fraction(1, 10)


@dataclass
class Packets:
    """Times of a stream's packets, in seconds from t = 0.

    Args:
        index: Of the stream in its file.
        starts: Presentation times, sorted.
        end: Where the last one ends.
        odd: Whether a packet has no time or size, or is corrupt.
    """

    index: int
    codec: str
    starts: list[Fraction] = field(default_factory=list)
    end: Fraction = Fraction(0)
    odd: bool = False


def read_packets(path: str, media: Media) -> dict[Kind, Packets]:
    """The packets of the streams that avcues reads.

    Args:
        media: The same file, opened by avcues; it knows t = 0.
    """
    found: dict[Kind, Packets] = {}
    with av.open(path, metadata_errors="ignore") as container:
        streams: dict[int, tuple[Kind, Any]] = {}
        for kind in ("video", "audio"):
            stream = _chosen(container, kind, media)
            if stream is not None:
                streams[stream.index] = (kind, stream)
                found[kind] = Packets(stream.index, stream.codec_context.name)
        for packet in container.demux(*(stream for _, stream in streams.values())):
            kind, stream = streams[packet.stream_index]
            of_kind = found[kind]
            if packet.dts is None and not packet.size:
                continue
            if packet.pts is None or not packet.size or packet.is_corrupt:
                of_kind.odd = True
                continue
            if packet.is_discard and kind == "video":
                continue  # decoded for the sake of others, never shown
            base = fraction(stream.time_base)
            start = packet.pts * base - media.origin
            of_kind.starts.append(start)
            of_kind.end = max(of_kind.end, start + (packet.duration or 0) * base)
    for one in found.values():
        one.starts.sort()
    return found


def can_be_copied(media: Media, packets: dict[Kind, Packets], kinds: tuple[Kind, ...]) -> bool:
    """Whether every browser plays the streams as they are, each from t = 0 on."""
    if media.metadata.container not in _CONTAINERS:
        return False
    for kind in kinds:
        one = packets[kind]
        if one.odd or not one.starts:
            return False
        if kind == "video":
            video = media.metadata.video
            assert video is not None
            if video.pixel_format not in _PICTURE_OF.get(video.codec, ()) or abs(one.starts[0]) > _ON_TIME:
                return False
        elif one.codec not in _SOUND_OF or not -_PRIMING < one.starts[0] <= _ON_TIME:
            return False
    return True


def _chosen(container: Any, kind: Kind, media: Media) -> Any:
    """The stream that avcues reads."""
    about = getattr(media.metadata, kind)
    if about is None:
        return None
    best = container.streams.best(kind)
    candidates = [best, *(stream for stream in getattr(container.streams, kind) if stream is not best)]
    return next(s for s in candidates if s is not None and s.codec_context and s.codec_context.name == about.codec)
