"""Makes a report as one file to pass on: it opens on any machine and does not reveal folders of this machine."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from markupsafe import escape

from avcues.pipeline.errors import InputError, MediaError, SettingsError
from avcues.pipeline.report.build import Report, complete_options
from avcues.pipeline.report.column_files import COLUMNS
from avcues.pipeline.report.index import page_path
from avcues.pipeline.report.make_pages import OnProgress, Pages, make_pages, plan
from avcues.pipeline.report.options import Options
from avcues.pipeline.report.privacy import PathShortener
from avcues.pipeline.report.sources import Source
from avcues.pipeline.report.thumbnails import find_source
from avcues.pipeline.report.video import Video, video_ids
from avcues.pipeline.store.exchange import scratch_folder
from avcues.pipeline.store.files import write_atomically
from avcues.pipeline.store.records import read_record

_MAX_EMBEDDED = 32 << 20
"""Bytes of column files that a single page may embed."""
_MEDIA = "media"


def share(
    out: Path,
    file: Path,
    selected: Sequence[str] = (),
    *,
    options: Options = Options(),
    fresh: bool = False,
    with_media: bool = False,
    workers: int | None = None,
    on_progress: OnProgress = lambda done, total: None,
) -> Report:
    """Makes the pages of the selected videos, or of all, and packs them into one file; the report is not changed.

    Args:
        out: Folder of a dataset.
        file: "*.zip" for an archive of all pages, or "*.html" for the page of one video with all its columns.
        selected: Ids; none: all videos.
        options: What the pages show; missing options are taken from the report of the dataset.
        fresh: Ignore that report.
        with_media: Put the videos into the ZIP file, and let the pages play them.

    Raises:
        SettingsError: The file is neither ZIP nor HTML, or an HTML file would hold several videos or media.
        AvcuesError: As for `build`.
    """
    kind = file.suffix.lower()
    if kind not in (".zip", ".html"):
        raise SettingsError(f"`share={file}`: expected FILE.zip or FILE.html")
    if with_media and kind == ".html":
        raise SettingsError("`with_media`: an HTML file holds no videos; share a ZIP file")
    columns = options.columns
    options, notes = complete_options(out, None, options, fresh)
    if not with_media:
        notes = [note for note in notes if not note.startswith("`media=")]
    pages = plan(out, selected, options, columns=columns, names=_names(out, options))
    if kind == ".html" and len(pages.videos) != 1:
        raise SettingsError(
            f"`share={file}`: an HTML file is the page of one video; name one of the {len(pages.videos)}, or share a "
            "ZIP file"
        )
    if not os.access(file.resolve().parent, os.W_OK):
        raise SettingsError(f"`share={file}`: its folder does not exist or cannot be written")
    pages, media_files = _with_copies(pages) if with_media else (_without_media(pages), {})
    pages = replace(pages, is_single_page=kind == ".html")
    with scratch_folder(file.resolve()) as staging:
        problems = make_pages(pages, staging, workers, on_progress)
        if kind == ".html" and not problems:
            text = _single_page(page_path(staging, pages.videos[0]).read_text("utf-8"), staging, notes)
            write_atomically(file, lambda target: target.write(text.encode()))
        elif kind == ".zip":
            write_atomically(file, lambda target: _pack(target, file.stem, staging, media_files))
    return Report(file, len(pages.videos) - len(problems), tuple(problems), tuple(notes), pages.options.still_kind)


def _names(out: Path, options: Options) -> PathShortener:
    sources = (Path(str(read_record(out, video_id).get("source", ""))).parent for video_id in video_ids(out))
    option_paths = (path for path in (options.media, options.predictions, options.annotations) if path is not None)
    return PathShortener.of([out, Path.cwd(), *sources, *option_paths])


def _without_media(pages: Pages) -> Pages:
    """The pages without playing media; stills are still made from the videos."""
    return replace(pages, options=replace(pages.options, media=None))


def _with_copies(pages: Pages) -> tuple[Pages, dict[str, Path]]:
    """The pages with copies of the videos to play, and the original of each copy by its name.

    Raises:
        InputError: A video file cannot be found.
    """
    media_files: dict[str, Path] = {}
    sources = []
    for video_id, source in zip(pages.videos, pages.sources, strict=True):
        try:
            path = find_source(Video(pages.out, video_id, pages.manifest), source.candidates)
        except MediaError as error:
            raise InputError(f"{video_id}: {error}") from error
        name = f"{video_id}{path.suffix}"
        media_files[name] = path
        sources.append(Source((path,), copy_address=f"../{_MEDIA}/{name}"))
    options = replace(pages.options, media=pages.options.media or pages.out)
    return replace(pages, sources=tuple(sources), options=options), media_files


def _pack(target: BinaryIO, name: str, pages: Path, media: dict[str, Path]) -> None:
    """Writes everything into one folder of the archive; media are compressed already, so they are only stored."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in sorted(path for path in pages.rglob("*") if path.is_file()):
            archive.write(path, f"{name}/{path.relative_to(pages).as_posix()}")
        for file, source in media.items():
            archive.write(source, f"{name}/{_MEDIA}/{file}", compress_type=zipfile.ZIP_STORED)


def _single_page(text: str, report: Path, notes: list[str]) -> str:
    """The page with the files of its columns embedded."""
    files = sorted((report / COLUMNS).rglob("*.js"))
    if sum(path.stat().st_size for path in files) > _MAX_EMBEDDED:
        notes.append(
            "columns that the page does not draw are left out, because they are too large; share a ZIP file instead"
        )
        files = []
    embedded = "".join(_embedded(path, report) for path in files)
    return text.replace("</body>", f"{embedded}</body>")


def _embedded(path: Path, report: Path) -> str:
    address = path.relative_to(report).as_posix()
    return f'<script type="text/plain" data-file="{escape(address)}">{path.read_text()}</script>\n'
