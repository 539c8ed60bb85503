"""The pages of a folder: those of videos in parallel, then the histograms, the raters' page and the index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dask.system import CPU_COUNT

from avcues.errors import AvcuesError, nearest
from avcues.pipeline.dataset.catalog import Catalog, read_catalog
from avcues.pipeline.errors import DatasetError, InputError
from avcues.pipeline.processes import process_pool
from avcues.pipeline.report import agreement_page, histograms, index, page
from avcues.pipeline.report.column_files import write_column_files
from avcues.pipeline.report.emotion import panels_of
from avcues.pipeline.report.index import PAGES, page_path, row_of, row_of_page, row_without_tables
from avcues.pipeline.report.options import Options
from avcues.pipeline.report.panels import chosen_columns, matching
from avcues.pipeline.report.privacy import Names
from avcues.pipeline.report.sources import Source, sources_of
from avcues.pipeline.report.thumbnails import film_strip
from avcues.pipeline.report.video import Video, video_ids
from avcues.pipeline.store.files import write_atomically
from avcues.pipeline.store.layout import table_path
from avcues.pipeline.store.manifest import Manifest, require_manifest
from avcues.pipeline.store.records import read_record
from avcues.pipeline.store.timeline_table import TIMELINE

Tell = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Pages:
    """What is to be made; the same for all pages.

    Args:
        out: Folder of the dataset.
        known: Ids of all its videos.
        shown: Ids of the videos that get pages.
        every: Whether these are all videos, which histograms are made of.
        sources: Of each video that gets a page.
        names: Strips folders from texts of pages that are passed on; None: the texts stay as they are.
        alone: Whether the page of the only video is passed on without an index.
    """

    out: Path
    manifest: Manifest
    options: Options
    known: tuple[str, ...]
    shown: tuple[str, ...]
    every: bool
    sources: tuple[Source, ...]
    names: Names | None = None
    alone: bool = False

    def said(self, text: str) -> str:
        """A text as the pages show it."""
        return text if self.names is None else self.names.only(text)


def plan(out: Path, wanted: Sequence[str], options: Options, *, names: Names | None = None) -> Pages:
    """Checks everything that can be checked before a page is made.

    Args:
        wanted: Ids; none: all videos.

    Raises:
        AvcuesError: There is no dataset or no such video, column, folder or file, or the drawing library could not be
            downloaded.
    """
    manifest = require_manifest(out)
    known = video_ids(out)
    if not known:
        raise InputError(f"{out}: holds no video yet; run avcues extract")
    for video_id in wanted:
        if video_id not in known:
            raise InputError(f'{out} has no video "{video_id}"{nearest(video_id, known)}')
        Video(out, video_id, manifest)
    shown = list(dict.fromkeys(wanted)) or [v for v in known if table_path(out, TIMELINE.name, v).exists()]
    sources = sources_of(out, shown, options.media)
    options.emotion.check()
    for pattern in options.columns:
        if not any(matching(Video(out, video_id, manifest), [pattern]) for video_id in shown):
            raise InputError(f'`columns={pattern}`: no numeric column fits; give TABLE.COLUMN, such as "emobase.mfcc*"')
    page.library()
    return Pages(
        out=out,
        manifest=manifest,
        options=options,
        known=tuple(known),
        shown=tuple(shown),
        every=not wanted,
        sources=tuple(sources),
        names=names,
    )


def make_pages(pages: Pages, new: Path, workers: int | None, tell: Tell) -> list[str]:
    """Writes all pages into a folder, which may hold those of other videos, and returns a line for each that failed.

    Args:
        new: Folder of the report.
        workers: Processes; None: one per core.
        tell: Called with the number of pages and tables of histograms made so far, and of all.
    """
    (new / PAGES).mkdir(exist_ok=True)
    catalog = _catalog(pages.out) if pages.every else None
    tables = histograms.window_tables(catalog) if catalog else []
    total = len(pages.shown) + len(tables)
    tell(0, total)
    problems: list[str] = []
    listed = [v for v in pages.known if v in set(pages.shown) or page_path(new, v).exists()]
    make = partial(_make_page, pages, listed, new)
    for done, problem in enumerate(in_parallel(workers, make, pages.shown, pages.sources), 1):
        problems += [problem] if problem else []
        tell(done, total)
    if catalog is not None:
        distributions = []
        for distribution in in_parallel(workers, partial(histograms.of_table, catalog), tables):
            distributions.append(distribution)
            tell(len(pages.shown) + len(distributions), total)
        _write(new / histograms.FILE, histograms.script(distributions))
    rated = pages.options.emotion.ratings()
    if rated is not None:
        text = agreement_page.render(pages.out.resolve().name, rated, pages.manifest.step)
        _write(new / agreement_page.PAGE, pages.said(text))
    _write_index(pages, new)
    return problems


def _catalog(out: Path) -> Catalog | None:
    """What the dataset holds; None where no video in it can be read."""
    try:
        return read_catalog(out)
    except DatasetError:
        return None


def _write_index(pages: Pages, report: Path) -> None:
    """Writes the index, and the page of two videos, from what lies in the folder of the pages."""
    every = pages.known if pages.names is None else pages.shown
    rows = [_row(pages, report, video_id) for video_id in every]
    beside = (agreement_page.PAGE, histograms.FILE)
    agreement, distributions = (name if (report / name).exists() else None for name in beside)
    with_page = [row["video_id"] for row in rows if row["page"]]
    if len(with_page) > 1:
        _write(report / index.COMPARE, index.render_compare(with_page))
    text = index.render(pages.out.resolve().name, rows, agreement=agreement, histograms=distributions)
    _write(report / "index.html", text)


def _make_page(pages: Pages, listed: Sequence[str], report: Path, video_id: str, source: Source) -> str | None:
    """Makes one page and returns what went wrong, if anything: one video must not cost the others their pages."""
    try:
        video = Video(pages.out, video_id, pages.manifest)
        if pages.names is not None:
            video.status = pages.names.only_in(video.status)
        files = write_column_files(video, report)
        options, path, at = pages.options, page_path(report, video_id), listed.index(video_id)
        strip = film_strip(video, source.candidates, options.still_kind)
        links = page.Links(
            index="" if pages.alone else "../index.html",
            media=source.address(video, path) if options.media else "",
            previous=listed[at - 1] if at else None,
            next=listed[at + 1] if at + 1 < len(listed) else None,
        )
        courses = options.emotion.courses(video)
        added = [*panels_of(courses), *chosen_columns(video, options.columns)]
        _write(path, pages.said(page.render(video, strip, row_of(video, strip), links, added, files)))
        return None
    except AvcuesError as error:
        return str(error)
    except Exception as error:
        return (
            f"{video_id}: its page could not be made ({type(error).__name__}: {error}); try avcues validate {pages.out}"
        )


def in_parallel(
    workers: int | None, do: Callable[..., Any], first: Sequence[Any], *more: Sequence[Any]
) -> Iterator[Any]:
    """As `map` does, in processes."""
    count = min(workers or CPU_COUNT, len(first))
    if count <= 1:
        yield from map(do, first, *more)
        return
    with process_pool(count, "made pages") as pool:
        yield from pool.map(do, first, *more)


def _row(pages: Pages, report: Path, video_id: str) -> dict[str, Any]:
    """What the last page of a video says of it, and what became of it since."""
    record = read_record(pages.out, video_id)
    of_record = row_without_tables(video_id, record if pages.names is None else pages.names.only_in(record))
    of_page = row_of_page(page_path(report, video_id))
    if of_page is None:
        return of_record | {"page": False}
    return of_record | of_page | {"page": True, "state": of_record["state"], "error": of_record["error"]}


def _write(path: Path, content: str | bytes) -> None:
    write_atomically(path, lambda file: file.write(content.encode() if isinstance(content, str) else content))
