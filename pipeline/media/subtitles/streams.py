"""Subtitle streams of a container: which one is read, and its packets as cues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.error import FFmpegError
from av.stream import Disposition

from avcues.pipeline.media.stream_clock import StreamClock
from avcues.pipeline.media.subtitles.cues import Cue
from avcues.pipeline.media.subtitles.languages import code

_ASS_FIELDS = 9  # ReadOrder, Layer, Style, Name, MarginL, MarginR, MarginV, Effect, Text
_NAME, _TEXT = 3, 8


@dataclass(frozen=True)
class SubtitleStreamMetadata:
    """What the container says of a subtitle stream.

    Args:
        index: Number of the stream in the file.
        codec: FFmpeg's name of the codec.
        language: ISO 639 code, or None where it is not tagged or not known.
        is_text: It holds text, not pictures.
        default: The container recommends it.
        forced: It holds what foreigners say, not all that is said.
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
        language=code(stream.metadata.get("language", "")),
        is_text=context is not None and context.codec.text_sub,
        default=bool(stream.disposition & Disposition.default),
        forced=bool(stream.disposition & Disposition.forced),
    )


def choose_stream(streams: Sequence[SubtitleStreamMetadata], language: str | None) -> SubtitleStreamMetadata | None:
    """The stream of text to read; None where there is none.

    Preferred are, in this order: full ones to forced ones, the language wanted, the one that the container recommends,
    English, and the first.

    Args:
        language: ISO 639 code of the language wanted, or None.
    """
    language_code = code(language) if language else None
    return min(
        (stream for stream in streams if stream.is_text),
        key=lambda s: (
            s.forced,
            language_code is not None and s.language != language_code,
            not s.default,
            s.language != "en",
            s.index,
        ),
        default=None,
    )


def cues_of(packet: Any, clock: StreamClock, cues: list[Cue]) -> int:
    """Adds the cues of a packet; 1 if the decoder refuses it, else 0."""
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
    length = (packet.duration or 0) * clock.time_base or Fraction(decoded.end_display_time, 1000)
    for line in decoded:
        fields = line.ass.decode("utf-8", "replace").split(",", _ASS_FIELDS - 1)
        if len(fields) == _ASS_FIELDS:
            event = pysubs2.SSAEvent(text=fields[_TEXT])
            if not event.is_drawing:
                cues.append(Cue(event.plaintext, start, start + length, fields[_NAME] or None))
    return 0
