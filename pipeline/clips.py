"""Clips of consecutive frames at a constant rate, cut out of each shot while it goes by."""

from __future__ import annotations

import math
from collections import deque
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation, VideoReformatter

from extractors.protocol import ClipBatch, ClipExtractor
from pipeline.decoded import Picture
from pipeline.readiness import Readiness
from pipeline.rows import Rows, whole
from pipeline.shots import Settled
from pipeline.upright import upright

Image = npt.NDArray[np.uint8]


class ClipPass:
    """Samples each shot by the on-screen rule and feeds an extractor whole clips.

    A shot is sampled from its start on. Every `clip_frames` samples make a clip. What is left over makes a clip that
    ends with the shot if it is at least half as long as one; a shot shorter than a clip is repeated to fill one. Held
    are the last `clip_frames` samples and the clips that the lane is busy with, however long a shot is.
    """

    def __init__(self, extractor: ClipExtractor, readiness: Readiness) -> None:
        self._extractor = extractor
        self._lane = readiness.lane(
            extractor, self._process, self._take, parallel=getattr(extractor, "parallel", False)
        )
        self._reformatter = VideoReformatter()
        self._recent: deque[Image] = deque(maxlen=extractor.clip_frames)
        self._samples = 0
        self._shot = -1
        self._shot_start = Fraction(0)
        self._sums: list[npt.NDArray[np.float64]] = []
        self._counts: list[int] = []

    def image(self, picture: Picture) -> Image:
        """What a clip holds of a frame: upright RGB, short side scaled, centre cropped, (crop, crop, 3) uint8."""
        frame, extractor = picture.frame, self._extractor
        scale = extractor.short_side_px / min(frame.width, frame.height)
        width, height = (max(extractor.short_side_px, round(side * scale)) for side in (frame.width, frame.height))
        scaled = self._reformatter.reformat(
            frame, width, height, format="rgb24", interpolation=Interpolation.AREA, threads=1
        )
        top, left = (height - extractor.crop_px) // 2, (width - extractor.crop_px) // 2
        whole_image: Image = scaled.to_ndarray()  # type: ignore[assignment]
        crop = whole_image[top : top + extractor.crop_px, left : left + extractor.crop_px]
        return upright(np.ascontiguousarray(crop), frame.rotation)

    def push(self, settled: Settled[Image]) -> None:
        """Takes the next frame whose shot is certain."""
        if settled.shot != self._shot:
            self._end_shot()
            self._shot, self._shot_start = settled.shot, settled.start
            self._sums.append(np.zeros(1))
            self._counts.append(0)
        rate = self._extractor.clip_rate_hz
        first = math.ceil((settled.start - self._shot_start) * rate)
        after = math.ceil((settled.end - self._shot_start) * rate)
        for _ in range(first, after):
            self._recent.append(settled.payload)
            self._samples += 1
            if self._samples % self._extractor.clip_frames == 0:
                self._emit(list(self._recent))

    def finish(self) -> list[Rows]:
        """Ends the last shot and returns the extractor's tables."""
        self._end_shot()
        self._lane.drain()
        means = np.array([total / count for total, count in zip(self._sums, self._counts, strict=True)], np.float32)
        if not len(means):
            return []
        described = self._extractor.describe_shots(means, np.array(self._counts, np.int32))
        return [whole(table, described[table.name]) for table in self._extractor.tables]

    def _end_shot(self) -> None:
        length, left_over = self._extractor.clip_frames, self._samples % self._extractor.clip_frames
        frames = list(self._recent)
        if 0 < self._samples < length:
            self._emit([frames[i % len(frames)] for i in range(length)])
        elif self._samples and left_over >= length // 2:
            self._emit(frames)
        self._recent.clear()
        self._samples = 0

    def _emit(self, frames: list[Image]) -> None:
        self._lane.push((self._shot, np.stack(frames)))

    def _process(self, clip: tuple[int, Image]) -> tuple[int, npt.NDArray[np.float32]]:
        shot, frames = clip
        return shot, self._extractor.process_clips(ClipBatch(frames[None]))[0]

    def _take(self, result: tuple[int, npt.NDArray[np.float32]]) -> None:
        shot, values = result
        self._sums[shot] = self._sums[shot] + values.astype(np.float64)
        self._counts[shot] += 1
