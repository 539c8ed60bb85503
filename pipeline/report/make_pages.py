"""Makes the pages of a folder: those of videos in parallel, then the histograms, the raters' page and the index."""

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
from avcues.pipeline.report.emotion import course_panels
from avcues.pipeline.report.index import PAGES, page_path, row_of, row_of_page, row_without_tables
from avcues.pipeline.report.options import Options
from avcues.pipeline.report.panels import column_panels, matching_columns
from avcues.pipeline.report.privacy import PathShortener
from avcues.pipeline.report.sources import Source, sources_of
from avcues.pipeline.report.summaries import TargetsByVideo
from avcues.pipeline.report.targets import VideoTarget, video_targets
from avcues.pipeline.report.thumbnails import film_strip
from avcues.pipeline.report.video import Video, video_ids
from avcues.pipeline.store.files import write_atomically
from avcues.pipeline.store.layout import table_path
from avcues.pipeline.store.manifest import Manifest, require_manifest
from avcues.pipeline.store.records import read_record
from avcues.pipeline.store.timeline_table import TIMELINE

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Pages:
    """What to make; the same for all pages.

    Args:
        out: Folder of the dataset.
        all_videos: Ids of all its videos.
        videos: Ids of the videos that get pages.
        has_all_videos: Whether all videos get pages; only then are histograms made.
        sources: Source files of each video that gets a page.
        names: Removes folders from the texts of pages that are passed on; None: texts are not changed.
        is_single_page: Whether one page is passed on without an index.
    """

    out: Path
    manifest: Manifest
    options: Options
    all_videos: tuple[str, ...]
    videos: tuple[str, ...]
    has_all_videos: bool
    sources: tuple[Source, ...]
    names: PathShortener | None = None
    is_single_page: bool = False

    def public_text(self, text: str) -> str:
        """The text of a page; without folder names if the page is passed on."""
        return text if self.names is None else self.names.without_folders(text)


def plan(
    out: Path, selected: Sequence[str], options: Options, *, columns: Sequence[str], names: PathShortener | None = None
) -> Pages:
    """Plans the pages, and checks everything that can be checked before a page is made.

    Args:
        selected: Ids; none: all videos.
        columns: Patterns that must match a column of a video; patterns of the former report need not match.

    Raises:
        AvcuesError: There is no dataset or no such video, column, folder or file, or the drawing library could not be
            downloaded.
    """
    manifest = require_manifest(out)
    all_videos = video_ids(out)
    if not all_videos:
        raise InputError(f"{out}: holds no video yet; run avcues extract")
    for video_id in selected:
        if video_id not in all_videos:
            raise InputError(f'{out} has no video "{video_id}"{nearest(video_id, all_videos)}')
        Video(out, video_id, manifest)
    videos = list(dict.fromkeys(selected)) or [
        video_id for video_id in all_videos if table_path(out, TIMELINE.name, video_id).exists()
    ]
    sources = sources_of(out, videos, options.media)
    options.emotion.check()
    for pattern in columns:
        if not any(matching_columns(Video(out, video_id, manifest), [pattern]) for video_id in videos):
            raise InputError(
                f'`columns={pattern}`: matches no numeric column; give TABLE.COLUMN, such as "emobase.mfcc*"'
            )
    page.library()
    return Pages(
        out=out,
        manifest=manifest,
        options=options,
        all_videos=tuple(all_videos),
        videos=tuple(videos),
        has_all_videos=not selected,
        sources=tuple(sources),
        names=names,
    )


def make_pages(pages: Pages, folder: Path, workers: int | None, on_progress: OnProgress) -> list[str]:
    """Writes all pages into a folder, which may hold pages of other videos; returns a line for each failed page.

    Args:
        new: Folder of the report.
        workers: Processes; None: one per core.
        on_progress: Called with the number of pages and tables of histograms made so far and the number of all.
    """
    (folder / PAGES).mkdir(exist_ok=True)
    catalog = _catalog(pages.out) if pages.has_all_videos else None
    tables = histograms.window_tables(catalog) if catalog else []
    total = len(pages.videos) + len(tables)
    on_progress(0, total)
    listed = [
        video_id
        for video_id in pages.all_videos
        if video_id in set(pages.videos) or page_path(folder, video_id).exists()
    ]
    outcomes = []
    for outcome in in_parallel(workers, partial(_make_page, pages, listed, folder), pages.videos, pages.sources):
        outcomes.append(outcome)
        on_progress(len(outcomes), total)
    if catalog is not None:
        targets = {video_id: outcome.targets for video_id, outcome in zip(pages.videos, outcomes, strict=True)}
        table_results = []
        for table_result in in_parallel(
            workers, partial(histograms.table_histograms, catalog, pages.all_videos, targets), tables
        ):
            table_results.append(table_result)
            on_progress(len(pages.videos) + len(table_results), total)
        _write_overview(pages, folder, table_results, targets)
    rated = pages.options.emotion.ratings()
    if rated is not None:
        text = agreement_page.render(
            pages.out.resolve().name, rated, pages.manifest.step, predictions=pages.options.predictions
        )
        _write(folder / agreement_page.PAGE, pages.public_text(text))
    _write_index(pages, folder)
    return [outcome.problem for outcome in outcomes if outcome.problem]


