"""Finds the videos of a study and their transcripts."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from pathlib import Path

from avcues.pipeline.collection.design import Design
from avcues.pipeline.collection.design.questions import first_repeated
from avcues.pipeline.collection.stimuli.index import TranscriptLine
from avcues.pipeline.errors import InputError
from avcues.pipeline.media.subtitles.sidecars import Sidecar, find_sidecars, read_sidecar

# Containers that the standard library does not know on every system.
_EXTRA_SUFFIXES = frozenset(
    (".ts", ".mkv", ".m4a", ".m4v", ".mts", ".m2ts", ".flac", ".opus", ".webm", ".ogv", ".flv", ".vob", ".mxf")
)


@dataclass(frozen=True)
class Video:
    """A video of the study.

    Args:
        video_id: Name of the file without its suffix, as in feature tables.
        path: Path of the file.
        transcript: The subtitle file beside the video; None if there is none or no setup shows text.
    """

    video_id: str
    path: Path
    transcript: Sidecar | None


def find_videos(study: Path, design: Design) -> list[Video]:
    """The videos that a design names, by id.

    Raises:
        InputError: The folder or a file does not exist, two files have the same name, or a transcript is missing
            although a setup shows text.
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
    shows_text = any("text" in setup.shows for setup in design.setups)
    videos = [
        Video(path.stem, path, next(iter(find_sidecars(path, design.language)), None) if shows_text else None)
        for path in sorted(paths, key=lambda path: path.stem)
    ]
    if shows_text:
        without_transcript = [video.path.name for video in videos if video.transcript is None]
        if without_transcript:
            raise InputError(
                f"{folder}: no transcript beside {', '.join(without_transcript[:5])}"
                f"{' and others' if len(without_transcript) > 5 else ''}; "
                "a setup shows the text: expected NAME.srt or NAME.vtt beside each video"
            )
    return videos


def is_media(path: Path) -> bool:
    """Whether a file has the name of a video or sound file."""
    kind = (mimetypes.guess_type(path.name)[0] or "").partition("/")[0]
    return path.name[0] != "." and (kind in ("video", "audio") or path.suffix.lower() in _EXTRA_SUFFIXES)


def read_transcript(sidecar: Sidecar) -> tuple[tuple[TranscriptLine, ...], tuple[str, ...]]:
    """Reads the lines of a subtitle file without markup; returns also notes on what was left out.

    Raises:
        MediaError: The file cannot be read, or has no words.
    """
    sidecar_words = read_sidecar(sidecar)
    lines = tuple(
        TranscriptLine(start=float(utterance.start), end=float(utterance.end), text=utterance.text)
        for utterance in sidecar_words.utterances
    )
    return lines, tuple(f"{sidecar.name}: {note}" for note in sidecar_words.notes)
