"""Merges the output folders of runs that each processed a part of the videos."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from avcues.atomic_files import temporary_name
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.store.files import prepare_output
from avcues.pipeline.store.layout import record_path, recorded_videos, table_path
from avcues.pipeline.store.lock import OutputLock
from avcues.pipeline.store.manifest import pin, require_manifest
from avcues.pipeline.store.records import read_record, remember_requested, requested_videos

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location


@dataclass(frozen=True, kw_only=True)
class MergeResult:
    """Result of a merge.

    Args:
        added: Number of videos that were added.
        kept_ids: Ids of videos that the target folder had finished before; their tables were kept.
    """

    added: int
    kept_ids: tuple[str, ...]


def merge(parts: Sequence[Path], out: Path) -> MergeResult:
    """Adds the tables and records of several output folders to one folder; the parts are not changed.

    Files become hard links to those of the parts if the file system allows that, and copies otherwise. A merge may be
    stopped at any time and started again.

    Args:
        parts: Output folders of runs with the same settings and different videos.
        out: The folder of all videos; may exist.

    Raises:
        SettingsError: A folder was made with other settings, is in use, or is not an output folder of avcues.
    """
    if out.resolve() in {part.resolve() for part in parts}:
        raise SettingsError(f"`out={out}` is one of the parts: name another folder")
    manifests = {part: require_manifest(part) for part in parts}
    prepare_output(out)
    added, kept_ids = 0, []
    with ExitStack() as locks:
        for folder in (*parts, out):
            locks.enter_context(OutputLock(folder))
        for part, manifest in manifests.items():
            ids = recorded_videos(part)
            pin(out, manifest, video_ids=ids)
            remember_requested(sorted({*ids, *requested_videos(part)}), out)
            for video_id in ids:
                if read_record(out, video_id).get("state") == "done":
                    kept_ids.append(video_id)
                    continue
                for table in manifest.tables:
                    _link_or_copy(table_path(part, table, video_id), table_path(out, table, video_id))
                _link_or_copy(record_path(part, video_id), record_path(out, video_id))
                added += 1
    return MergeResult(added=added, kept_ids=tuple(kept_ids))


def _link_or_copy(source: Location, target: Location) -> None:
    """Links or copies a file, if it exists, so that it appears completely or not at all."""
    assert isinstance(source, Path)
    assert isinstance(target, Path)
    if not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(temporary_name(target.name))
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copy2(source, temporary)
    temporary.replace(target)
