"""Processes one video: opens it, decodes it once, feeds the extractors, and returns or writes the tables."""

from __future__ import annotations

import random
import resource
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, TypeVar

from av.error import FFmpegError

from avcues.extractors.base import BaseExtractor
from avcues.extractors.protocol import AudioExtractor, ShotDetector, Table, TextExtractor
from avcues.pipeline.extraction.decode_pass import DecodePass, Progress
from avcues.pipeline.extraction.measurements import Measurements
from avcues.pipeline.extraction.stopwatch import Stopwatch
from avcues.pipeline.extraction.transcript import choose_source, sidecar_mark, transcriber_of
from avcues.pipeline.extraction.unchanged import Unchanged, tables_of
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.source import fingerprint
from avcues.pipeline.store import provenance
from avcues.pipeline.store.files import is_transient
from avcues.pipeline.store.layout import table_path
from avcues.pipeline.store.parquet import damage_of, read_footer, shot_table, window_table, write_table
from avcues.pipeline.store.records import VideoResult, failed_result, read_record
from avcues.pipeline.store.stamps import checksum, stamp
from avcues.pipeline.store.timeline_table import TIMELINE
from avcues.pipeline.store.video_input import VideoInput
from avcues.pipeline.timeline import Grid

if TYPE_CHECKING:
    import pyarrow as pa

    from avcues.pipeline.store.location import Location

Made = TypeVar("Made")

_RETRY_DELAYS_S = (1, 4, 16)


def _ignore(done_s: float, total_s: float | None) -> None:
    """Does nothing with the progress."""


def measure_video(video: VideoInput, measurements: Measurements, progress: Progress = _ignore) -> dict[str, pa.Table]:
    """Computes every table of a video in memory.

    Returns:
        The tables, by name.

    Raises:
        MediaError: The file cannot be read as audio or video.
        OSError: Reading failed for a reason that may pass.
    """
    mark = fingerprint(video.location)
    with _decoded(video, measurements, measurements.extractors, Stopwatch(), progress) as (media, decoded):
        return _in_order(measurements.extractors, dict(_tables(video, mark, measurements, media, decoded)))


def process_video(
    video: VideoInput,
    measurements: Measurements,
    out: Location,
    *,
    overwrite: bool = False,
    verify: bool = False,
    debug: bool = False,
    progress: Progress = _ignore,
) -> VideoResult:
    """Writes every missing table of one video. Errors are returned, not raised.

    After a transient error of a disk or network, the video is tried again after a pause; after an error of the file it
    is not.

    Args:
        out: Output folder.
        overwrite: Compute tables again that are up to date.
        verify: Read every table that is kept, and compute it again if its content is damaged.
        debug: Print the traceback of an error.
    """
    started = time.perf_counter()
    stopwatch = Stopwatch()
    for retries, delay_s in enumerate((*_RETRY_DELAYS_S, None)):  # noqa: B007  (used below)
        try:
            result = _write_missing(video, measurements, out, overwrite, verify, stopwatch, progress)
            break
        except Exception as error:
            if debug:
                traceback.print_exc()
            result = failed_result(video, error)
            if delay_s is None or not _may_pass(error):
                break
            time.sleep(delay_s * random.uniform(0.5, 1.5))
    stopwatch.seconds["total"] = time.perf_counter() - started
    return replace(
        result,
        retries=retries,
        seconds={stage: round(seconds, 4) for stage, seconds in stopwatch.seconds.items()},
        peak_memory_bytes=_peak_memory_bytes(),
    )


def _may_pass(error: Exception) -> bool:
    """Whether another attempt may succeed; FFmpeg's errors are about the file, even those with a transient number."""
    return not isinstance(error, FFmpegError) and is_transient(error)


def up_to_date(video: VideoInput, measurements: Measurements, out: Location, *, verify: bool = False) -> list[str]:
    """Names of the extractors whose tables of a video need not be computed again.

    Args:
        video: The video.
        measurements: What a run would measure.
        out: Output folder.
        verify: Read the tables, too.

    Raises:
        MediaError: There is no such file.
        OSError: Reading failed for a reason that may pass.
    """
    return list(_up_to_date(video, fingerprint(video.location), measurements, out, verify))


def _up_to_date(
    video: VideoInput, mark: str, measurements: Measurements, out: Location, verify: bool
) -> dict[str, dict[str, int]]:
    """Extractors whose tables are up to date, each with the rows of its tables."""
    sidecar = sidecar_mark(video.location, measurements.extractors)
    checksums = read_record(out, video.video_id).get("checksums", {}) if verify else None
    rows = {
        e.name: _rows_up_to_date(e, video.video_id, mark, sidecar, measurements, out, checksums)
        for e in measurements.extractors
    }
    return {name: table_rows for name, table_rows in rows.items() if table_rows is not None}


