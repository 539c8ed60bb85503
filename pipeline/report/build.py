"""From a dataset to its report: pages made in parallel, then the index."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dask.system import CPU_COUNT

from avcues.errors import AvcuesError, nearest
from avcues.pipeline.dataset.catalog import Catalog, read_catalog
from avcues.pipeline.errors import DatasetError, InputError, MediaError
from avcues.pipeline.notebook import html_facts, html_page
from avcues.pipeline.processes import process_pool
from avcues.pipeline.report import agreement_page, histograms, index, page
from avcues.pipeline.report.column_files import write_column_files
from avcues.pipeline.report.emotion import Emotion
from avcues.pipeline.report.index import PAGES, page_path, row_of, row_of_page, row_without_tables
from avcues.pipeline.report.panels import chosen_columns, matching
from avcues.pipeline.report.thumbnails import film_strip, find_source
from avcues.pipeline.report.video import Video, video_ids
from avcues.pipeline.store.exchange import link_files, replaced_folder, staging_folder
from avcues.pipeline.store.files import prepare_output, write_atomically
from avcues.pipeline.store.layout import report_path, table_path
from avcues.pipeline.store.manifest import Manifest, require_manifest
from avcues.pipeline.store.records import read_record
from avcues.pipeline.store.timeline_table import TIMELINE


@dataclass(frozen=True)
class _Choices:
    """What is the same for all pages of a call."""

    emotion: Emotion
    columns: Sequence[str]
    listed: Sequence[str]
    plays: bool


@dataclass(frozen=True)
class Report:
    """What was made.

    Args:
        open_first: The index, or the page of the one video that was asked for.
        pages: Video pages made by this call.
        problems: One line for each video whose page could not be made.
    """

    open_first: Path
    pages: int
    problems: tuple[str, ...]

    def _repr_html_(self) -> str:
        """For notebooks: the page of the one video that was asked for, in a frame, or else where the index is."""
        if self.open_first.parent.name == PAGES:
            return html_page(self.open_first.read_text("utf-8"))
        return html_facts(f"{self.pages} pages", {"open": self.open_first, "not made": "; ".join(self.problems)})


def build(
    out: Path,
    wanted: Sequence[str] = (),
    *,
    report: Path | None = None,
    media: Path | None = None,
    emotion: Emotion = Emotion(),
    columns: Sequence[str] = (),
    workers: int | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Makes the pages of the wanted videos, or of all, and the index; after an error, the former report stays as it is.

    Args:
        out: Folder of a dataset.
        report: Folder of the pages; None: `report` in the dataset.
        media: Folder of the videos; the pages play them from there. None: they are looked for where they were measured,
            and the pages do not play them.
        emotion: Predictions and ratings to show beside the features.
        columns: Patterns of `table.column`; the columns that fit get a panel of their own.
        workers: Processes; None: one per core.
        tell: Called with the number of pages and tables of histograms made so far, and of all. Histograms are made only
            together with the pages of all videos.

    Raises:
        AvcuesError: There is no dataset or no such video, the drawing library could not be downloaded, or the folder of
            the pages cannot be written.
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
    sources = _sources(out, shown, media)
    emotion.check()
    _check_columns(out, shown, manifest, columns)
    page.library()
    report = report or Path(str(report_path(out)))
    prepare_output(staging_folder(report))

    catalog = _catalog(out) if not wanted else None
    tables = histograms.window_tables(catalog) if catalog else []
    total = len(shown) + len(tables)
    tell(0, total)
    problems: list[str] = []
    listed = [video_id for video_id in known if video_id in shown or page_path(report, video_id).exists()]
    with replaced_folder(report) as new:
        if report.exists():
            link_files(report, new)
        (new / PAGES).mkdir(exist_ok=True)
        make = partial(_make_page, out, new, manifest, _Choices(emotion, columns, listed, media is not None))
        for done, problem in enumerate(_parallel(workers, make, shown, sources), 1):
            problems += [problem] if problem else []
            tell(done, total)
        if catalog is not None:
            distributions = []
            for distribution in _parallel(workers, partial(histograms.of_table, catalog), tables):
                distributions.append(distribution)
                tell(len(shown) + len(distributions), total)
            _write(new / histograms.FILE, histograms.script(distributions))
        rated = emotion.ratings()
        if rated is not None:
            _write(new / agreement_page.PAGE, agreement_page.render(out.resolve().name, rated, manifest.step))
        _write_index(out, new, known)
    first = page_path(report, wanted[0]) if len(wanted) == 1 and not problems else report / "index.html"
    return Report(first, len(shown) - len(problems), tuple(problems))


def _catalog(out: Path) -> Catalog | None:
    """What the dataset holds; None where no video in it can be read."""
    try:
        return read_catalog(out)
    except DatasetError:
        return None


def _write_index(out: Path, report: Path, known: Sequence[str]) -> None:
    """Writes the index, and the page of two videos, from what lies in the folder of the pages."""
    rows = [_row(out, report, video_id) for video_id in known]
    beside = (agreement_page.PAGE, histograms.FILE)
    agreement, distributions = (name if (report / name).exists() else None for name in beside)
    with_page = [row["video_id"] for row in rows if row["page"]]
    if len(with_page) > 1:
        _write(report / index.COMPARE, index.render_compare(with_page))
    text = index.render(out.resolve().name, rows, agreement=agreement, histograms=distributions)
    _write(report / "index.html", text)


def _check_columns(out: Path, shown: Sequence[str], manifest: Manifest, patterns: Sequence[str]) -> None:
    """Refuses a pattern that no column of any video fits."""
    for pattern in patterns:
        if not any(matching(Video(out, video_id, manifest), [pattern]) for video_id in shown):
            raise InputError(f'`columns={pattern}`: no numeric column fits; give TABLE.COLUMN, such as "emobase.mfcc*"')


def _sources(out: Path, shown: Sequence[str], media: Path | None) -> list[list[Path]]:
    """For each video the files that may be its source: where it was, or those of its name in `media`, at any depth."""
    recorded = [Path(str(read_record(out, video_id).get("source", video_id))) for video_id in shown]
    if media is None:
        return [[path] for path in recorded]
    if not media.is_dir():
        raise InputError(f"`media={media}`: no such folder")
    by_name: dict[str, list[Path]] = {}
    for path in sorted(media.rglob("*")):
        by_name.setdefault(path.name, []).append(path)
    return [by_name.get(path.name, [media / path.name]) for path in recorded]


def _make_page(
    out: Path,
    report: Path,
    manifest: Manifest,
    choices: _Choices,
    video_id: str,
    sources: list[Path],
) -> str | None:
    """Makes one page and returns what went wrong, if anything: one video must not cost the others their pages."""
    try:
        video = Video(out, video_id, manifest)
        listed = choices.listed
        files = write_column_files(video, report)
        strip, path, at = film_strip(video, sources), page_path(report, video_id), listed.index(video_id)
        links = page.Links(
            media=_link(video, sources, path) if choices.plays else "",
            previous=listed[at - 1] if at else None,
            next=listed[at + 1] if at + 1 < len(listed) else None,
        )
        added = [*choices.emotion.panels(video), *chosen_columns(video, choices.columns)]
        _write(path, page.render(video, strip, row_of(video, strip), links, added, files))
        return None
    except AvcuesError as error:
        return str(error)
    except Exception as error:
        return f"{video_id}: its page could not be made ({type(error).__name__}: {error}); try avcues validate {out}"


def _link(video: Video, sources: Sequence[Path], page: Path) -> str:
    """Address of the source as seen from the page, empty where there is none."""
    try:
        source = find_source(video, sources)
    except MediaError:
        return ""
    return quote(Path(os.path.relpath(source.resolve(), page.parent.resolve())).as_posix())


def _parallel(workers: int | None, do: Callable[..., Any], first: Sequence[Any], *more: Sequence[Any]) -> Iterator[Any]:
    """As `map` does, in processes."""
    count = min(workers or CPU_COUNT, len(first))
    if count <= 1:
        yield from map(do, first, *more)
        return
    with process_pool(count, "made pages") as pool:
        yield from pool.map(do, first, *more)


def _row(out: Path, report: Path, video_id: str) -> dict[str, Any]:
    """What the last page of a video says of it, and what became of it since."""
    of_record = row_without_tables(video_id, read_record(out, video_id))
    of_page = row_of_page(page_path(report, video_id))
    if of_page is None:
        return of_record | {"page": False}
    return of_record | of_page | {"page": True, "state": of_record["state"], "error": of_record["error"]}


def _write(path: Path, content: str | bytes) -> None:
    write_atomically(path, lambda file: file.write(content.encode() if isinstance(content, str) else content))
