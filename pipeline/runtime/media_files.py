"""Finds the media files in a folder, and reports everything else, so that nothing is skipped silently."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_VIDEO = """
264 265 266 3g2 3gp amv asf avi avs2 avs3 cavs dav dif divx dnxhd dnxhr drc dv evc f4v flv gif gxf h261 h263 h264 h265
h266 hevc ismv ivf m1v m2t m2ts m2v m4v mj2 mjpeg mjpg mk3d mkv mod mov mp4 mpe mpeg mpg mpv mts mxf nut nuv obu ogm
ogv qt rm rmvb swf tod ts vc1 vc2 viv vob vro vvc webm wmv wtv y4m
"""
_AUDIO = """
aac ac3 ac4 adts aif aifc aiff amr ape au caf dts ec3 eac3 flac g722 gsm isma m2a m4a m4b mka mlp mp2 mp3 mpa mpc oga
ogg oma opus qoa ra shn snd sph spx tak thd tta voc w64 wav weba wma wv
"""
MEDIA_SUFFIXES = frozenset(f".{suffix}" for suffix in (_VIDEO + _AUDIO).split())
"""Suffixes of the formats that FFmpeg reads and that hold sound or moving pictures."""

_MAX_EXAMPLES = 3  # names of skipped files of one kind


@dataclass(frozen=True)
class MediaFiles:
    """The content of a folder and the folders below it.

    Args:
        files: Media files by suffix, sorted, including links without a target.
        skipped: One line about everything else; empty if there is nothing else.
    """

    files: tuple[Path, ...]
    skipped: str


@dataclass
class _SkippedFiles:
    """Names of skipped files, by kind."""

    names: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, name: str) -> None:
        self.names[kind].append(name)

    def line(self, folder: object) -> str:
        if not self.names:
            return ""
        kinds = [
            f"{kind} ({len(names)}: {', '.join(names[:_MAX_EXAMPLES])}{', ...' if len(names) > _MAX_EXAMPLES else ''})"
            for kind, names in sorted(self.names.items(), key=lambda item: -len(item[1]))
        ]
        return f"{folder}: skipped {'; '.join(kinds)}"


def media_files(folder: Path) -> MediaFiles:
    """Searches a folder and all folders below it. Links to folders are followed, but each folder is searched once."""
    files = []
    skipped = _SkippedFiles()
    for path in _walk(folder, skipped):
        kind = _reason_to_skip(path.name)
        if kind is None and path.exists() and not path.is_file():
            kind = "special files"
        elif kind is not None and path.is_symlink() and not path.exists():
            kind = "links that lead nowhere"  # perhaps to a folder of videos
        if kind is None:
            files.append(path)
        else:
            skipped.add(kind, str(path.relative_to(folder)))
    return MediaFiles(tuple(sorted(files)), skipped.line(folder))


def media_names(names: Iterable[str], folder: object) -> tuple[list[str], str]:
    """The paths in a store that are media files by suffix, and one line about the others."""
    skipped = _SkippedFiles()
    media = []
    for name in names:
        kind = _reason_to_skip(Path(name).name)
        if kind is None:
            media.append(name)
        else:
            skipped.add(kind, Path(name).name)
    return media, skipped.line(folder)


def _walk(folder: Path, skipped: _SkippedFiles) -> Iterator[Path]:
    """Every file below a folder."""
    visited = {_identity(folder)}

    def note_unreadable(error: OSError) -> None:
        skipped.add("folders that cannot be read", os.path.relpath(error.filename, folder))

    for parent, folders, names in os.walk(folder, onerror=note_unreadable, followlinks=True):
        for name in sorted(folders):
            identity = _identity(Path(parent, name))
            if identity in visited:  # a link to a folder that is searched anyway, or a cycle
                folders.remove(name)
                skipped.add("links to folders that are searched anyway", str(Path(parent, name).relative_to(folder)))
            visited.add(identity)
        yield from (Path(parent, name) for name in names)


def _identity(folder: Path) -> tuple[int, int]:
    stat = folder.stat()
    return stat.st_dev, stat.st_ino


def _reason_to_skip(name: str) -> str | None:
    """Why a file is skipped, by its name; None if it is a media file."""
    if name.startswith("."):
        return "hidden files"  # of other programs, such as "._clip.mp4" of macOS
    suffix = Path(name).suffix.lower()
    if suffix in MEDIA_SUFFIXES:
        return None
    return f"{suffix} files" if suffix else "files without a suffix"