def _write_missing(
    video: VideoInput,
    measurements: Measurements,
    out: Location,
    overwrite: bool,
    verify: bool,
    stopwatch: Stopwatch,
    progress: Progress,
) -> VideoResult:
    media_stamp = stamp(video.location)
    mark = fingerprint(video.location)
    kept = {} if overwrite else _up_to_date(video, mark, measurements, out, verify)
    tables = {name: rows for table_rows in kept.values() for name, rows in table_rows.items()}
    missing = [extractor for extractor in measurements.extractors if extractor.name not in kept]
    windows = tables.get(TIMELINE.name)
    result = VideoResult(
        video_id=video.video_id,
        source=video.source,
        state="done",
        windows=windows or 0,
        duration_s=float((windows or 0) * measurements.step),
        tables=tables,
        made=tuple(extractor.name for extractor in missing),
        kept=tuple(kept),
    )
    unchanged = Unchanged(measurements, out)
    made: dict[str, int] = {}
    if not missing:
        return replace(result, stamps=unchanged.stamps(video, media_stamp))
    checksums: dict[str, str] = {}
    with _decoded(video, measurements, missing, stopwatch, progress, windows) as (media, decoded):
        for name, table in _tables(video, mark, measurements, media, decoded):
            with stopwatch("write"):
                place = table_path(out, name, video.video_id)
                write_table(table, place)
                if (crc := checksum(place)) is not None:
                    checksums[name] = crc
            made[name] = table.num_rows
        tables |= _in_order(missing, made)
        return replace(
            result,
            duration_s=float(decoded.end),
            windows=decoded.windows,
            tables=tables,
            damage={kind: count for kind, count in asdict(media.damage).items() if count},
            lost_s=round(float(media.lost_s), 3),
            notes=(*media.notes, *media.picture.notes, *decoded.notes),
            stamps=unchanged.stamps(video, media_stamp),
            checksums=checksums,
        )


@contextmanager
def _decoded(
    video: VideoInput,
    measurements: Measurements,
    missing: Sequence[BaseExtractor],
    stopwatch: Stopwatch,
    progress: Progress,
    windows: int | None = None,
) -> Iterator[tuple[Media, DecodePass]]:
    """The video, open, after its decode pass; with `windows` rows if another run made its timeline."""
    with Media.open(video.location, measurements.reading, trust_headers=measurements.trust_headers) as media:
        transcriber = transcriber_of(measurements.extractors)
        needs_words = transcriber is not None and any(isinstance(extractor, TextExtractor) for extractor in missing)
        source = choose_source(video.location, media, transcriber) if needs_words and transcriber is not None else None
        grid = Grid(measurements.step)
        decode_pass = DecodePass(media, grid, measurements.extractors, missing, measurements.compute, stopwatch, source)
        with closing(decode_pass) as decoded:
            decoded.decode(progress)
            if windows is not None:
                decoded.keep_windows(windows)
            yield media, decoded


def _tables(
    video: VideoInput, mark: str, measurements: Measurements, media: Media, decoded: DecodePass
) -> Iterator[tuple[str, pa.Table]]:
    """Every missing table, with its metadata."""
    grid = Grid(measurements.step)
    source: dict[str, Any] = {"name": video.location.name, "fingerprint": mark} | asdict(media.metadata)
    for extractor, rows in decoded.rows():
        # A table's bytes must not depend on what else was made in the same pass.
        shows_frames = media.frames.count and not isinstance(extractor, AudioExtractor)
        about_source = source | {"frames": asdict(media.frames)} if shows_frames else source
        if shows_frames and media.picture.applied:
            about_source = about_source | {"picture": media.picture.applied}
        if isinstance(extractor, TextExtractor):
            about_source = source | {"words": decoded.about_words}
        metadata = provenance.metadata(
            extractor, grid.step, decoded.compute, about_source, measurements.reading_of(extractor)
        )
        if rows.table.row == "shot":
            table = shot_table(rows, video.video_id, grid, decoded.shots, decoded.windows, metadata)
        else:
            table = window_table(rows, video.video_id, grid, decoded.windows, metadata)
        yield rows.table.name, table


def _in_order(extractors: Sequence[BaseExtractor], made: Mapping[str, Made]) -> dict[str, Made]:
    """What was made by table, which is as soon as each was ready, in the order of the extractors."""
    names = [name for extractor in extractors for name in tables_of(extractor)]
    return {name: made[name] for name in names}


def _rows_up_to_date(
    extractor: BaseExtractor,
    video_id: str,
    mark: str,
    sidecar: dict[str, str] | None,
    measurements: Measurements,
    out: Location,
    checksums: Mapping[str, str] | None,
) -> dict[str, int] | None:
    """Rows of the extractor's tables, if all are there, made by the same recipe from the same files.

    Args:
        checksums: Of tables as they were written; None: contents are not looked at.
    """
    tables: list[Table] = [*extractor.tables]
    if isinstance(extractor, ShotDetector):
        tables.append(TIMELINE)
    recipe = measurements.recipe(extractor)
    rows = {}
    for table in tables:
        place = table_path(out, table.name, video_id)
        footer = read_footer(place, "origin")
        if footer is None or footer.metadata["recipe"] != recipe:
            return None
        if checksums is not None and (damage_of(place) or checksums.get(table.name) not in (None, checksum(place))):
            return None
        if footer.metadata["source"].get("fingerprint") != mark:
            return None
        if isinstance(extractor, TextExtractor) and footer.metadata["source"]["words"]["sidecar"] != sidecar:
            return None
        rows[table.name] = footer.rows
    return rows


def _peak_memory_bytes() -> int:
    """Largest resident set of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
