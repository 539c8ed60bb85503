"""Finds the videos of a study and their transcripts."""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from avcues.pipeline.collection.design import Design
from avcues.pipeline.collection.design.questions import first_repeated
from avcues.pipeline.errors import InputError

_SUBTITLES = (".srt", ".vtt")
# Containers that the standard library does not know on every system.
_MORE = frozenset((".mkv", ".m4a", ".m4v", ".mts", ".m2ts", ".flac", ".opus", ".webm", ".ogv", ".flv", ".vob", ".mxf"))
_TIMES = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{3})\s+-->\s+(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{3})")
_MARKUP = re.compile(r"<[^>]*>|\{\\[^}]*\}")


@dataclass(frozen=True)
class Video:
    """A video of the study.

    Args:
        video_id: The file's name without its suffix, as in feature tables.
        transcript: Its subtitle file; None: there is none.
    """

    video_id: str
    path: Path
    transcript: Path | None


@dataclass(frozen=True)
class Cue:
    """A line of a transcript: what is said from `start` to `end`, in seconds."""

    start: float
    end: float
    text: str


def find_videos(study: Path, design: Design) -> list[Video]:
    """The videos that a design names, by id.

    Raises:
        InputError: The folder or a file does not exist, two files have the same name, or a transcript is missing that
            a setup shows.
    """
    folder = study / design.videos.folder
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; correct videos.folder in study.toml, relative to {study}")
    if design.videos.files:
        paths = [folder / name for name in design.videos.files]
        if missing := next((path for path in paths if not path.is_file()), None):
            raise InputError(f"{missing}: no such file; correct videos.files in study.toml")
    else:
        paths = sorted(path for path in folder.iterdir() if path.is_file() and is_media(path))
    if not paths:
        raise InputError(f"{folder}: has no video or sound file")
    if stem := first_repeated(path.stem for path in paths):
        raise InputError(f'{folder}: two files are named "{stem}"; name one in videos.files, or rename it')
    videos = [Video(path.stem, path, _beside(path)) for path in sorted(paths, key=lambda path: path.stem)]
    if any("text" in setup.shows for setup in design.setups):
        without = [video.path.name for video in videos if video.transcript is None]
        if without:
            raise InputError(
                f"{folder}: no transcript beside {', '.join(without[:5])}{' and others' if len(without) > 5 else ''}; "
                "a setup shows the text: expected NAME.srt or NAME.vtt beside each video"
            )
    return videos


def is_media(path: Path) -> bool:
    """Whether a file's name is that of a video or of sound."""
    kind = (mimetypes.guess_type(path.name)[0] or "").partition("/")[0]
    return path.name[0] != "." and (kind in ("video", "audio") or path.suffix.lower() in _MORE)


def read_transcript(path: Path) -> list[Cue]:
    """The lines of a subtitle file (SubRip or WebVTT), without markup.

    Raises:
        InputError: It cannot be read, or has no line with times.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    cues = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.strip().split("\n")
        at = next((i for i, line in enumerate(lines) if _TIMES.search(line)), None)
        if at is None:
            continue
        match = _TIMES.search(lines[at])
        assert match is not None
        words = " ".join(part for line in lines[at + 1 :] if (part := _MARKUP.sub("", line).strip()))
        if words:
            numbers = [int(number or 0) for number in match.groups()]
            cues.append(Cue(_seconds(numbers[:4]), _seconds(numbers[4:]), words))
    if not cues:
        raise InputError(f"{path}: has no line with times; expected SubRip or WebVTT")
    return sorted(cues, key=lambda cue: (cue.start, cue.end))


def _seconds(parts: list[int]) -> float:
    hours, minutes, seconds, milliseconds = parts
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


def _beside(path: Path) -> Path | None:
    return next((found for suffix in _SUBTITLES if (found := path.with_suffix(suffix)).is_file()), None)
