"""Frames on the half-second grid on their way to the frame extractors."""

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
from avcues.pipeline.extraction.accumulators import ItemRows, Unfinished, WindowRows
from avcues.pipeline.extraction.executor import Executor, Stage, is_network
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.picture.converter import Converter
from avcues.pipeline.store.parquet import TableRows
from avcues.pipeline.timeline import Grid

BATCH_FRAMES = 16
BATCH_BYTES = 48 << 20

_Work = tuple[FrameBatch, list[range]]  # frames, and the windows at whose starts each is on screen
_Result = tuple[list[range], Mapping[str, Columns]]


class GridFrames:
    """Frames on the half-second grid at full size, upright.

    Networks get them in batches of one image size. Everything else gets them one by one, while they are in the
    processor's cache: a batch of 720p takes 44 MB, more than most caches, and pushes the decoder's frames out of them.
    """

    def __init__(
        self, converter: Converter, extractors: Sequence[FrameExtractor], expected_windows: int, executor: Executor
    ) -> None:
        self._batched: list[Stage[_Work, _Result]] = []
        self._one_by_one: list[Stage[_Work, _Result]] = []
        self._stages: list[tuple[FrameExtractor, Stage[_Work, _Result]]] = []
        for extractor in extractors:
            stage = executor.stage(extractor, partial(_process, extractor), self._add)
            (self._batched if is_network(extractor) else self._one_by_one).append(stage)
            self._stages.append((extractor, stage))
        self._stopwatch = executor.stopwatch
        self._converter = converter
        self._images: npt.NDArray[np.uint8] = np.empty((0, 0, 0, 3), np.uint8)
        self._times: list[float] = []
        self._shown: list[range] = []
        self._rows: dict[str, WindowRows | ItemRows] = {}
        for extractor in extractors:
            for table in extractor.tables:
                link = extractor.link_items if isinstance(extractor, ItemLinker) else None
                self._rows[table.name] = (
                    WindowRows(table, expected_windows) if table.row == "window" else ItemRows(table, link)
                )

    def push(self, frame: VideoFrame, shown_in: range) -> None:
        """Takes the next frame and the windows at whose starts it is on screen."""
        with self._stopwatch("convert"):
            image = self._converter.upright(frame.frame)
        time = float(frame.start)
        if self._one_by_one:
            batch = FrameBatch(np.ascontiguousarray(image)[None], (time,))
            for stage in self._one_by_one:
                stage.push((batch, [shown_in]))
        if self._batched:
            self._keep(image, time, shown_in)

    def end_video(self) -> None:
        """Queues the last batch."""
        self._flush()

    def unfinished(self, shot_of_window: npt.NDArray[np.int32], grid: Grid) -> list[Unfinished]:
        """What waits for each extractor's last batch and gives its tables, after `end_video`."""

        def finish(extractor: FrameExtractor, stage: Stage[_Work, _Result]) -> list[TableRows]:
            stage.drain()
            collected = [self._rows[table.name] for table in extractor.tables]
            return [
                rows.finish(shot_of_window, grid) if isinstance(rows, ItemRows) else rows.finish(len(shot_of_window))
                for rows in collected
            ]

        return [
            Unfinished(is_network(extractor), partial(finish, extractor, stage)) for extractor, stage in self._stages
        ]

    def _keep(self, image: npt.NDArray[np.uint8], time: float, shown_in: range) -> None:
        """Adds a frame to the batch."""
        if self._images.shape[1:] != image.shape:
            self._flush()
        if not self._shown:
            frames = min(BATCH_FRAMES, max(1, BATCH_BYTES // image.nbytes))
            self._images = np.empty((frames, *image.shape), np.uint8)
        with self._stopwatch("convert"):
            self._images[len(self._shown)] = image
        self._times.append(time)
        self._shown.append(shown_in)
        if len(self._shown) == len(self._images):
            self._flush()

    def _flush(self) -> None:
        if not self._shown:
            return
        shown = self._shown
        batch = FrameBatch(self._images[: len(shown)], tuple(self._times))
        self._times, self._shown = [], []
        for stage in self._batched:
            stage.push((batch, shown))

    def _add(self, result: _Result) -> None:
        shown, tables = result
        for name, columns in tables.items():
            self._rows[name].add(shown, columns)


def _process(extractor: FrameExtractor, work: _Work) -> _Result:
    batch, shown = work
    return shown, extractor.process_frames(batch)
