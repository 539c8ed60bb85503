"""Pairs of neighbouring frames, a few times a second, within shots."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation, VideoReformatter

from avcues.extractors.protocol import FramePair, PairExtractor
from avcues.pipeline.extraction.accumulators import rows_from_columns
from avcues.pipeline.extraction.image_ring import Image, LazyImage
from avcues.pipeline.extraction.shots import SettledFrame
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.orientation import Orientation
from avcues.pipeline.media.picture.stage import PictureStage
from avcues.pipeline.store.parquet import TableRows
from avcues.pipeline.timeline import Grid

_MIN_INTERVAL_S = Fraction(30, 1000)  # at higher frame rates, neighbours differ too little to be measured
_MAX_INTERVAL_S = Fraction(1, 4)
_NOT_SAMPLED: Image = np.empty((0, 0), np.uint8)


@dataclass(frozen=True, slots=True)
class TimedPair:
    """A pair of frames, and the time halfway between them."""

    middle: Fraction
    pair: FramePair


@dataclass(frozen=True, slots=True)
class _Sample:
    start: Fraction
    shot: int
    image: Image


class PairSampler:
    """Takes the first frame of every interval of 1 / `pair_rate_hz` seconds, and the frame after it.

    Frames more than a quarter of a second apart, or of different shots, are not a pair.

    Args:
        extractor: The extractor that measures the pairs.
        picture: Converts the video's frames to what viewers see.
    """

    def __init__(self, extractor: PairExtractor, picture: PictureStage) -> None:
        self._extractor = extractor
        self._picture = picture
        self._converter = picture.converter()
        self._reformatter = VideoReformatter()
        self._interval = -1
        self._pair_start: Fraction | None = None  # start of the first frame of an incomplete pair
        self._opens_pair: deque[bool] = deque()  # for each sampled frame: is it the first of a pair
        self._first: _Sample | None = None

    def image(self, frame: VideoFrame) -> Image:
        """The brightness of a frame, (H, W) uint8, or an empty one if it is in no pair. Call it for every frame."""
        interval = int(frame.start * self._extractor.pair_rate_hz)
        closes_pair = self._pair_start is not None and frame.start - self._pair_start >= _MIN_INTERVAL_S
        opens_pair = interval != self._interval
        if not (opens_pair or closes_pair):
            return _NOT_SAMPLED
        self._interval = interval
        self._pair_start = frame.start if opens_pair else None
        self._opens_pair.append(opens_pair)
        width, height = self._picture.display_size(frame.frame)
        factor = max(1.0, max(width, height) / self._extractor.long_side_px)
        width, height = (max(1, round(side / factor)) for side in (width, height))
        return Orientation.of(frame.frame).apply(self._brightness(frame.frame, width, height))

    def _brightness(self, frame: av.VideoFrame, width: int, height: int) -> Image:
        if self._picture.color_of(frame) is not None:  # the code values need to be converted
            rgb = self._converter.scaled(frame, width, height, Interpolation.AREA)
            return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
        gray = self._reformatter.reformat(
            frame, width, height, format="gray", interpolation=Interpolation.AREA, threads=1
        )
        return np.array(gray.to_ndarray(), np.uint8)

    def push(self, settled: SettledFrame[LazyImage]) -> Iterator[TimedPair]:
        """Takes the next frame whose shot is certain, and yields the pair that it completes."""
        image = settled.payload()
        if not image.size:
            return
        first = self._first
        self._first = _Sample(settled.start, settled.shot, image) if self._opens_pair.popleft() else None
        if first is None or first.shot != settled.shot or first.image.shape != image.shape:
            return
        interval = settled.start - first.start
        if _MIN_INTERVAL_S <= interval <= _MAX_INTERVAL_S:
            yield TimedPair(first.start + interval / 2, FramePair((first.image, image), float(interval)))

    def finish(self) -> Iterator[TimedPair]:
        """Yields nothing: `push` yields each pair as soon as it is complete."""
        yield from ()


class PairMeans:
    """Averages an extractor's values of pairs over each window.

    Args:
        extractor: The extractor that measures the pairs.
        grid: The windows.
    """

    def __init__(self, extractor: PairExtractor, grid: Grid) -> None:
        self._extractor = extractor
        self._grid = grid
        self._windows: list[int] = []
        self._values: list[npt.NDArray[np.float64]] = []

    def measure(self, timed_pair: TimedPair) -> tuple[Fraction, npt.NDArray[np.float64]]:
        """The middle of a pair in seconds, and its (C,) values."""
        return timed_pair.middle, self._extractor.process_pair(timed_pair.pair)

    def add(self, measured: tuple[Fraction, npt.NDArray[np.float64]]) -> None:
        """Takes what `measure` returned."""
        middle, values = measured
        if middle >= 0:
            self._windows.append(int(middle / self._grid.step))
            self._values.append(values)

    def tables(self, windows: int) -> list[TableRows]:
        """The extractor's tables, one row per window; none without a pair."""
        pair_windows = np.array(self._windows, np.intp)
        is_in_video = pair_windows < windows
        if not is_in_video.any():
            return []
        pair_windows, values = pair_windows[is_in_video], np.array(self._values)[is_in_video]
        totals, counts = np.zeros((windows, values.shape[1])), np.zeros((windows, values.shape[1]))
        has_value = np.isfinite(values)
        np.add.at(totals, pair_windows, np.where(has_value, values, 0))
        np.add.at(counts, pair_windows, has_value)
        with np.errstate(invalid="ignore"):
            means = totals / np.where(counts > 0, counts, np.nan)
        pairs = np.bincount(pair_windows, minlength=windows).astype(np.int16)
        columns_by_table = self._extractor.describe_windows(means, pairs)
        return [
            rows_from_columns(table, columns_by_table[table.name], present=pairs > 0)
            for table in self._extractor.tables
        ]
