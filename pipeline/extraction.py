"""One video's single decode pass, and the rows that come of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from extractors.compute import Compute
from extractors.protocol import AudioExtractor, ClipExtractor, Extractor, FrameExtractor, ShotDetector
from pipeline.decoded import Picture
from pipeline.errors import MediaError
from pipeline.lanes import Lanes
from pipeline.media import Media
from pipeline.pictures import PicturePass
from pipeline.readiness import Readiness
from pipeline.rows import Rows, missing_rows, whole
from pipeline.sound import SoundPass
from pipeline.stopwatch import Stopwatch
from pipeline.tables import TIMELINE
from pipeline.timeline import Grid, Shot, coverage, shot_of_windows

Progress = Callable[[float, float | None], None]
"""Called now and then with the seconds of video done and the video's length, if known."""

_PROGRESS_EVERY_S = 0.25
# Buffers are sized by the length that the container claims, but not beyond this: claims can be wrong.
_MOST_EXPECTED_WINDOWS = 100_000


class Extraction:
    """Feeds the extractors that have work to do on one video. `close` it in the end.

    Attributes:
        end: Last instant covered by either stream, after `decode`.
        windows: Rows of every window table, after `decode`.
        shots: The video's shots, after `decode`, if a shot detector is among the extractors.
    """

    def __init__(
        self,
        media: Media,
        grid: Grid,
        extractors: Sequence[Extractor],
        missing: Sequence[Extractor],
        compute: Compute,
        stopwatch: Stopwatch,
    ) -> None:
        self.end = Fraction(0)
        self.windows = 0
        self.shots: list[Shot] = []
        self._media = media
        self._grid = grid
        self._missing = missing
        self._stopwatch = stopwatch
        self._pictures: PicturePass | None = None
        self._sound: SoundPass | None = None
        self._makes_spine = any(isinstance(e, ShotDetector) for e in missing)
        of_clips = any(isinstance(e, ClipExtractor) for e in missing)
        detectors = [e for e in extractors if isinstance(e, ShotDetector)] if self._makes_spine or of_clips else []
        self._lanes = Lanes(compute.threads)
        self._readiness = Readiness(
            {e.name: e for e in (*detectors, *missing)}.values(), compute, self._lanes, stopwatch
        )
        try:
            self._start(detectors)
        except BaseException:
            self.close()
            raise

    def _start(self, detectors: Sequence[ShotDetector]) -> None:
        media, missing, grid = self._media, self._missing, self._grid
        of_audio = [e for e in missing if isinstance(e, AudioExtractor)]
        of_frames = [e for e in missing if isinstance(e, FrameExtractor)]
        of_clips = [e for e in missing if isinstance(e, ClipExtractor)]
        expected = grid.count(Fraction(media.facts.duration_s or 600))
        expected = min(expected + 2, _MOST_EXPECTED_WINDOWS)
        if media.facts.video is not None and (of_frames or detectors):
            self._pictures = PicturePass(
                media,
                grid=grid,
                detector=detectors[0] if detectors else None,
                of_frames=of_frames,
                of_clips=of_clips,
                expected_windows=expected,
                lanes=self._lanes,
                readiness=self._readiness,
                stopwatch=self._stopwatch,
            )
        if media.facts.audio is not None and (of_audio or self._makes_spine):
            self._sound = SoundPass(
                of_audio,
                rate_hz=media.audio_rate_hz,
                step=grid.step,
                expected_windows=expected,
                damage=media.damage,
                readiness=self._readiness,
                stopwatch=self._stopwatch,
            )

    @property
    def compute(self) -> Compute:
        """What the values were computed with."""
        return self._readiness.compute

    def decode(self, progress: Progress) -> None:
        """Runs the pass.

        Raises:
            MediaError: Not a single frame or sample could be decoded.
        """
        self._feed(progress)
        if self._pictures is not None:
            self._pictures.drain()
            self.end = self._pictures.end
            self.shots = self._pictures.shots
        if self._sound is not None:
            self._sound.drain()
            self.end = max(self.end, self._sound.track.end)
        if self._makes_spine and self.end == 0:
            raise MediaError(f"{self._media.name}: nothing in it could be decoded ({self._media.damage})")
        self.windows = self._grid.count(self.end)

    def close(self) -> None:
        """Ends what is under way, and frees what the extractors hold for this video."""
        self._readiness.close()
        self._lanes.close()
        if self._sound is not None:
            self._sound.abort()

    def _feed(self, progress: Progress) -> None:
        decoded = self._media.decode(video=self._pictures is not None, audio=self._sound is not None)
        reported = time.perf_counter()
        while True:
            with self._stopwatch("decode"):
                item = next(decoded, None)
            if item is None:
                return
            if isinstance(item, Picture):
                assert self._pictures is not None
                self._pictures.push(item)
            else:
                assert self._sound is not None
                self._sound.push(item)
            if item.start is not None and time.perf_counter() - reported > _PROGRESS_EVERY_S:
                reported = time.perf_counter()
                progress(float(item.start), self._media.facts.duration_s)

    def tables(self) -> Iterator[tuple[Extractor, Rows]]:
        """Every table of every extractor that had work to do, each as soon as it is ready."""
        spans = [] if self._sound is None else self._sound.track.spans
        covered = coverage(spans, self._grid, self.windows)
        from_sound = {} if self._sound is None else dict(self._sound.finish(self.windows))
        from_pictures = {} if self._pictures is None else {r.table.name: r for r in self._pictures.tables(self.windows)}
        for extractor in self._missing:
            for table in extractor.tables:
                if isinstance(extractor, ShotDetector):
                    yield extractor, whole(table, {"frames": np.array([s.frames for s in self.shots], np.int32)})
                    yield extractor, self._timeline(covered)
                elif table.name in from_sound:
                    yield extractor, whole(table, from_sound.pop(table.name), present=covered > 0)
                elif table.name in from_pictures:
                    yield extractor, from_pictures.pop(table.name)
                else:
                    yield extractor, missing_rows(table, self.windows)

    def _timeline(self, covered: npt.NDArray[np.float32]) -> Rows:
        frame_starts = {} if self._pictures is None else self._pictures.frame_starts
        pts = np.full(self.windows, np.nan)
        for window, start in frame_starts.items():
            if window < self.windows:
                pts[window] = float(start)
        shot = shot_of_windows(self.shots, self._grid, self.windows)
        columns = {
            "shot": np.ma.masked_less(shot, 0),
            "audio_coverage": covered,
            "on_screen": np.isfinite(pts),
            "pts": pts,
        }
        return whole(TIMELINE, columns)
