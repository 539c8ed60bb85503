"""The pages of two folders of the same videos, and their index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from avcues.errors import AvcuesError, nearest
from avcues.pipeline.errors import InputError
from avcues.pipeline.report.against.difference import TableDifference, table_differences
from avcues.pipeline.report.against.panels import difference_panels
from avcues.pipeline.report.against.recipes import setting_differences, version_differences
from avcues.pipeline.report.build import Report
from avcues.pipeline.report.make_pages import in_parallel
from avcues.pipeline.report.packing import packed_json
from avcues.pipeline.report.page import duration, library, templates
from avcues.pipeline.report.panels import frame_colours
from avcues.pipeline.report.video import Video, video_ids
from avcues.pipeline.store.exchange import replaced_folder
from avcues.pipeline.store.files import prepare_output, write_atomically
from avcues.pipeline.store.layout import report_path, table_path
from avcues.pipeline.store.manifest import Manifest, require_manifest
from avcues.pipeline.store.timeline_table import TIMELINE

_FOLDER_NAME = "against"


@dataclass(frozen=True)
class _Folders:
    """Two folders and their manifests."""

    first: Path
    second: Path
    manifests: tuple[Manifest, Manifest]

    @property
    def names(self) -> tuple[str, str]:
        """The names of the folders, or their paths if the names are the same."""
        paths = [folder.resolve() for folder in (self.first, self.second)]
        first, second = (path.name for path in paths)
        return (first, second) if first != second else (str(paths[0]), str(paths[1]))


def build_against(
    out: Path,
    other_folder: Path,
    selected: Sequence[str] = (),
    *,
    report: Path | None = None,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Makes a page for each video that both folders have, and an index, in `against/NAME` of the report.

    Args:
        out: Folder of a dataset.
        other_folder: Another folder of the same videos.
        selected: Ids; none: all videos that both have.
        report: Folder of the report; None: `report` in the dataset.
        workers: Processes; None: one per core.
        on_progress: Called with the number of pages made so far and the number of all.

    Raises:
        AvcuesError: A folder is not a dataset, the lengths of the windows differ, the folders have no video in common
            or lack a selected one, the drawing library could not be downloaded, or the folder cannot be written.
    """
    folders = _Folders(out, other_folder, (require_manifest(out), require_manifest(other_folder)))
    steps = [float(manifest.step) for manifest in folders.manifests]
    if steps[0] != steps[1]:
        raise InputError(
            f"`against={other_folder}`: its windows last {steps[1]:g} s, but those of {out} last {steps[0]:g} s"
        )
    ids_by_folder = [_ids_with_tables(folder) for folder in (out, other_folder)]
    common = [video_id for video_id in ids_by_folder[0] if video_id in set(ids_by_folder[1])]
    for video_id in selected:
        if video_id not in common:
            raise InputError(f'"{video_id}" is not in both {out} and {other_folder}{nearest(video_id, common)}')
    if not common:
        raise InputError(f"`against={other_folder}`: has no video of {out}; videos are matched by their ids")
    library()
    videos = list(dict.fromkeys(selected)) or common
    target = (report or Path(str(report_path(out)))) / _FOLDER_NAME / other_folder.resolve().name
    prepare_output(target.parent)
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    on_progress(0, len(videos))
    with replaced_folder(target) as new_folder:
        for row in in_parallel(workers, partial(_make_page, folders, new_folder), videos):
            if isinstance(row, str):
                problems.append(row)
            else:
                rows.append(row)
            on_progress(len(rows) + len(problems), len(videos))
        index = (
            templates()
            .get_template("against_index.html")
            .render(
                names=folders.names,
                rows=rows,
                settings=setting_differences(*folders.manifests),
                only=[(folders.names[i], sorted(set(ids_by_folder[i]) - set(ids_by_folder[1 - i]))) for i in range(2)],
                quote=quote,
            )
        )
        _write(new_folder / "index.html", index)
    page = target / f"{videos[0]}.html"
    return Report(
        page if len(selected) == 1 and not problems else target / "index.html",
        len(rows),
        tuple(problems),
        stills="none",
    )


def _ids_with_tables(folder: Path) -> list[str]:
    return [video_id for video_id in video_ids(folder) if table_path(folder, TIMELINE.name, video_id).exists()]


def _make_page(folders: _Folders, new_folder: Path, video_id: str) -> dict[str, Any] | str:
    """Makes the page of a video; returns its row in the index, or the message if the page could not be made."""
    try:
        first, second = (
            Video(folder, video_id, manifest)
            for folder, manifest in zip((folders.first, folders.second), folders.manifests, strict=True)
        )
        tables = table_differences(first, second)
        _write(new_folder / f"{video_id}.html", _page(folders, first, second, tables))
    except AvcuesError as error:
        return str(error)
    except Exception as error:
        return f"{video_id}: its page could not be made ({type(error).__name__}: {error}); try avcues validate"
    return {
        "video_id": video_id,
        "windows": (first.windows, second.windows),
        "equal": sum(len(table.equal) for table in tables),
        "differing": [table.table for table in tables if not table.is_equal],
        "columns": sum(len(table.differing) + len(table.texts) for table in tables),
        "only": _exclusive_tables(first, second),
    }


def _exclusive_tables(first: Video, second: Video) -> tuple[list[str], list[str]]:
    """The tables that only one of the folders has."""
    return [name for name in first.tables if name not in second.tables], [
        name for name in second.tables if name not in first.tables
    ]


def _page(folders: _Folders, first: Video, second: Video, tables: Sequence[TableDifference]) -> str:
    data = {
        "video": first.video_id,
        "step": first.step,
        "windows": max(first.windows, second.windows),
        "shots": first.shots,
        "shot_of_windows": first.shot_of_windows.tolist(),
        "film": [],
        "colours": frame_colours(first),
        "panels": difference_panels(first, second, tables, folders.names),
        "files": [],
    }
    return (
        templates()
        .get_template("against.html")
        .render(
            video=first,
            unreadable=[(name, video.unreadable) for name, video in zip(folders.names, (first, second), strict=True)],
            names=folders.names,
            length=duration(first.duration_s),
            windows=(first.windows, second.windows),
            tables=tables,
            only=_exclusive_tables(first, second),
            settings=[*setting_differences(*folders.manifests), *version_differences(first, second)],
            data=packed_json(data),
        )
    )


def _write(path: Path, content: str) -> None:
    write_atomically(path, lambda file: file.write(content.encode()))
