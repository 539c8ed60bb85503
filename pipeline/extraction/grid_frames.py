"""Passes the frames on the half-second grid to the frame extractors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from avcues.extractors.protocol import (
    Columns,
    FrameBatch,
    FrameExtractor,
    ItemLinker,
)
from avcues.pipeline.extraction.accumulators import ItemRows, PendingTables, WindowRows
from avcues.pipeline.extraction.executor import Executor, Stage, runs_network
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.picture.converter import Converter
from avcues.pipeline.store.parquet import TableRows
from avcues.pipeline.timeline import Grid

BATCH_FRAMES = 16
BATCH_BYTES = 48 << 20

_Work = tuple[FrameBatch, list[range]]  # frames, and the windows at whose starts each is on screen
_Result = tuple[list[range], Mapping[str, Columns]]


class GridFrames:
    """Passes the frames on the half-second grid, at full size and upright, to the frame extractors.

    Networks get batches of frames of one size. Other extractors get single frames while these are in the processor's
    cache: a batch of 720p takes 44 MB, more than most caches, and would push the decoder's frames out.
    """

    def __init__(
        self, converter: Converter, extractors: Sequence[FrameExtractor], expected_windows: int, executor: Executor
    ) -> None:
        self._batch_stages: list[Stage[_Work, _Result]] = []
        self._single_frame_stages: list[Stage[_Work, _Result]] = []
        self._stages: list[tuple[FrameExtractor, Stage[_Work, _Result]]] = []
        for extractor in extractors:
            stage = executor.stage(extractor, partial(_process, extractor), self._add_rows)
            (self._batch_stages if runs_network(extractor) else self._single_frame_stages).append(stage)
            self._stages.append((extractor, stage))
        self._stopwatch = executor.stopwatch
        self._converter = converter
        self._images: npt.NDArray[np.uint8] = np.empty((0, 0, 0, 3), np.uint8)
        self._times: list[float] = []
        self._batch_windows: list[range] = []
        self._rows: dict[str, WindowRows | ItemRows] = {}
        for extractor in extractors:
            for table in extractor.tables:
                link_items = extractor.link_items if isinstance(extractor, ItemLinker) else None
                self._rows[table.name] = (
                    WindowRows(table, expected_windows) if table.row == "window" else ItemRows(table, link_items)
                )

    def push(self, frame: VideoFrame, windows: range) -> None:
        """Takes the next frame and the windows at whose starts it is on screen."""
        with self._stopwatch("convert"):
            image = self._converter.upright(frame.frame)
        time = float(frame.start)
        if self._single_frame_stages:
            batch = FrameBatch(np.ascontiguousarray(image)[None], (time,))
            for stage in self._single_frame_stages:
                stage.push((batch, [windows]))
        if self._batch_stages:
            self._add_to_batch(image, time, windows)

    def end_video(self) -> None:
        """Queues the last batch."""
        self._queue_batch()

    def pending_tables(self, shot_of_window: npt.NDArray[np.int32], grid: Grid) -> list[PendingTables]:
        """The tables of each extractor, which may still be working. Call it after `end_video`."""

        def finish(extractor: FrameExtractor, stage: Stage[_Work, _Result]) -> list[TableRows]:
            stage.drain()
            collected = [self._rows[table.name] for table in extractor.tables]
            return [
                rows.finish(shot_of_window, grid) if isinstance(rows, ItemRows) else rows.finish(len(shot_of_window))
                for rows in collected
            ]

        return [
            PendingTables(runs_network(extractor), partial(finish, extractor, stage))
            for extractor, stage in self._stages
        ]

    def _add_to_batch(self, image: npt.NDArray[np.uint8], time: float, windows: range) -> None:
        """Adds a frame to the batch."""
        if self._images.shape[1:] != image.shape:
            self._queue_batch()
        if not self._batch_windows:
            frames = min(BATCH_FRAMES, max(1, BATCH_BYTES // image.nbytes))
            self._images = np.empty((frames, *image.shape), np.uint8)
        with self._stopwatch("convert"):
            self._images[len(self._batch_windows)] = image
        self._times.append(time)
        self._batch_windows.append(windows)
        if len(self._batch_windows) == len(self._images):
            self._queue_batch()

    def _queue_batch(self) -> None:
        if not self._batch_windows:
            return
        windows_of_frame = self._batch_windows
        batch = FrameBatch(self._images[: len(windows_of_frame)], tuple(self._times))
        self._times, self._batch_windows = [], []
        for stage in self._batch_stages:
            stage.push((batch, windows_of_frame))

    def _add_rows(self, result: _Result) -> None:
        windows_of_frame, tables = result
        for name, columns in tables.items():
            self._rows[name].add(windows_of_frame, columns)


def _process(extractor: FrameExtractor, work: _Work) -> _Result:
    batch, windows_of_frame = work
    return windows_of_frame, extractor.process_frames(batch)
