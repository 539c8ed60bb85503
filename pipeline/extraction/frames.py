"""Video frames: one sequence of decoded frames that feeds every visual extractor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.extractors.base import BaseExtractor
from avcues.extractors.protocol import (
    ClipExtractor,
    Columns,
    FrameBatch,
    FrameExtractor,
    ItemLinker,
    PairExtractor,
    ShotDetector,
)
from avcues.pipeline.extraction.accumulators import ItemRows, WindowRows
from avcues.pipeline.extraction.clips import Clip, ClipMeans, ClipSampler, Image, LazyImage
from avcues.pipeline.extraction.executor import Executor, Stage
from avcues.pipeline.extraction.pairs import PairMeans, PairSampler, TimedPair
from avcues.pipeline.extraction.shots import SettledFrame, ShotPass
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.orientation import UPRIGHT, Orientation
from avcues.pipeline.media.picture.bars import ActivePicture, Box
from avcues.pipeline.media.picture.stage import Converter
from avcues.pipeline.store.parquet import TableRows
from avcues.pipeline.timeline import Grid, Shot, shot_of_windows

BATCH_FRAMES = 16
BATCH_BYTES = 48 << 20
_SHOT_FRAMES = 4  # for a stage of its own; a 4K frame takes 12 MB, and three batches are on their way
_FULL_PICTURE = 0.97  # share of the frame's area; a smaller picture has bars that deserve a note
_MOST_HELD = 8  # decoded frames that may wait until their shot is certain, so that only sampled ones are scaled

_Work = tuple[FrameBatch, list[range]]  # frames, and the windows at whose starts each is on screen
_Result = tuple[list[range], Mapping[str, Columns]]
_Sampled = tuple[int, Clip | TimedPair]  # number of the extractor, and what it measures


class FramePass:
    """Every frame to the shot detector and the clips, the frames on screen at window starts to the frame extractors.

    It holds a dozen decoded frames, as many small images as the detector lags, and the batches in the stages.

    Attributes:
        end: Last instant covered by a frame so far.
        frame_starts: For each window with a frame on screen at its start, that frame's start.
    """

    def __init__(
        self,
        media: Media,
        *,
        grid: Grid,
        detector: ShotDetector | None,
        frame_extractors: Sequence[FrameExtractor],
        clip_extractors: Sequence[ClipExtractor],
        pair_extractors: Sequence[PairExtractor],
        expected_windows: int,
        executor: Executor,
    ) -> None:
        self.end = Fraction(0)
        self.frame_starts: dict[int, Fraction] = {}
        self._picture = media.picture
        self._active = ActivePicture()
        self._orientation = UPRIGHT
        self._grid = grid
        self._held: VideoFrame | None = None
        self._next_window = Fraction(0)  # no window starts between the end of the last frame and here
        self._shots = (
            None if detector is None else ShotFrames(media, grid, detector, clip_extractors, pair_extractors, executor)
        )
        self._frames = (
            GridFrames(media.picture.converter(), frame_extractors, expected_windows, executor)
            if frame_extractors
            else None
        )

    def push(self, frame: VideoFrame) -> None:
        """Takes the next frame; the one before it is on screen until now."""
        if self._held is not None:
            self._show(self._held, frame.start)
        self._held = frame
        if self._shots is not None:
            self._shots.push(frame)

    def drain(self, until: Fraction | None = None) -> None:
        """Shows the last frame for its own duration, and ends the last shot with it.

        Args:
            until: Show it up to here at least.
        """
        if self._held is not None:
            end = self._held.start + self._held.duration
            self._show(self._held, end if until is None else max(end, until))
            self._held = None
        if self._shots is not None:
            self._shots.drain(self.end)
        if self._frames is not None:
            self._frames.drain()

    @property
    def active_picture(self) -> tuple[Box, tuple[int, int]] | None:
        """The box between black bars, and width and height of the picture, in pixels of what extractors see."""
        box = self._active.box()
        if box is None:
            return None
        return box.shown(self._picture.pixel_aspect, self._orientation, self._active.size)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the values should know, after `drain`."""
        if (active := self.active_picture) is None:
            return ()
        box, (width, height) = active
        if box.width * box.height >= _FULL_PICTURE * width * height:
            return ()
        return (
            f"black bars: the picture is {box.width} x {box.height} of {width} x {height}; the bars are measured too, "
            "unless `bars=crop`",
        )

    @property
    def shots(self) -> list[Shot]:
        """The shots of the whole video, in order, after `drain`."""
        return [] if self._shots is None else self._shots.shots

    def tables(self, windows: int) -> list[TableRows]:
        """Every table of the frame and clip extractors, after `drain`."""
        shot_of_window = shot_of_windows(self.shots, self._grid, windows)
        of_frames = [] if self._frames is None else self._frames.tables(shot_of_window, self._grid)
        return of_frames + ([] if self._shots is None else self._shots.tables(windows))

    def _show(self, frame: VideoFrame, end: Fraction) -> None:
        self.end = end
        if frame.start >= 0 and end <= self._next_window:
            return
        shown_in = self._grid.starting_in(frame.start, end)
        self._next_window = shown_in.stop * self._grid.step
        for window in shown_in:
            self.frame_starts[window] = frame.start
        if shown_in:
            if len(self.frame_starts) == len(shown_in):
                self._orientation = Orientation.of(frame.frame)
            self._active.add(frame.frame)
            if self._frames is not None:
                self._frames.push(frame, shown_in)


