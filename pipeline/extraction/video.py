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
from avcues.pipeline.extraction.stamp_check import StampCheck, tables_of
from avcues.pipeline.extraction.stopwatch import Stopwatch
from avcues.pipeline.extraction.transcript import choose_source, sidecar_identity, transcriber_of
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

Value = TypeVar("Value")

_RETRY_DELAYS_S = (1, 4, 16)


def _ignore(done_s: float, total_s: float | None) -> None:
    """Reports no progress."""


def measure_video(video: VideoInput, measurements: Measurements, progress: Progress = _ignore) -> dict[str, pa.Table]:
    """Computes every table of a video in memory.

    Args:
        video: The video.
        measurements: What is measured.
        progress: Called as decoding proceeds.

    Returns:
        The tables, by name.

    Raises:
        MediaError: The file cannot be read as audio or video.
        OSError: Reading failed for a temporary reason.
    """
    media_fingerprint = fingerprint(video.location)
    with _decode_pass(video, measurements, measurements.extractors, Stopwatch(), progress) as (media, decode_pass):
        return _in_order_of_extractors(
            measurements.extractors, dict(_missing_tables(video, media_fingerprint, measurements, media, decode_pass))
        )


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

    After a transient error of a disk or network, the video is tried again after a pause; after an error of the file, it
    is not.

    Args:
        video: The video.
        measurements: What the run measures.
        out: Output folder.
        overwrite: Compute tables again even if they are up to date.
        verify: Read every table that is reused, and compute it again if its content is damaged.
        debug: Print the traceback of an error.
        progress: Called as decoding proceeds.
    """
    started = time.perf_counter()
    stopwatch = Stopwatch()
    for retries, delay_s in enumerate((*_RETRY_DELAYS_S, None)):  # noqa: B007  (used below)
        try:
            result = _write_missing(video, measurements, out, stopwatch, progress, overwrite=overwrite, verify=verify)
            break
        except Exception as error:
            if debug:
                traceback.print_exc()
            result = failed_result(video, error)
            if delay_s is None or not _is_temporary(error):
                break
            time.sleep(delay_s * random.uniform(0.5, 1.5))
    stopwatch.seconds["total"] = time.perf_counter() - started
    return replace(
        result,
        retries=retries,
        seconds={stage: round(seconds, 4) for stage, seconds in stopwatch.seconds.items()},
        peak_memory_bytes=_peak_memory_bytes(),
    )


def _is_temporary(error: Exception) -> bool:
    """Whether another attempt may succeed. Errors of FFmpeg concern the file, even those with a transient number."""
    return not isinstance(error, FFmpegError) and is_transient(error)


def up_to_date(video: VideoInput, measurements: Measurements, out: Location, *, verify: bool = False) -> list[str]:
    """Names of the extractors whose tables of a video need not be computed again.

    Args:
        video: The video.
        measurements: What a run would measure.
        out: Output folder.
        verify: Also read the tables.

    Raises:
        MediaError: The file does not exist.
        OSError: Reading failed for a temporary reason.
    """
    return list(_up_to_date(video, fingerprint(video.location), measurements, out, verify=verify))


def _up_to_date(
    video: VideoInput, media_fingerprint: str, measurements: Measurements, out: Location, *, verify: bool
) -> dict[str, dict[str, int]]:
    """Extractors whose tables are up to date, each with the rows of its tables."""
    sidecar = sidecar_identity(video.location, measurements.extractors)
    checksums = read_record(out, video.video_id).get("checksums", {}) if verify else None
    rows = {
        extractor.name: _rows_up_to_date(
            extractor, video.video_id, media_fingerprint, sidecar, measurements, out, checksums
        )
        for extractor in measurements.extractors
    }
    return {name: table_rows for name, table_rows in rows.items() if table_rows is not None}


def _write_missing(
    video: VideoInput,
    measurements: Measurements,
    out: Location,
    stopwatch: Stopwatch,
    progress: Progress,
    *,
    overwrite: bool,
    verify: bool,
) -> VideoResult:
    media_stamp = stamp(video.location)
    media_fingerprint = fingerprint(video.location)
    reused = {} if overwrite else _up_to_date(video, media_fingerprint, measurements, out, verify=verify)
    tables = {name: rows for table_rows in reused.values() for name, rows in table_rows.items()}
    to_compute = [extractor for extractor in measurements.extractors if extractor.name not in reused]
    windows = tables.get(TIMELINE.name)
    result = VideoResult(
        video_id=video.video_id,
        source=video.source,
        state="done",
        windows=windows or 0,
        duration_s=float((windows or 0) * measurements.step),
        tables=tables,
        computed=tuple(extractor.name for extractor in to_compute),
        reused=tuple(reused),
    )
    stamp_check = StampCheck(measurements, out)
    written_rows: dict[str, int] = {}
    if not to_compute:
        return replace(result, stamps=stamp_check.stamps(video, media_stamp))
    checksums: dict[str, str] = {}
    with _decode_pass(video, measurements, to_compute, stopwatch, progress, windows) as (media, decode_pass):
        for name, table in _missing_tables(video, media_fingerprint, measurements, media, decode_pass):
            with stopwatch("write"):
                path = table_path(out, name, video.video_id)
                write_table(table, path)
                if (table_checksum := checksum(path)) is not None:
                    checksums[name] = table_checksum
            written_rows[name] = table.num_rows
        tables |= _in_order_of_extractors(to_compute, written_rows)
        return replace(
            result,
            duration_s=float(decode_pass.end),
            windows=decode_pass.windows,
            tables=tables,
            damage={kind: count for kind, count in asdict(media.damage).items() if count},
            lost_s=round(float(media.lost_s), 3),
            notes=(*media.notes, *media.picture.notes, *decode_pass.notes),
            stamps=stamp_check.stamps(video, media_stamp),
            checksums=checksums,
        )


@contextmanager
def _decode_pass(
    video: VideoInput,
    measurements: Measurements,
    to_compute: Sequence[BaseExtractor],
    stopwatch: Stopwatch,
    progress: Progress,
    windows: int | None = None,
) -> Iterator[tuple[Media, DecodePass]]:
    """The open video after its decode pass, with `windows` rows if an earlier run made its timeline."""
    with Media.open(video.location, measurements.reading, trust_headers=measurements.trust_headers) as media:
        transcriber = transcriber_of(measurements.extractors)
        needs_words = transcriber is not None and any(isinstance(extractor, TextExtractor) for extractor in to_compute)
        source = choose_source(video.location, media, transcriber) if needs_words and transcriber is not None else None
        grid = Grid(measurements.step)
        decode_pass = DecodePass(
            media, grid, measurements.extractors, to_compute, measurements.compute, stopwatch, source
        )
        with closing(decode_pass):
            decode_pass.decode(progress)
            if windows is not None:
                decode_pass.keep_windows(windows)
            yield media, decode_pass


def _missing_tables(
    video: VideoInput, media_fingerprint: str, measurements: Measurements, media: Media, decode_pass: DecodePass
) -> Iterator[tuple[str, pa.Table]]:
    """Every missing table, with its metadata."""
    grid = Grid(measurements.step)
    source: dict[str, Any] = {"name": video.location.name, "fingerprint": media_fingerprint} | asdict(media.metadata)
    for extractor, rows in decode_pass.rows():
        # A table's bytes must not depend on the other tables of the same pass.
        shows_frames = media.frames.count and not isinstance(extractor, AudioExtractor)
        source_metadata = source | {"frames": asdict(media.frames)} if shows_frames else source
        if shows_frames and media.picture.applied:
            source_metadata = source_metadata | {"picture": media.picture.applied}
        if isinstance(extractor, TextExtractor):
            source_metadata = source | {"words": decode_pass.words_metadata}
        metadata = provenance.metadata(
            extractor, grid.step, decode_pass.compute, source_metadata, measurements.reading_of(extractor)
        )
        if rows.table.row == "shot":
            table = shot_table(rows, video.video_id, grid, decode_pass.shots, decode_pass.windows, metadata)
        else:
            table = window_table(rows, video.video_id, grid, decode_pass.windows, metadata)
        yield rows.table.name, table


def _in_order_of_extractors(extractors: Sequence[BaseExtractor], by_table: Mapping[str, Value]) -> dict[str, Value]:
    """Values by table, in the order of the extractors instead of that in which the tables were ready."""
    names = [name for extractor in extractors for name in tables_of(extractor)]
    return {name: by_table[name] for name in names}


def _rows_up_to_date(
    extractor: BaseExtractor,
    video_id: str,
    media_fingerprint: str,
    sidecar: dict[str, str] | None,
    measurements: Measurements,
    out: Location,
    checksums: Mapping[str, str] | None,
) -> dict[str, int] | None:
    """Rows of the extractor's tables if all exist and were made by the same recipe from the same files, else None.

    Args:
        checksums: Checksums of tables as they were written; None: contents are not checked.
    """
    tables: list[Table] = [*extractor.tables]
    if isinstance(extractor, ShotDetector):
        tables.append(TIMELINE)
    recipe = measurements.recipe(extractor)
    rows = {}
    for table in tables:
        path = table_path(out, table.name, video_id)
        footer = read_footer(path, "origin")
        if footer is None or footer.metadata["recipe"] != recipe:
            return None
        if checksums is not None and (damage_of(path) or checksums.get(table.name) not in (None, checksum(path))):
            return None
        if footer.metadata["source"].get("fingerprint") != media_fingerprint:
            return None
        if isinstance(extractor, TextExtractor) and footer.metadata["source"]["words"]["sidecar"] != sidecar:
            return None
        rows[table.name] = footer.rows
    return rows


def _peak_memory_bytes() -> int:
    """Largest resident set of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
