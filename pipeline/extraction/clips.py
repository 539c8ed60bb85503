"""Clips of consecutive frames at a constant rate, cut out of each shot during the decode pass."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from avcues.extractors.protocol import ClipBatch, ClipExtractor
from avcues.pipeline.extraction.accumulators import from_columns
from avcues.pipeline.extraction.center_crop import CenterCrop
from avcues.pipeline.extraction.full_frame import FullFrame
from avcues.pipeline.extraction.image_ring import Image, LazyImage
from avcues.pipeline.extraction.shots import SettledFrame
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.picture.stage import PictureStage
from avcues.pipeline.store.parquet import TableRows


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames of one shot.

    Args:
        frames: (T, H, W, 3) uint8 RGB, upright.
        new: How many of them no earlier clip of the shot has, each counted once.
    """

    shot: int
    frames: Image
    new: int


class ClipSampler:
    """Samples each shot by the on-screen rule.

    A shot is sampled from its start on. Every `clip_frames` samples make a clip. What is left over makes a clip that
    ends with the shot if it is at least half as long as one; a shot shorter than a clip is repeated to fill one. The
    last `clip_frames` samples are held, however long a shot is.

    Args:
        extractor: Whose clips are cut.
        picture: How the video's frames are shown.
    """

    def __init__(self, extractor: ClipExtractor, picture: PictureStage) -> None:
        self._extractor = extractor
        has_size = extractor.crop_px > 0
        self._scale = (
            CenterCrop(extractor.short_side_px, extractor.crop_px, picture) if has_size else FullFrame(picture)
        )
        self._recent: deque[Image] = deque(maxlen=extractor.clip_frames)
        self._samples = 0
        self._shot = -1
        self._shot_start = Fraction(0)

    def image(self, frame: VideoFrame) -> Image:
        """What a clip holds of a frame, (H, W, 3) uint8 upright RGB: the scaled square, or the full frame."""
        return self._scale(frame.frame)

    def push(self, settled: SettledFrame[LazyImage]) -> Iterator[Clip]:
        """Takes the next frame whose shot is certain, and yields the clips that are complete now."""
        if settled.shot != self._shot:
            yield from self.finish()
            self._shot, self._shot_start = settled.shot, settled.start
        rate = self._extractor.clip_rate_hz
        first = math.ceil((settled.start - self._shot_start) * rate)
        next_sample = math.ceil((settled.end - self._shot_start) * rate)
        if first == next_sample:
            return
        image = settled.payload()
        for _ in range(first, next_sample):
            self._recent.append(image)
            self._samples += 1
            if self._samples % self._extractor.clip_frames == 0:
                yield self._clip(list(self._recent), self._extractor.clip_frames)

    def finish(self) -> Iterator[Clip]:
        """Ends the shot."""
        length, left_over = self._extractor.clip_frames, self._samples % self._extractor.clip_frames
        frames = list(self._recent)
        if 0 < self._samples < length:
            yield self._clip([frames[i % len(frames)] for i in range(length)], left_over)
        elif self._samples and left_over >= length // 2:
            yield self._clip(frames, left_over)
        self._recent.clear()
        self._samples = 0

    def _clip(self, frames: list[Image], new: int) -> Clip:
        return Clip(self._shot, np.stack(frames), new)


@dataclass(slots=True)
class _Sums:
    values: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    clips: int = 0
    samples: int = 0


class ClipMeans:
    """An extractor's values of clips, averaged over those of each shot."""

    def __init__(self, extractor: ClipExtractor) -> None:
        self._extractor = extractor
        self._of_shot: dict[int, _Sums] = defaultdict(_Sums)

    def measure(self, clip: Clip) -> tuple[Clip, npt.NDArray[np.float32]]:
        """The clip, without its frames, and its (C,) values."""
        return replace(clip, frames=clip.frames[:0]), self._extractor.process_clips(ClipBatch(clip.frames[None]))[0]

    def add(self, measured: tuple[Clip, npt.NDArray[np.float32]]) -> None:
        """Takes what `measure` returned."""
        clip, values = measured
        sums = self._of_shot[clip.shot]
        sums.values = sums.values + values.astype(np.float64)
        sums.clips += 1
        sums.samples += clip.new

    def tables(self, windows: int) -> list[TableRows]:
        """The extractor's tables, one row per shot; none without a shot."""
        if not self._of_shot:
            return []
        shots = [sums for _, sums in sorted(self._of_shot.items())]
        described = self._extractor.describe_shots(
            np.array([shot.values / shot.clips for shot in shots], np.float32),
            np.array([shot.clips for shot in shots], np.int32),
            np.array([shot.samples / self._extractor.clip_rate_hz for shot in shots], np.float32),
        )
        return [from_columns(table, described[table.name]) for table in self._extractor.tables]
