"""A format of ratings: how its files are recognised, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from avcues.pipeline.annotations.importing.reading import Reading


class Read(Protocol):
    """Reads files of a format."""

    def __call__(self, files: Sequence[Path], options: FormatOptions) -> Reading: ...


@dataclass(frozen=True, kw_only=True)
class FormatOptions:
    """Facts that the files of a format may not state.

    Args:
        setup: Setup of all ratings; None: the usual setup of the format.
        dimension: Dimension of all ratings, or several separated by commas if a file holds several; None: as the file
            states.
        header: Template of the columns of ratings, for formats of questionnaires, such as "{video_id}_{dimension}".
        frame_rate: Frames per second, for formats that count time in frames.
    """

    setup: str | None = None
    dimension: str | None = None
    header: str | None = None
    frame_rate: float | None = None


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format of ratings.

    Args:
        title: Title in lists of formats.
        files: Usual names of the files, for help texts.
        looks_like: Whether a file has the format, by its path and the beginning of its text.
        read: Yields the tidy rows of files.
    """

    title: str
    files: str
    looks_like: Callable[[Path, str], bool]
    read: Read
