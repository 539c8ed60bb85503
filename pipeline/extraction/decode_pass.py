"""Decodes one video in a single pass and yields the rows of its tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import (
    SHOT_DEPENDENT,
    AudioExtractor,
    ClipExtractor,
    Columns,
    FrameExtractor,
    PairExtractor,
    ShotDetector,
    Table,
    TextExtractor,
    Transcriber,
)
from avcues.pipeline.errors import MediaError
from avcues.pipeline.extraction.accumulators import null_rows, rows_from_columns, rows_from_transcript
from avcues.pipeline.extraction.audio import AudioPass
from avcues.pipeline.extraction.executor import Executor
from avcues.pipeline.extraction.frames import FramePass
from avcues.pipeline.extraction.stopwatch import Stopwatch
from avcues.pipeline.extraction.transcript import Source, TextPass, transcriber_of
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.store.parquet import TableRows
from avcues.pipeline.store.records import describe_damage
from avcues.pipeline.store.timeline_table import TIMELINE
from avcues.pipeline.timeline import Grid, Shot, coverage, cuts_around, shot_of_windows, since_cut

Progress = Callable[[float, float | None], None]
"""Called a few times a second with the seconds of video decoded so far, and the video's length if it is known."""

_PROGRESS_INTERVAL_S = 0.25
# Buffers are sized by the length that the container claims, up to this limit, because claims can be wrong.
_MAX_EXPECTED_WINDOWS = 100_000


