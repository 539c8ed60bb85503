"""Subtitle streams of a container: chooses the one to read, and turns its packets into cues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.error import FFmpegError
from av.stream import Disposition

from avcues.pipeline.media.stream_clock import StreamClock
from avcues.pipeline.media.subtitles.cues import Cue
from avcues.pipeline.media.subtitles.languages import language_code

_ASS_FIELDS = 9  # ReadOrder, Layer, Style, Name, MarginL, MarginR, MarginV, Effect, Text
_NAME_FIELD, _TEXT_FIELD = 3, 8


@dataclass(frozen=True)
class SubtitleStreamMetadata:
    """Metadata of a subtitle stream in the container.

    Args:
        index: Number of the stream in the file.
        codec: FFmpeg's name of the codec.
        language: ISO 639 code; None if the tag is missing or unknown.
        is_text: Whether it holds text, not pictures.
        default: Whether the container recommends it.
        forced: Whether it holds only translations of foreign speech instead of everything that is said.
    """

    index: int
    codec: str
    language: str | None
    is_text: bool
    default: bool
    forced: bool


def subtitle_stream_metadata(stream: Any) -> SubtitleStreamMetadata:
    """Reads the metadata of a subtitle stream."""
    context = getattr(stream, "codec_context", None)
    return SubtitleStreamMetadata(
        index=stream.index,
        codec="unknown" if context is None else context.codec.canonical_name,
        language=language_code(stream.metadata.get("language", "")),
        is_text=context is not None and context.codec.text_sub,
        default=bool(stream.disposition & Disposition.default),
        forced=bool(stream.disposition & Disposition.forced),
    )


def choose_stream(streams: Sequence[SubtitleStreamMetadata], language: str | None) -> SubtitleStreamMetadata | None:
    """The text stream to read; None without one.

    The criteria are, in this order: full streams before forced ones, the requested language, the stream that the
    container recommends, English, the first stream.

    Args:
        streams: The subtitle streams.
        language: ISO 639 code of the requested language, or None.
    """
    preferred = language_code(language) if language else None
    return min(
        (stream for stream in streams if stream.is_text),
        key=lambda stream: (
            stream.forced,
            preferred is not None and stream.language != preferred,
            not stream.default,
            stream.language != "en",
            stream.index,
        ),
        default=None,
    )


def add_cues(packet: Any, clock: StreamClock, cues: list[Cue]) -> int:
    """Decodes a packet and appends its cues to `cues`; returns 1 if the decoder refuses the packet, else 0."""
    import pysubs2

    if packet.pts is None or not packet.size:
        return 0
    try:
        decoded = packet.stream.codec_context.decode2(packet)
    except (FFmpegError, EOFError):
        return 1
    if decoded is None:
        return 0
    start = clock.seconds(packet.pts)
    duration = (packet.duration or 0) * clock.time_base or Fraction(decoded.end_display_time, 1000)
    for line in decoded:
        fields = line.ass.decode("utf-8", "replace").split(",", _ASS_FIELDS - 1)
        if len(fields) == _ASS_FIELDS:
            event = pysubs2.SSAEvent(text=fields[_TEXT_FIELD])
            if not event.is_drawing:
                cues.append(Cue(event.plaintext, start, start + duration, fields[_NAME_FIELD] or None))
    return 0
