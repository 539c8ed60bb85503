"""Locates the files from which the videos were measured, for stills and for playing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from avcues.pipeline.errors import InputError, MediaError
from avcues.pipeline.report.thumbnails import find_source
from avcues.pipeline.report.video import Video
from avcues.pipeline.store.records import read_record


@dataclass(frozen=True)
class Source:
    """The possible files of a video.

    Args:
        candidates: Files from which the tables may have been made.
        copy_address: Address, relative to the page, of the copy that is passed on with the pages; empty: pages play the
            original.
    """

    candidates: tuple[Path, ...]
    copy_address: str = ""

    def address(self, video: Video, page: Path) -> str:
        """The address of the file relative to the page; empty if the file does not exist."""
        try:
            path = find_source(video, self.candidates)
        except MediaError:
            return ""
        relative = self.copy_address or Path(os.path.relpath(path.resolve(), page.parent.resolve())).as_posix()
        return quote(relative)


def sources_of(out: Path, video_ids: Sequence[str], media: Path | None) -> list[Source]:
    """For each video, the candidates for its source: its recorded path, or all files of the same name below `media`.

    Raises:
        InputError: The folder `media` does not exist.
    """
    recorded = [Path(str(read_record(out, video_id).get("source", video_id))) for video_id in video_ids]
    if media is None:
        return [Source((path,)) for path in recorded]
    if not media.is_dir():
        raise InputError(f"`media={media}`: no such folder")
    by_name: dict[str, list[Path]] = {}
    for path in sorted(media.rglob("*")):
        by_name.setdefault(path.name, []).append(path)
    return [Source(tuple(by_name.get(path.name, [media / path.name]))) for path in recorded]
