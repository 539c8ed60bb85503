"""One video through the code: open, decode once, feed the extractors, write the tables that are missing."""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from extractors.protocol import AudioExtractor, Extractor, ShotDetector, Table
from pipeline import provenance
from pipeline.extraction import Extraction, Progress
from pipeline.inputs import VideoInput
from pipeline.media import Media
from pipeline.result import VideoResult, failure, peak_memory_bytes
from pipeline.settings import Settings
from pipeline.stopwatch import Stopwatch
from pipeline.storage import fingerprint, is_transient
from pipeline.tables import TIMELINE, read_footer, shot_table, table_path, window_table, write_table
from pipeline.timeline import Grid

if TYPE_CHECKING:
    from pipeline.storage import Location

_RETRY_DELAYS_S = (1, 4, 16)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What to do with a video: see `process_video`."""

    settings: Settings
    extractors: Sequence[Extractor]
    out: Location
    overwrite: bool
    progress: Progress
    stopwatch: Stopwatch = field(default_factory=Stopwatch)


def process_video(
    video: VideoInput,
    settings: Settings,
    extractors: Sequence[Extractor],
    out: Location,
    *,
    overwrite: bool = False,
    debug: bool = False,
    progress: Progress = lambda done, total: None,
) -> VideoResult:
    """Makes every missing table of one video. Errors of the video are returned, not raised.

    An error of a disk or network that may pass is met by beginning again, after a while; an error of the file is not.

    Args:
        extractors: As `Settings.create_extractors` makes them; those that have work to do are set up.
        overwrite: Make tables anew that are up to date.
        debug: Print the traceback of an error.
    """
    started = time.perf_counter()
    work = Work(settings=settings, extractors=extractors, out=out, overwrite=overwrite, progress=progress)
    for attempt, delay_s in enumerate((*_RETRY_DELAYS_S, None)):
        try:
            result = _process(video, work, attempt)
            break
        except Exception as error:
            if debug:
                traceback.print_exc()
            result = failure(video, error, retries=attempt)
            if delay_s is None or not is_transient(error):
                break
            time.sleep(delay_s * random.uniform(0.5, 1.5))
    work.stopwatch.seconds["total"] = time.perf_counter() - started
    result.seconds.update({stage: round(seconds, 4) for stage, seconds in work.stopwatch.seconds.items()})
    return result


def _process(video: VideoInput, work: Work, attempt: int) -> VideoResult:
    mark = fingerprint(video.location)
    rows: dict[str, int] = {}
    made = []
    for extractor in () if work.overwrite else work.extractors:
        kept_rows = _kept_rows(extractor, video.video_id, mark, work)
        if kept_rows is not None:
            made.append(extractor)
            rows |= kept_rows
    missing = [extractor for extractor in work.extractors if extractor not in made]
    result = VideoResult(
        video_id=video.video_id,
        source=video.source,
        state="done",
        windows=rows.get(TIMELINE.name, 0),
        duration_s=float(rows.get(TIMELINE.name, 0) * work.settings.step),
        tables=rows,
        made=tuple(extractor.name for extractor in missing),
        kept=tuple(extractor.name for extractor in made),
        retries=attempt,
    )
    return _extract(video, work, missing, result, mark) if missing else result


def _extract(
    video: VideoInput, work: Work, missing: Sequence[Extractor], result: VideoResult, mark: str
) -> VideoResult:
    """Makes the tables of the extractors that are missing, and completes the result."""
    grid = Grid(work.settings.step)
    with Media.open(video.location) as media:
        asked = work.settings.compute
        with closing(Extraction(media, grid, work.extractors, missing, asked, work.stopwatch)) as extraction:
            extraction.decode(work.progress)
            if TIMELINE.name in result.tables:
                # Another run made the spine; what is added hangs on it.
                extraction.windows = result.windows
                extraction.end = result.windows * grid.step
            source: dict[str, Any] = {"name": video.location.name, "fingerprint": mark} | asdict(media.facts)
            written = {}
            for extractor, rows in extraction.tables():
                with work.stopwatch("write"):
                    # A table's bytes must not depend on what else was made in the same pass.
                    of_pictures = media.frames.count and not isinstance(extractor, AudioExtractor)
                    facts = source | {"frames": asdict(media.frames)} if of_pictures else source
                    metadata = provenance.metadata(extractor, grid.step, extraction.compute, facts)
                    table = (
                        shot_table(rows, video.video_id, grid, extraction.shots, extraction.windows, metadata)
                        if rows.table.row == "shot"
                        else window_table(rows, video.video_id, grid, extraction.windows, metadata)
                    )
                    write_table(table, table_path(work.out, rows.table.name, video.video_id))
                    written[rows.table.name] = table.num_rows
    return replace(
        result,
        duration_s=float(extraction.end),
        windows=extraction.windows,
        tables=result.tables | written,
        damage={kind: count for kind, count in asdict(media.damage).items() if count},
        peak_memory_bytes=peak_memory_bytes(),
    )


def _kept_rows(extractor: Extractor, video_id: str, mark: str, work: Work) -> dict[str, int] | None:
    """Rows of the extractor's tables, if all are there, made by the same recipe from the same file."""
    tables: list[Table] = [*extractor.tables]
    if isinstance(extractor, ShotDetector):
        tables.append(TIMELINE)
    wanted = provenance.recipe(extractor, work.settings.step, work.settings.compute)
    rows = {}
    for table in tables:
        footer = read_footer(table_path(work.out, table.name, video_id))
        if footer is None or footer.metadata["recipe"] != wanted:
            return None
        if footer.metadata["source"].get("fingerprint") != mark:
            return None
        rows[table.name] = footer.rows
    return rows
