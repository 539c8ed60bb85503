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
from pipeline.rows import Rows, whole
from pipeline.shots import Settled
from pipeline.upright import upright

_CLIPS_PER_BATCH = 4
Image = npt.NDArray[np.uint8]


class ClipPass:
    """Samples each shot by the on-screen rule and feeds an extractor whole clips.

    A shot is sampled from its start on. Every `clip_frames` samples make a clip. What is left over makes a clip that
    ends with the shot if it is at least half as long as one; a shot shorter than a clip is repeated to fill one. Held
    are the last `clip_frames` samples and one batch, however long a shot is.
    """

    def __init__(self, extractor: ClipExtractor) -> None:
        self._extractor = extractor
        self._reformatter = VideoReformatter()
        self._recent: deque[Image] = deque(maxlen=extractor.clip_frames)
        self._samples = 0
        self._shot = -1
        self._shot_start = Fraction(0)
        self._clips: list[Image] = []
        self._of_shot: list[int] = []
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
            self._sums.append(np.zeros(0))
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
        self._flush()
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
        self._clips.append(np.stack(frames))
        self._of_shot.append(self._shot)
        if len(self._clips) == _CLIPS_PER_BATCH:
            self._flush()

    def _flush(self) -> None:
        if not self._clips:
            return
        values = self._extractor.process_clips(ClipBatch(np.stack(self._clips)))
        for shot, row in zip(self._of_shot, values.astype(np.float64), strict=True):
            self._sums[shot] = row if not len(self._sums[shot]) else self._sums[shot] + row
            self._counts[shot] += 1
        self._clips, self._of_shot = [], []
