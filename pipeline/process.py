"""One video through the code: open, decode once, feed the extractors, write the tables that are missing."""

from __future__ import annotations

import resource
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from extractors.protocol import Extractor, ShotDetector, Table
from pipeline import provenance
from pipeline.errors import AvcuesError
from pipeline.extraction import Extraction, Progress
from pipeline.facts import MediaFacts
from pipeline.inputs import VideoInput
from pipeline.media import Media
from pipeline.settings import Settings
from pipeline.stopwatch import Stopwatch
from pipeline.tables import TIMELINE, read_metadata, shot_table, table_path, window_table, write_table
from pipeline.timeline import Grid


@dataclass(frozen=True, kw_only=True)
class VideoResult:
    """What became of one video; written to `_status/<video_id>.json`.

    Args:
        state: "done", or "failed" with the error's class and message.
        windows: Rows of every window table.
        tables: Rows of each table written by this run.
        left_out: Features that this run could not have, each with the reason.
        kept: Features of an earlier run whose tables are up to date.
        damage: What could not be decoded, by kind.
        seconds: Wall-clock seconds by stage, and in "total".
        peak_memory_bytes: Largest resident set of the process so far.
    """

    video_id: str
    source: str
    state: str
    error_class: str | None = None
    error: str | None = None
    duration_s: float = 0.0
    windows: int = 0
    tables: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    damage: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    peak_memory_bytes: int = 0


def process_video(
    video: VideoInput,
    settings: Settings,
    extractors: Sequence[Extractor],
    out: Path,
    *,
    overwrite: bool = False,
    debug: bool = False,
    progress: Progress = lambda done, total: None,
) -> VideoResult:
    """Makes every missing table of one video. Errors of the video are returned, not raised.

    Args:
        extractors: As `Settings.create_extractors` makes them; those that have work to do are set up.
        overwrite: Make tables anew that are up to date.
        debug: Print the traceback of an error.
    """
    started = time.perf_counter()
    stopwatch = Stopwatch()
    try:
        with Media.open(video.path) as media:
            result = _process(media, video, settings, extractors, out, overwrite, progress, stopwatch)
    except Exception as error:
        if debug:
            traceback.print_exc()
        result = failure(video, error)
    stopwatch.seconds["total"] = time.perf_counter() - started
    result.seconds.update({stage: round(seconds, 4) for stage, seconds in stopwatch.seconds.items()})
    return result


def failure(video: VideoInput, error: Exception) -> VideoResult:
    """The result of a video that could not be done."""
    message = str(error) if isinstance(error, AvcuesError) else f"{video.path}: {type(error).__name__}: {error}"
    return VideoResult(
        video_id=video.video_id,
        source=str(video.path),
        state="failed",
        error_class=type(error).__name__,
        error=message,
        peak_memory_bytes=_peak_memory_bytes(),
    )


def _process(
    media: Media,
    video: VideoInput,
    settings: Settings,
    extractors: Sequence[Extractor],
    out: Path,
    overwrite: bool,
    progress: Progress,
    stopwatch: Stopwatch,
) -> VideoResult:
    grid = Grid(settings.step)
    made = [] if overwrite else [e for e in extractors if _is_made(e, video.video_id, media.facts, settings, out)]
    missing = [extractor for extractor in extractors if extractor not in made]
    written: dict[str, int] = {}
    compute = settings.compute
    if any(hasattr(extractor, "weights") for extractor in missing):
        compute = compute.resolved()
    with stopwatch("setup"):
        for extractor in missing:
            extractor.setup(compute)
        compute.apply()
    source = {"name": video.path.name} | asdict(media.facts)
    with closing(Extraction(media, grid, extractors, missing, stopwatch)) as extraction:
        if missing:
            extraction.decode(progress)
        if any(isinstance(extractor, ShotDetector) for extractor in made):
            # Another run made the spine; what is added hangs on it.
            extraction.windows = pq.read_metadata(table_path(out, TIMELINE.name, video.video_id)).num_rows
            extraction.end = extraction.windows * grid.step
        if media.frames.count:
            source["frames"] = asdict(media.frames)
        for extractor, rows in extraction.tables():
            with stopwatch("write"):
                metadata = provenance.metadata(extractor, settings.step, compute, source)
                table = (
                    shot_table(rows, video.video_id, grid, extraction.shots, extraction.windows, metadata)
                    if rows.table.row == "shot"
                    else window_table(rows, video.video_id, grid, extraction.windows, metadata)
                )
                write_table(table, table_path(out, rows.table.name, video.video_id))
                written[rows.table.name] = table.num_rows
    return VideoResult(
        video_id=video.video_id,
        source=str(video.path),
        state="done",
        duration_s=float(extraction.end),
        windows=extraction.windows,
        tables=written,
        kept=tuple(extractor.name for extractor in made),
        damage={kind: count for kind, count in asdict(media.damage).items() if count},
        peak_memory_bytes=_peak_memory_bytes(),
    )


def _is_made(extractor: Extractor, video_id: str, facts: MediaFacts, settings: Settings, out: Path) -> bool:
    """Whether every table of the extractor is there, made by the same recipe from the same file."""
    tables: list[Table] = [*extractor.tables]
    if isinstance(extractor, ShotDetector):
        tables.append(TIMELINE)
    wanted = provenance.recipe(extractor, settings.step, settings.compute)
    for table in tables:
        metadata = read_metadata(table_path(out, table.name, video_id))
        if metadata is None or metadata["recipe"] != wanted:
            return False
        if metadata["source"].get("fingerprint") != facts.fingerprint:
            return False
    return True


def _peak_memory_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