def _write_overview(
    pages: Pages, folder: Path, table_results: Sequence[histograms.TableResult], targets: TargetsByVideo
) -> None:
    """Writes the page of the dataset as a whole, the histograms and the means of all columns."""
    drawn = [*histograms.target_histograms(targets), *(result.histograms for result in table_results)]
    _write(folder / histograms.FILE, histograms.histogram_script(drawn))
    tables = [result.summary for result in table_results]
    names = sorted({name for by_name in targets.values() for name in by_name})
    dataset = overview.OverviewData(
        title=pages.out.resolve().name,
        videos=pages.all_videos,
        tables=tables,
        targets={
            name: np.array([_mean(targets.get(video_id, {}), name) for video_id in pages.all_videos]) for name in names
        },
        files=write_means(folder, tables, pages.all_videos),
        videos_with_page={video_id for video_id in pages.all_videos if page_path(folder, video_id).exists()},
    )
    agreement = agreement_page.PAGE if pages.options.annotations else None
    _write(folder / overview.PAGE, overview.render(dataset, agreement=agreement, histograms=histograms.FILE))


def _mean(targets: Mapping[str, VideoTarget], name: str) -> float:
    return targets[name].mean if name in targets else float("nan")


def _catalog(out: Path) -> Catalog | None:
    """The catalog of the dataset; None if no video in it can be read."""
    try:
        return read_catalog(out)
    except DatasetError:
        return None


def _write_index(pages: Pages, report: Path) -> None:
    """Writes the index, and the page that compares two videos, from the pages in the folder."""
    # Pages of some videos must not name the other videos.
    listed = pages.all_videos if pages.names is None or pages.has_all_videos else pages.videos
    rows = [_row(pages, report, video_id) for video_id in listed]
    names = (agreement_page.PAGE, overview.PAGE)
    agreement_name, overview_name = (name if (report / name).exists() else None for name in names)
    with_page = [row["video_id"] for row in rows if row["page"]]
    if len(with_page) > 1:
        _write(report / index.COMPARE, index.render_compare(with_page))
    index.write_index(report, pages.out.resolve().name, rows, agreement=agreement_name, overview=overview_name)


@dataclass(frozen=True)
class _Outcome:
    """The result of making a page: the ratings and predictions of its video, or why making it failed."""

    targets: Mapping[str, VideoTarget] = field(default_factory=dict)
    problem: str = ""


def _make_page(pages: Pages, listed: Sequence[str], report: Path, video_id: str, source: Source) -> _Outcome:
    """Makes one page; returns errors instead of raising them, so that other pages are still made."""
    try:
        video = Video(pages.out, video_id, pages.manifest)
        if pages.names is not None:
            video.status = pages.names.document_without_folders(video.status)
        files = write_column_files(video, report)
        options, path, position = pages.options, page_path(report, video_id), listed.index(video_id)
        strip = film_strip(video, source.candidates, options.still_kind)
        links = page.Links(
            index="" if pages.is_single_page else "../index.html",
            media=source.address(video, path) if options.media else "",
            previous=listed[position - 1] if position else None,
            next=listed[position + 1] if position + 1 < len(listed) else None,
        )
        courses = options.emotion.courses(video)
        targets = video_targets(video_id, courses, options.emotion.ratings())
        extra_panels = [*course_panels(courses), *column_panels(video, options.columns)]
        _write(
            path,
            pages.public_text(page.render(video, strip, row_of(video, strip, targets), links, extra_panels, files)),
        )
        return _Outcome(targets)
    except AvcuesError as error:
        return _Outcome(problem=str(error))
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        return _Outcome(problem=f"{video_id}: its page could not be made ({reason}); try avcues validate {pages.out}")


def in_parallel(
    workers: int | None, function: Callable[..., Any], items: Sequence[Any], *other_items: Sequence[Any]
) -> Iterator[Any]:
    """Like `map`, but in several processes."""
    count = min(workers or CPU_COUNT, len(items))
    if count <= 1:
        yield from map(function, items, *other_items)
        return
    with process_pool(count, "made pages") as pool:
        yield from pool.map(function, items, *other_items)


def _row(pages: Pages, report: Path, video_id: str) -> dict[str, Any]:
    """The row of a video in the index: that of its page, with the state and error of its record."""
    record = read_record(pages.out, video_id)
    recorded = row_without_tables(
        video_id, record if pages.names is None else pages.names.document_without_folders(record)
    )
    last_row = row_of_page(page_path(report, video_id))
    if last_row is None:
        return recorded | {"page": False}
    return recorded | last_row | {"page": True} | {name: recorded[name] for name in ("video_id", "state", "error")}


def _write(path: Path, content: str | bytes) -> None:
    write_atomically(path, lambda file: file.write(content.encode() if isinstance(content, str) else content))
