"""The files that the videos were measured from, for stills and for pages that play."""

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
    """Where a video may lie.

    Args:
        candidates: Files that may be the one that the tables were made from.
        beside: Address of the copy that goes along with the pages, seen from the page; empty: pages play the file
            where it lies.
    """

    candidates: tuple[Path, ...]
    beside: str = ""

    def address(self, video: Video, page: Path) -> str:
        """Address of the file as seen from the page, empty where there is none."""
        try:
            path = find_source(video, self.candidates)
        except MediaError:
            return ""
        relative = self.beside or Path(os.path.relpath(path.resolve(), page.parent.resolve())).as_posix()
        return quote(relative)


def sources_of(out: Path, video_ids: Sequence[str], media: Path | None) -> list[Source]:
    """For each video the files that may be its source: where it was, or those of its name in `media`, at any depth.

    Raises:
        InputError: There is no folder `media`.
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
