"""Passes every frame to the shot detector, and then clips and pairs of frames to their extractors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

from avcues.extractors.protocol import (
    ClipExtractor,
    PairExtractor,
    ShotDetector,
)
from avcues.pipeline.extraction.accumulators import PendingTables
from avcues.pipeline.extraction.clips import Clip, ClipMeans, ClipSampler
from avcues.pipeline.extraction.executor import Executor, Stage, runs_network
from avcues.pipeline.extraction.image_ring import Image, ImageRing, LazyImage
from avcues.pipeline.extraction.pairs import PairMeans, PairSampler, TimedPair
from avcues.pipeline.extraction.shots import SettledFrame, ShotPass
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.store.parquet import TableRows
from avcues.pipeline.timeline import Grid, Shot

_FRAMES_PER_BATCH = 4  # if the stage has its own thread; a 4K frame takes 12 MB, and three batches are queued
_MAX_LAZY_FRAMES = 8  # decoded frames that may wait until their shot is certain, so that only sampled frames are scaled

_Sampled = tuple[int, Clip | TimedPair]  # number of the extractor, and its clip or pair


class ShotFrames:
    """Passes every frame, scaled down, to the shot detector, and clips and pairs of each shot to their extractors.

    The decoder queues a frame for the shot stage, which scales it, finds shots and samples clips and pairs. A complete
    clip or pair returns as a result to the decoding thread, which queues it for the stage of its extractor.
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
        self._scales_immediately = detector.lag > _MAX_LAZY_FRAMES
        self._stopwatch = executor.stopwatch
        self._samplers: list[ClipSampler | PairSampler] = [
            *(ClipSampler(extractor, media.picture) for extractor in clip_extractors),
            *(PairSampler(extractor, media.picture) for extractor in pair_extractors),
        ]
        self._rings = [ImageRing(detector.lag + _MAX_LAZY_FRAMES) for _ in self._samplers]
        self._means: list[ClipMeans | PairMeans] = [
            *(ClipMeans(extractor) for extractor in clip_extractors),
            *(PairMeans(extractor, grid) for extractor in pair_extractors),
        ]
        self._extractors = (*clip_extractors, *pair_extractors)
        # In the decoder's own thread, a frame is best processed while it is in the processor's cache.
        self._batch_frames = _FRAMES_PER_BATCH if executor.is_concurrent else 1
        self._batch: list[VideoFrame] = []
        self._shot_stage = executor.stage(
            detector, self._find_clips_and_pairs, self._queue_clips_and_pairs, urgent=True
        )
        self._stages: list[Stage[Any, Any]] = [
            executor.stage(extractor, means.measure, means.add)
            for extractor, means in zip(self._extractors, self._means, strict=True)
        ]

    def push(self, frame: VideoFrame) -> None:
        """Takes the next frame."""
        self._batch.append(frame)
        if len(self._batch) == self._batch_frames:
            self._queue_batch()

    def end_video(self, end: Fraction) -> None:
        """Ends the last shot at `end` and queues its clips and pairs."""
        self._queue_batch()
        self._shot_stage.drain()
        with self._stopwatch("shots"):
            sampled = self._sample(self._detector.finish(end))
            sampled += [(i, last) for i, sampler in enumerate(self._samplers) for last in sampler.finish()]
        self._queue_clips_and_pairs(sampled)

    @property
    def shots(self) -> list[Shot]:
        """All shots, in order, after `end_video`."""
        return self._detector.shots

    def pending_tables(self, windows: int) -> list[PendingTables]:
        """The tables of each extractor, which may still be working. Call it after `end_video`."""

        def finish(stage: Stage[Any, Any], means: ClipMeans | PairMeans) -> list[TableRows]:
            stage.drain()
            return means.tables(windows)

        return [
            PendingTables(runs_network(extractor), partial(finish, stage, means))
            for extractor, stage, means in zip(self._extractors, self._stages, self._means, strict=True)
        ]

    def _queue_batch(self) -> None:
        self._shot_stage.push(self._batch)
        self._batch = []

    def _find_clips_and_pairs(self, frames: Sequence[VideoFrame]) -> list[_Sampled]:
        """Passes frames to the shot detector; returns the clips and pairs that are complete now."""
        sampled: list[_Sampled] = []
        for frame in frames:
            sampled += self._sample(self._detector.push(frame, self._images(frame)))
        return sampled

    def _images(self, frame: VideoFrame) -> tuple[LazyImage, ...]:
        """The image of a frame for each sampler; made immediately if many frames wait until their shot is certain."""
        lazy_images = tuple(partial(self._scale, sampler, frame) for sampler in self._samplers)
        if not self._scales_immediately:
            return lazy_images
        return tuple(ring.store(image()) for ring, image in zip(self._rings, lazy_images, strict=True))

    def _scale(self, sampler: ClipSampler | PairSampler, frame: VideoFrame) -> Image:
        with self._stopwatch("scale"):
            return sampler.image(frame)

    def _sample(self, settled: Iterable[SettledFrame[tuple[LazyImage, ...]]]) -> list[_Sampled]:
        return [
            (i, clip_or_pair)
            for frame in settled
            for i, (sampler, image) in enumerate(zip(self._samplers, frame.payload, strict=True))
            for clip_or_pair in sampler.push(SettledFrame(frame.shot, frame.start, frame.end, image))
        ]

    def _queue_clips_and_pairs(self, sampled: Sequence[_Sampled]) -> None:
        for i, clip_or_pair in sampled:
            self._stages[i].push(clip_or_pair)
