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
        every: Whether all videos get pages; only then are histograms made.
        sources: Source files of each video that gets a page.
        names: Removes folders from the texts of pages that are passed on; None: texts are not changed.
        alone: Whether a single page is passed on, without an index.
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

    def public_text(self, text: str) -> str:
        """The text of a page; without folder names if the page is passed on."""
        return text if self.names is None else self.names.only(text)


def plan(
    out: Path, selected: Sequence[str], options: Options, *, columns: Sequence[str], names: Names | None = None
) -> Pages:
    """Checks everything that can be checked before a page is made.

    Args:
        selected: Ids; none: all videos.
        columns: Patterns, each of which must match a column of a video; patterns of the former report need not.

    Raises:
        AvcuesError: There is no dataset or no such video, column, folder or file, or the drawing library could not be
            downloaded.
    """
    manifest = require_manifest(out)
    known = video_ids(out)
    if not known:
        raise InputError(f"{out}: holds no video yet; run avcues extract")
    for video_id in selected:
        if video_id not in known:
            raise InputError(f'{out} has no video "{video_id}"{nearest(video_id, known)}')
        Video(out, video_id, manifest)
    shown = list(dict.fromkeys(selected)) or [v for v in known if table_path(out, TIMELINE.name, v).exists()]
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
        every=not selected,
        sources=tuple(sources),
        names=names,
    )


def make_pages(pages: Pages, new: Path, workers: int | None, tell: Tell) -> list[str]:
    """Writes all pages into a folder, which may hold pages of other videos, and returns a line for each failed page.

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
        targets = {video_id: outcome.targets for video_id, outcome in zip(pages.shown, outcomes, strict=True)}
        measured = []
        for summary in in_parallel(workers, partial(histograms.of_table, catalog, pages.known, targets), tables):
            measured.append(summary)
            tell(len(pages.shown) + len(measured), total)
        _write_overview(pages, new, measured, targets)
    rated = pages.options.emotion.ratings()
    if rated is not None:
        text = agreement_page.render(
            pages.out.resolve().name, rated, pages.manifest.step, predictions=pages.options.predictions
        )
        _write(new / agreement_page.PAGE, pages.public_text(text))
    _write_index(pages, new)
    return [outcome.problem for outcome in outcomes if outcome.problem]


def _write_overview(pages: Pages, new: Path, measured: Sequence[histograms.Measured], targets: Targets) -> None:
    """Writes the page of the dataset as a whole, the histograms and the means of all columns."""
    drawn = [*histograms.of_targets(targets), *(result.histograms for result in measured)]
    _write(new / histograms.FILE, histograms.script(drawn))
    tables = [result.summary for result in measured]
    names = sorted({name for by_name in targets.values() for name in by_name})
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
    """The catalog of the dataset; None if no video in it can be read."""
    try:
        return read_catalog(out)
    except DatasetError:
        return None


def _write_index(pages: Pages, report: Path) -> None:
    """Writes the index, and the page that compares two videos, from the pages in the folder."""
    # Pages of some videos must not name the others.
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
    """The result of making a page: ratings and predictions of its video, or why the page failed."""

    targets: Mapping[str, Target] = field(default_factory=dict)
    problem: str = ""


def _make_page(pages: Pages, listed: Sequence[str], report: Path, video_id: str, source: Source) -> _Outcome:
    """Makes one page; returns errors instead of raising them, so that the other pages are still made."""
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
        _write(path, pages.public_text(page.render(video, strip, row_of(video, strip, targets), links, added, files)))
        return _Outcome(targets)
    except AvcuesError as error:
        return _Outcome(problem=str(error))
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        return _Outcome(problem=f"{video_id}: its page could not be made ({why}); try avcues validate {pages.out}")


def in_parallel(
    workers: int | None, do: Callable[..., Any], first: Sequence[Any], *more: Sequence[Any]
) -> Iterator[Any]:
    """Like `map`, but in several processes."""
    count = min(workers or CPU_COUNT, len(first))
    if count <= 1:
        yield from map(do, first, *more)
        return
    with process_pool(count, "made pages") as pool:
        yield from pool.map(do, first, *more)


def _row(pages: Pages, report: Path, video_id: str) -> dict[str, Any]:
    """The row of a video in the index: from its last page, with the state and error of its record."""
    record = read_record(pages.out, video_id)
    recorded = row_without_tables(video_id, record if pages.names is None else pages.names.only_in(record))
    last_row = row_of_page(page_path(report, video_id))
    if last_row is None:
        return recorded | {"page": False}
    return recorded | last_row | {"page": True, "state": recorded["state"], "error": recorded["error"]}


def _write(path: Path, content: str | bytes) -> None:
    write_atomically(path, lambda file: file.write(content.encode() if isinstance(content, str) else content))
