"""Every frame on its way through the shot detector, and from there clips and pairs of frames to extractors."""

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
from avcues.pipeline.extraction.executor import Executor, Stage, is_network
from avcues.pipeline.extraction.image_ring import Image, ImageRing, LazyImage
from avcues.pipeline.extraction.pairs import PairMeans, PairSampler, TimedPair
from avcues.pipeline.extraction.shots import SettledFrame, ShotPass
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.store.parquet import TableRows
from avcues.pipeline.timeline import Grid, Shot

_SHOT_FRAMES = 4  # for a stage of its own; a 4K frame takes 12 MB, and three batches are on their way
_MOST_HELD = 8  # decoded frames that may wait until their shot is certain, so that only sampled ones are scaled

_Sampled = tuple[int, Clip | TimedPair]  # number of the extractor, and what it measures


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
        self._rings = [ImageRing(detector.lag + _MOST_HELD) for _ in self._samplers]
        self._means: list[ClipMeans | PairMeans] = [
            *(ClipMeans(extractor) for extractor in clip_extractors),
            *(PairMeans(extractor, grid) for extractor in pair_extractors),
        ]
        self._extractors = (*clip_extractors, *pair_extractors)
        # In the decoder's own thread a frame is best looked at while it is in the processor's cache.
        self._frames_at_once = _SHOT_FRAMES if executor.concurrent else 1
        self._unseen: list[VideoFrame] = []
        self._stage = executor.stage(detector, self._find_clips, self._queue_clips, urgent=True)
        self._clip_stages: list[Stage[Any, Any]] = [
            executor.stage(extractor, means.measure, means.add)
            for extractor, means in zip(self._extractors, self._means, strict=True)
        ]

    def push(self, frame: VideoFrame) -> None:
        """Takes the next frame."""
        self._unseen.append(frame)
        if len(self._unseen) == self._frames_at_once:
            self._flush()

    def end_video(self, end: Fraction) -> None:
        """Ends the last shot at `end` and queues its clips."""
        self._flush()
        self._stage.drain()
        with self._stopwatch("shots"):
            clips = self._cut(self._detector.finish(end))
            clips += [(i, sampled) for i, sampler in enumerate(self._samplers) for sampled in sampler.finish()]
        self._queue_clips(clips)

    @property
    def shots(self) -> list[Shot]:
        """All shots, in order, after `end_video`."""
        return self._detector.shots

    def unfinished(self, windows: int) -> list[PendingTables]:
        """What waits for each extractor's last clips or pairs and gives its tables, after `end_video`."""

        def finish(stage: Stage[Any, Any], means: ClipMeans | PairMeans) -> list[TableRows]:
            stage.drain()
            return means.tables(windows)

        return [
            PendingTables(is_network(extractor), partial(finish, stage, means))
            for extractor, stage, means in zip(self._extractors, self._clip_stages, self._means, strict=True)
        ]

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
        if not self._scales_at_once:
            return lazy
        return tuple(ring.keep(image()) for ring, image in zip(self._rings, lazy, strict=True))

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
