"""Media files in a folder, and what else lies there, so that nothing is passed over in silence."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_VIDEO = """
264 265 266 3g2 3gp amv asf avi dav dif divx dv f4v flv gif gxf h261 h264 h265 h266 hevc ismv ivf m1v m2t m2ts m2v m4v
mj2 mjpeg mjpg mk3d mkv mod mov mp4 mpe mpeg mpg mpv mts mxf nut nuv obu ogm ogv qt rm rmvb swf tod ts vc1 viv vob vro
vvc webm wmv wtv y4m
"""
_AUDIO = """
aac ac3 ac4 adts aif aifc aiff amr ape au caf dts ec3 eac3 flac g722 gsm isma m2a m4a m4b mka mlp mp2 mp3 mpa mpc oga
ogg oma opus qoa ra shn snd sph spx tak thd tta voc w64 wav weba wma wv
"""
MEDIA_SUFFIXES = frozenset(f".{suffix}" for suffix in (_VIDEO + _AUDIO).split())
"""Suffixes of the formats that FFmpeg reads and that hold sound or moving pictures."""

_NAMED = 3  # of the files of one kind


@dataclass(frozen=True)
class MediaFiles:
    """What lies in a folder and the folders below it.

    Args:
        files: Media files by suffix, sorted; links that lead to no file are among them.
        passed_over: One line on everything else; empty where there is nothing.
    """

    files: tuple[Path, ...]
    passed_over: str


@dataclass
class _PassedOver:
    """Counts what is passed over, by kind."""

    names: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, name: str) -> None:
        self.names[kind].append(name)

    def line(self, place: object) -> str:
        if not self.names:
            return ""
        kinds = [
            f"{len(names)} {kind} ({', '.join(names[:_NAMED])}{', ...' if len(names) > _NAMED else ''})"
            for kind, names in sorted(self.names.items(), key=lambda item: -len(item[1]))
        ]
        return f"{place}: passed over {'; '.join(kinds)}"


def media_files(folder: Path) -> MediaFiles:
    """Looks through a folder and all below it. Links to folders are followed, once to each folder."""
    files = []
    passed_over = _PassedOver()
    for path in _walk(folder, passed_over):
        kind = _reason_to_skip(path.name)
        if kind is None and path.exists() and not path.is_file():
            kind = "that are no plain files"
        if kind is None:
            files.append(path)
        else:
            passed_over.add(kind, str(path.relative_to(folder)))
    return MediaFiles(tuple(sorted(files)), passed_over.line(folder))


def media_names(names: Iterable[str], place: object) -> tuple[list[str], str]:
    """Those of the paths in a store that are media files by suffix, and one line on the others."""
    passed_over = _PassedOver()
    media = []
    for name in names:
        kind = _reason_to_skip(Path(name).name)
        if kind is None:
            media.append(name)
        else:
            passed_over.add(kind, Path(name).name)
    return media, passed_over.line(place)


def _walk(folder: Path, passed_over: _PassedOver) -> Iterator[Path]:
    """Every file below a folder."""
    visited = {_identity(folder)}

    def unreadable(error: OSError) -> None:
        passed_over.add("folders that cannot be read", os.path.relpath(error.filename, folder))

    for place, folders, names in os.walk(folder, onerror=unreadable, followlinks=True):
        for name in sorted(folders):
            identity = _identity(Path(place, name))
            if identity in visited:  # a link into a folder that is searched anyway, or in a circle
                folders.remove(name)
                passed_over.add("links to folders that are searched anyway", str(Path(place, name).relative_to(folder)))
            visited.add(identity)
        yield from (Path(place, name) for name in names)


def _identity(folder: Path) -> tuple[int, int]:
    stat = folder.stat()
    return stat.st_dev, stat.st_ino


def _reason_to_skip(name: str) -> str | None:
    """Why a file is passed over, by its name; None: it is taken."""
    if name.startswith("."):
        return "hidden files"  # other programs' own, such as macOS's "._clip.mp4"
    suffix = Path(name).suffix.lower()
    if suffix in MEDIA_SUFFIXES:
        return None
    return f"files {suffix}" if suffix else "files without a suffix"