class ShotFrames:
    """Every frame, small, to the shot detector, and from there clips and pairs of frames of each shot to extractors.

    A frame's way: the decoder queues it for the shot stage, which scales it, finds cuts and cuts clips; a whole clip
    comes back as a result to the decoding thread, which queues it for its extractor's stage. So does a pair.
    """

    def __init__(
        self,
        media: Media,
        grid: Grid,
        detector: ShotDetector,
        clip_extractors: Sequence[ClipExtractor],
        pair_extractors: Sequence[PairExtractor],
        executor: Executor,
    ) -> None:
        executor.wait_until_ready(detector)
        self._detector: ShotPass[tuple[LazyImage, ...]] = ShotPass(media, detector)
        self._scales_at_once = detector.lag > _MOST_HELD
        self._stopwatch = executor.stopwatch
        self._samplers: list[ClipSampler | PairSampler] = [
            *(ClipSampler(extractor, media.picture) for extractor in clip_extractors),
            *(PairSampler(extractor, media.picture) for extractor in pair_extractors),
        ]
        self._means: list[ClipMeans | PairMeans] = [
            *(ClipMeans(extractor) for extractor in clip_extractors),
            *(PairMeans(extractor, grid) for extractor in pair_extractors),
        ]
        # In the decoder's own thread a frame is best looked at while it is in the processor's cache.
        self._frames_at_once = _SHOT_FRAMES if executor.concurrent else 1
        self._unseen: list[VideoFrame] = []
        self._stage = executor.stage(detector, self._find_clips, self._queue_clips, urgent=True)
        self._clip_stages: list[Stage[Any, Any]] = [
            executor.stage(extractor, means.measure, means.add)
            for extractor, means in zip((*clip_extractors, *pair_extractors), self._means, strict=True)
        ]

    def push(self, frame: VideoFrame) -> None:
        """Takes the next frame."""
        self._unseen.append(frame)
        if len(self._unseen) == self._frames_at_once:
            self._flush()

    def drain(self, end: Fraction) -> None:
        """Ends the last shot at `end` and waits for all clips."""
        self._flush()
        self._stage.drain()
        with self._stopwatch("shots"):
            clips = self._cut(self._detector.finish(end))
            clips += [(i, sampled) for i, sampler in enumerate(self._samplers) for sampled in sampler.finish()]
        self._queue_clips(clips)
        for stage in self._clip_stages:
            stage.drain()

    @property
    def shots(self) -> list[Shot]:
        """All shots, in order, after `drain`."""
        return self._detector.shots

    def tables(self, windows: int) -> list[TableRows]:
        """Every table of the clip and pair extractors, after `drain`."""
        return [rows for means in self._means for rows in means.tables(windows)]

    def _flush(self) -> None:
        self._stage.push(self._unseen)
        self._unseen = []

    def _find_clips(self, frames: Sequence[VideoFrame]) -> list[_Sampled]:
        """Clips and pairs that are complete now, each with the number of its extractor."""
        clips: list[_Sampled] = []
        for frame in frames:
            clips += self._cut(self._detector.push(frame, self._images(frame)))
        return clips

    def _images(self, frame: VideoFrame) -> tuple[LazyImage, ...]:
        """What each sampler may ask of a frame; made at once if many frames wait until their shot is certain."""
        lazy = tuple(partial(self._scale, sampler, frame) for sampler in self._samplers)
        return tuple(_already_made(image()) for image in lazy) if self._scales_at_once else lazy

    def _scale(self, sampler: ClipSampler | PairSampler, frame: VideoFrame) -> Image:
        with self._stopwatch("scale"):
            return sampler.image(frame)

    def _cut(self, settled: Iterable[SettledFrame[tuple[LazyImage, ...]]]) -> list[_Sampled]:
        return [
            (i, clip)
            for frame in settled
            for i, (sampler, image) in enumerate(zip(self._samplers, frame.payload, strict=True))
            for clip in sampler.push(SettledFrame(frame.shot, frame.start, frame.end, image))
        ]

    def _queue_clips(self, clips: Sequence[_Sampled]) -> None:
        for i, clip in clips:
            self._clip_stages[i].push(clip)


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
        for extractor in extractors:
            stages = self._batched if _is_network(extractor) else self._one_by_one
            stages.append(executor.stage(extractor, partial(_process, extractor), self._add))
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

    def drain(self) -> None:
        """Waits for all batches."""
        self._flush()
        for stage in (*self._one_by_one, *self._batched):
            stage.drain()

    def tables(self, shot_of_window: npt.NDArray[np.int32], grid: Grid) -> list[TableRows]:
        """Every table of the extractors, after `drain`."""
        return [
            rows.finish(shot_of_window, grid) if isinstance(rows, ItemRows) else rows.finish(len(shot_of_window))
            for rows in self._rows.values()
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


def _already_made(image: Image) -> LazyImage:
    return lambda: image


def _is_network(extractor: FrameExtractor) -> bool:
    return isinstance(extractor, BaseExtractor) and extractor.uses_network


def _process(extractor: FrameExtractor, work: _Work) -> _Result:
    batch, shown = work
    return shown, extractor.process_frames(batch)
