"""The pages of a folder: those of videos in parallel, then the histograms, the raters' page and the index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from dask.system import CPU_COUNT

from avcues.errors import AvcuesError, nearest
from avcues.pipeline.dataset.catalog import Catalog, read_catalog
from avcues.pipeline.errors import DatasetError, InputError
from avcues.pipeline.processes import process_pool
from avcues.pipeline.report import agreement_page, histograms, index, overview, page
from avcues.pipeline.report.column_files import write_column_files, write_means
from avcues.pipeline.report.emotion import panels_of
from avcues.pipeline.report.index import PAGES, page_path, row_of, row_of_page, row_without_tables
from avcues.pipeline.report.options import Options
from avcues.pipeline.report.panels import chosen_columns, matching
from avcues.pipeline.report.privacy import Names
from avcues.pipeline.report.sources import Source, sources_of
from avcues.pipeline.report.summaries import Targets
from avcues.pipeline.report.targets import Target, targets_of
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


def plan(
    out: Path, wanted: Sequence[str], options: Options, *, columns: Sequence[str], names: Names | None = None
) -> Pages:
    """Checks everything that can be checked before a page is made.

    Args:
        wanted: Ids; none: all videos.
        columns: Patterns that must fit a column of some video; those of a former report need not.

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
    for pattern in columns:
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
    listed = [v for v in pages.known if v in set(pages.shown) or page_path(new, v).exists()]
    outcomes = []
    for outcome in in_parallel(workers, partial(_make_page, pages, listed, new), pages.shown, pages.sources):
        outcomes.append(outcome)
        tell(len(outcomes), total)
    if catalog is not None:
        targets = {video_id: of.targets for video_id, of in zip(pages.shown, outcomes, strict=True)}
        measured = []
        for of_table in in_parallel(workers, partial(histograms.of_table, catalog, pages.known, targets), tables):
            measured.append(of_table)
            tell(len(pages.shown) + len(measured), total)
        _write_overview(pages, new, measured, targets)
    rated = pages.options.emotion.ratings()
    if rated is not None:
        text = agreement_page.render(pages.out.resolve().name, rated, pages.manifest.step)
        _write(new / agreement_page.PAGE, pages.said(text))
    _write_index(pages, new)
    return [of.problem for of in outcomes if of.problem]


def _write_overview(pages: Pages, new: Path, measured: Sequence[histograms.Measured], targets: Targets) -> None:
    """Writes the page of the dataset as a whole, the histograms and the means of all columns."""
    drawn = [*histograms.of_targets(targets), *(of.histograms for of in measured)]
    _write(new / histograms.FILE, histograms.script(drawn))
    tables = [of.summary for of in measured]
    names = sorted({name for of in targets.values() for name in of})
    dataset = overview.Dataset(
        title=pages.out.resolve().name,
        videos=pages.known,
        tables=tables,
        targets={name: np.array([_mean(targets.get(v, {}), name) for v in pages.known]) for name in names},
        files=write_means(new, tables, pages.known),
        linked={video_id for video_id in pages.known if page_path(new, video_id).exists()},
    )
    agreement = agreement_page.PAGE if pages.options.annotations else None
    _write(new / overview.PAGE, overview.render(dataset, agreement=agreement, histograms=histograms.FILE))


def _mean(targets: Mapping[str, Target], name: str) -> float:
    return targets[name].mean if name in targets else float("nan")


def _catalog(out: Path) -> Catalog | None:
    """What the dataset holds; None where no video in it can be read."""
    try:
        return read_catalog(out)
    except DatasetError:
        return None


def _write_index(pages: Pages, report: Path) -> None:
    """Writes the index, and the page of two videos, from what lies in the folder of the pages."""
    # Of some videos that are passed on, the others are nobody's business.
    listed = pages.known if pages.names is None or pages.every else pages.shown
    rows = [_row(pages, report, video_id) for video_id in listed]
    beside = (agreement_page.PAGE, overview.PAGE)
    agreement, whole = (name if (report / name).exists() else None for name in beside)
    with_page = [row["video_id"] for row in rows if row["page"]]
    if len(with_page) > 1:
        _write(report / index.COMPARE, index.render_compare(with_page))
    index.write_index(report, pages.out.resolve().name, rows, agreement=agreement, overview=whole)


@dataclass(frozen=True)
class _Outcome:
    """What became of a page: the ratings and predictions of its video, and what went wrong, if anything."""

    targets: Mapping[str, Target] = field(default_factory=dict)
    problem: str = ""


def _make_page(pages: Pages, listed: Sequence[str], report: Path, video_id: str, source: Source) -> _Outcome:
    """Makes one page; an error is returned, because one video must not cost the others their pages."""
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
        targets = targets_of(video_id, courses, options.emotion.ratings())
        added = [*panels_of(courses), *chosen_columns(video, options.columns)]
        _write(path, pages.said(page.render(video, strip, row_of(video, strip, targets), links, added, files)))
        return _Outcome(targets)
    except AvcuesError as error:
        return _Outcome(problem=str(error))
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        return _Outcome(problem=f"{video_id}: its page could not be made ({why}); try avcues validate {pages.out}")


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
