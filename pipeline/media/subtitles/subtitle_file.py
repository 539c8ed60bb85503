"""Reads subtitle files by pysubs2."""

from __future__ import annotations

import re
from fractions import Fraction

from avcues.pipeline.errors import MediaError, one_line
from avcues.pipeline.media.subtitles.cues import TIME_MARK, Cue

FORMATS = {
    ".srt": "srt",
    ".vtt": "vtt",
    ".ass": "ass",
    ".ssa": "ssa",
    ".ttml": "ttml",
    ".dfxp": "ttml",
    ".smi": "sami",
}
"""Maps the suffix to pysubs2's name of the format."""

_ARROW = "-->"
_VTT_TIME = re.compile(r"<(?:(\d+):)?(\d{2}):(\d{2})\.(\d{3})>")


def read_cues(text: str, suffix: str) -> tuple[list[Cue], int]:
    """The cues of a subtitle file, and the number of its subtitles that cannot be read.

    Args:
        text: Content of the file.
        suffix: Suffix of the file, one of `FORMATS`.

    Raises:
        MediaError: The file has another format, or no subtitles.
    """
    import pysubs2

    format_name = FORMATS[suffix]
    options = {"keep_unknown_html_tags": True} if format_name in ("srt", "vtt") else {}
    try:
        events = pysubs2.SSAFile.from_string(
            _cue_blocks(text) if format_name == "vtt" else text, format_=format_name, **options
        )
    except Exception as error:  # the library raises its own and those of its parsers
        raise MediaError(f"cannot be read as {format_name} ({type(error).__name__}: {one_line(error)})") from error
    subtitle_count = sum(_ARROW in line for line in text.split("\n")) if format_name in ("srt", "vtt") else len(events)
    visible_events = [event for event in events if not event.is_comment and not event.is_drawing]
    if not visible_events:
        raise MediaError(f"has no subtitles in the format {format_name}; is its suffix right?")
    cues = [
        Cue(event.plaintext, Fraction(event.start, 1000), Fraction(event.end, 1000), event.name or None)
        for event in visible_events
    ]
    return cues, max(0, subtitle_count - len(events))


def _cue_blocks(text: str) -> str:
    """WebVTT without comments, styles and cue names, which pysubs2 would read as text; times in texts become marks."""
    blocks = [block[block.rindex("\n", 0, block.index(_ARROW)) :] for block in _blocks(text) if _ARROW in block]
    return _VTT_TIME.sub(_time_mark, "WEBVTT\n" + "\n".join(blocks) + "\n")


def _blocks(text: str) -> list[str]:
    # Only an empty line ends a cue: rolling captions have lines of a single space.
    return [f"\n{block}\n" for block in re.split(r"\n\n+", text)]


def _time_mark(time: re.Match[str]) -> str:
    hours, minutes, seconds, ms = (int(group or 0) for group in time.groups())
    return TIME_MARK.format(((hours * 60 + minutes) * 60 + seconds) * 1000 + ms)