class DecodePass:
    """Feeds the extractors that have work to do on one video. Call `close` at the end.

    Args:
        media: The open video.
        grid: The windows.
        extractors: All extractors of the run. Those that depend on shots need the shot detector even if its table is
            up to date.
        to_compute: The extractors whose tables are to be computed.
        compute: Device, precision and threads.
        stopwatch: Counts the seconds of each stage.
        source: Source of the words; None if no text extractor has work to do.

    Attributes:
        end: Last instant covered by either stream, after `decode`.
        windows: Number of rows of every window table, after `decode`.
        shots: The video's shots, after `decode`, if a shot detector is among the extractors.
    """

    def __init__(
        self,
        media: Media,
        grid: Grid,
        extractors: Sequence[BaseExtractor],
        to_compute: Sequence[BaseExtractor],
        compute: Compute,
        stopwatch: Stopwatch,
        source: Source | None = None,
    ) -> None:
        self.end = Fraction(0)
        self.windows = 0
        self.shots: list[Shot] = []
        self._media = media
        self._grid = grid
        self._to_compute = to_compute
        self._frames: FramePass | None = None
        self._audio: AudioPass | None = None
        self._text: TextPass | None = None
        self._recogniser: Transcriber | None = None
        transcriber = transcriber_of(extractors)
        if source is not None and transcriber is not None:
            self._text = TextPass(
                source, transcriber, [extractor for extractor in to_compute if isinstance(extractor, TextExtractor)]
            )
            self._recogniser = transcriber if source.kind == "speech" else None
        self._makes_timeline = any(isinstance(extractor, ShotDetector) for extractor in to_compute)
        needs_shots = any(isinstance(extractor, SHOT_DEPENDENT) for extractor in to_compute)
        detectors = (
            [extractor for extractor in extractors if isinstance(extractor, ShotDetector)]
            if self._makes_timeline or needs_shots
            else []
        )
        recognisers = [extractor for extractor in extractors if self._recogniser and isinstance(extractor, Transcriber)]
        active_extractors = {extractor.name: extractor for extractor in (*detectors, *recognisers, *to_compute)}
        self._executor = Executor(active_extractors.values(), compute, stopwatch)
        try:
            self._start(detectors)
        except BaseException:
            self.close()
            raise

    def _start(self, detectors: Sequence[ShotDetector]) -> None:
        media, to_compute, grid = self._media, self._to_compute, self._grid
        audio_extractors = [extractor for extractor in to_compute if isinstance(extractor, AudioExtractor)]
        frame_extractors = [extractor for extractor in to_compute if isinstance(extractor, FrameExtractor)]
        clip_extractors = [extractor for extractor in to_compute if isinstance(extractor, ClipExtractor)]
        pair_extractors = [extractor for extractor in to_compute if isinstance(extractor, PairExtractor)]
        expected_windows = grid.count(Fraction(media.metadata.duration_s or 600))
        expected_windows = min(expected_windows + 2, _MAX_EXPECTED_WINDOWS)
        if media.metadata.video is not None and (frame_extractors or detectors):
            self._frames = FramePass(
                media,
                grid=grid,
                detector=detectors[0] if detectors else None,
                frame_extractors=frame_extractors,
                clip_extractors=clip_extractors,
                pair_extractors=pair_extractors,
                expected_windows=expected_windows,
                executor=self._executor,
            )
        if media.metadata.audio is not None and (audio_extractors or self._makes_timeline or self._recogniser):
            self._audio = AudioPass(
                audio_extractors,
                streams=media.audio_streams,
                rate_hz=media.audio_rate_hz,
                step=grid.step,
                expected_windows=expected_windows,
                damage=media.damage,
                executor=self._executor,
                recogniser=self._recogniser,
            )

    @property
    def compute(self) -> Compute:
        """The device, precision and threads that values are computed with."""
        return self._executor.compute

    def decode(self, progress: Progress) -> None:
        """Decodes the whole video; the last batches of networks may still be running until `rows` waits for them.

        Args:
            progress: Called as the pass proceeds; see `Progress`.

        Raises:
            MediaError: Not a single frame or sample could be decoded.
        """
        self._decode_all(progress)
        if self._audio is not None:
            self._audio.drain()
            self.end = self._audio.end
        if self._frames is not None:
            is_still = self._media.frames.count == 1  # players show it as long as there is sound
            self._frames.end_video(until=self.end if is_still else None)
            self.end = max(self.end, self._frames.end)
            self.shots = self._frames.shots
        if self._makes_timeline and self.end == 0:
            damage = describe_damage(asdict(self._media.damage))
            raise MediaError(f"{self._media.name}: nothing in it could be decoded ({damage})")
        self.windows = self._grid.count(self.end)

    def keep_windows(self, windows: int) -> None:
        """Gives the tables the number of rows that the timeline of an earlier run has."""
        self.windows = windows
        self.end = windows * self._grid.step

    def close(self) -> None:
        """Cancels queued work, waits for running work, and frees what the extractors hold for this video."""
        try:
            self._executor.close()
        finally:
            if self._audio is not None:
                self._audio.abort()

    def _decode_all(self, progress: Progress) -> None:
        stream = None if self._text is None else self._text.source.stream
        decoded = self._media.decode(
            video=self._frames is not None,
            audio=self._audio is not None,
            subtitle_stream=None if stream is None else stream.index,
        )
        last_report_time = time.perf_counter()
        while True:
            with self._executor.stopwatch("decode"):
                item = next(decoded, None)
            if item is None:
                return
            if isinstance(item, VideoFrame):
                assert self._frames is not None
                self._frames.push(item)
            else:
                assert self._audio is not None
                self._audio.push(item)
            if item.start is not None and time.perf_counter() - last_report_time > _PROGRESS_INTERVAL_S:
                last_report_time = time.perf_counter()
                progress(float(item.start), self._media.metadata.duration_s)

    def rows(self) -> Iterator[tuple[BaseExtractor, TableRows]]:
        """Yields all tables of the extractors that had work to do, each as soon as it is ready; networks come last.

        Raises:
            Exception: Whatever an extractor raised.
        """
        pending = {table.name: (extractor, table) for extractor in self._to_compute for table in extractor.tables}
        spans = [] if self._audio is None else self._audio.spans
        audio_coverage = coverage(spans, self._grid, self.windows)
        for extractor in self._to_compute:
            if isinstance(extractor, ShotDetector):
                for table in extractor.tables:
                    del pending[table.name]
                    yield extractor, rows_from_columns(table, _shot_columns(self.shots))
                yield extractor, self._timeline(audio_coverage)
        for rows in self._extracted_rows(audio_coverage, {name: table for name, (_, table) in pending.items()}):
            extractor, _ = pending.pop(rows.table.name)
            yield extractor, rows
        for extractor, table in pending.values():
            yield extractor, null_rows(table, self.windows)

    def _extracted_rows(
        self, audio_coverage: npt.NDArray[np.float32], tables: Mapping[str, Table]
    ) -> Iterator[TableRows]:
        """Yields the rows that extractors made of sound, picture and words."""
        if self._audio is not None:
            audio_columns = self._audio.finish(self.windows)
            for name in (name for name in tables if name in audio_columns):
                yield rows_from_columns(tables[name], audio_columns[name], present=audio_coverage > 0)
        if self._frames is not None:
            yield from self._frames.tables(self.windows)
        text_columns = self._text_columns()
        for name in (name for name in tables if name in text_columns):
            yield rows_from_transcript(tables[name], text_columns[name])

    def _text_columns(self) -> dict[str, Columns]:
        if self._text is None:
            return {}
        for extractor in self._to_compute:
            if isinstance(extractor, TextExtractor):
                self._executor.wait_until_ready(extractor)
        recognised = None if self._audio is None else self._audio.transcript()
        with self._executor.stopwatch("text"):
            return self._text.tables(self._media, recognised, self._grid.step, self.windows)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user, complete after `rows`: what could not be measured and why, and oddities of the media."""
        parts = (self._frames, self._audio, self._text)
        return tuple(note for part in parts if part is not None for note in part.notes)

    @property
    def words_metadata(self) -> dict[str, Any]:
        """The source of the words, for the metadata of the tables that are made of them."""
        return {} if self._text is None else self._text.source.metadata

    def _timeline(self, audio_coverage: npt.NDArray[np.float32]) -> TableRows:
        frame_starts = {} if self._frames is None else self._frames.frame_starts
        pts = np.full(self.windows, np.nan)
        for window, start in frame_starts.items():
            if window < self.windows:
                pts[window] = float(start)
        shot = shot_of_windows(self.shots, self._grid, self.windows)
        columns = {
            "shot": np.ma.masked_less(shot, 0),
            "since_cut": since_cut(self.shots, shot, self._grid),
            "cuts_10s": np.ma.masked_array(cuts_around(self.shots, self._grid, self.windows), mask=not self.shots),
            "audio_coverage": audio_coverage,
            "on_screen": np.isfinite(pts),
            "pts": pts,
        }
        active_picture = None if self._frames is None else self._frames.active_picture
        for side in ("left", "top", "width", "height"):
            pixels = -1 if active_picture is None else getattr(active_picture[0], side)
            columns[f"active_{side}"] = np.ma.masked_less(np.full(self.windows, pixels, np.int32), 0)
        return rows_from_columns(TIMELINE, columns)


def _shot_columns(shots: Sequence[Shot]) -> Columns:
    """The columns of the shot detector's table."""
    return {
        "frames": np.array([shot.frames for shot in shots], np.int32),
        "kind": np.ma.array([shot.kind or "" for shot in shots], object, mask=[shot.kind is None for shot in shots]),
    }
