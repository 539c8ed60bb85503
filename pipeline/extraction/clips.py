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
from avcues.pipeline.extraction.accumulators import rows_from_columns
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
        shot: Number of the shot.
        frames: (T, H, W, 3) uint8 RGB, upright.
        new_frames: Number of different frames that no earlier clip of the shot contains.
    """

    shot: int
    frames: Image
    new_frames: int


class ClipSampler:
    """Samples each shot at a constant rate; a sample is the frame on screen at its time.

    A shot is sampled from its start. Every `clip_frames` samples make a clip. If at least half a clip remains at the
    end, one more clip is made that ends with the shot. A shot shorter than a clip is repeated to fill one. Only the
    latest `clip_frames` samples are kept in memory.

    Args:
        extractor: The extractor that measures the clips.
        picture: Converts the video's frames to what viewers see.
    """

    def __init__(self, extractor: ClipExtractor, picture: PictureStage) -> None:
        self._extractor = extractor
        has_crop = extractor.crop_px > 0
        self._convert = (
            CenterCrop(extractor.short_side_px, extractor.crop_px, picture) if has_crop else FullFrame(picture)
        )
        self._recent_images: deque[Image] = deque(maxlen=extractor.clip_frames)
        self._sample_count = 0
        self._shot = -1
        self._shot_start = Fraction(0)

    def image(self, frame: VideoFrame) -> Image:
        """The image of a frame for clips, (H, W, 3) uint8 upright RGB: the scaled square, or the full frame."""
        return self._convert(frame.frame)

    def push(self, settled: SettledFrame[LazyImage]) -> Iterator[Clip]:
        """Takes the next frame whose shot is certain, and yields the clips that it completes."""
        if settled.shot != self._shot:
            yield from self.finish()
            self._shot, self._shot_start = settled.shot, settled.start
        rate = self._extractor.clip_rate_hz
        first_sample = math.ceil((settled.start - self._shot_start) * rate)
        next_sample = math.ceil((settled.end - self._shot_start) * rate)
        if first_sample == next_sample:
            return
        image = settled.payload()
        for _ in range(first_sample, next_sample):
            self._recent_images.append(image)
            self._sample_count += 1
            if self._sample_count % self._extractor.clip_frames == 0:
                yield self._clip(list(self._recent_images), self._extractor.clip_frames)

    def finish(self) -> Iterator[Clip]:
        """Ends the shot, and yields its last clip if there is one."""
        clip_frames, remainder = self._extractor.clip_frames, self._sample_count % self._extractor.clip_frames
        frames = list(self._recent_images)
        if 0 < self._sample_count < clip_frames:
            yield self._clip([frames[i % len(frames)] for i in range(clip_frames)], remainder)
        elif self._sample_count and remainder >= clip_frames // 2:
            yield self._clip(frames, remainder)
        self._recent_images.clear()
        self._sample_count = 0

    def _clip(self, frames: list[Image], new_frames: int) -> Clip:
        return Clip(self._shot, np.stack(frames), new_frames)


@dataclass(slots=True)
class _Sums:
    """Sums over the clips of a shot."""

    values: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    clips: int = 0
    samples: int = 0


class ClipMeans:
    """Averages an extractor's values of clips over each shot."""

    def __init__(self, extractor: ClipExtractor) -> None:
        self._extractor = extractor
        self._sums_by_shot: dict[int, _Sums] = defaultdict(_Sums)

    def measure(self, clip: Clip) -> tuple[Clip, npt.NDArray[np.float32]]:
        """The clip, without its frames, and its (C,) values."""
        return replace(clip, frames=clip.frames[:0]), self._extractor.process_clips(ClipBatch(clip.frames[None]))[0]

    def add(self, measured: tuple[Clip, npt.NDArray[np.float32]]) -> None:
        """Takes what `measure` returned."""
        clip, values = measured
        sums = self._sums_by_shot[clip.shot]
        sums.values = sums.values + values.astype(np.float64)
        sums.clips += 1
        sums.samples += clip.new_frames

    def tables(self, windows: int) -> list[TableRows]:
        """The extractor's tables, one row per shot; none without a shot."""
        if not self._sums_by_shot:
            return []
        shots = [sums for _, sums in sorted(self._sums_by_shot.items())]
        columns_by_table = self._extractor.describe_shots(
            np.array([shot.values / shot.clips for shot in shots], np.float32),
            np.array([shot.clips for shot in shots], np.int32),
            np.array([shot.samples / self._extractor.clip_rate_hz for shot in shots], np.float32),
        )
        return [rows_from_columns(table, columns_by_table[table.name]) for table in self._extractor.tables]
