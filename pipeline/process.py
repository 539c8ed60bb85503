"""One video through the code: open, decode once, feed the extractors, write the tables that are missing."""

from __future__ import annotations

import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from extractors.protocol import AudioExtractor, ClipExtractor, Extractor, FrameExtractor, ShotDetector, Table
from pipeline import provenance
from pipeline.errors import AvcuesError, MediaError
from pipeline.inputs import VideoInput
from pipeline.media import Media, MediaFacts, Picture
from pipeline.pictures import PicturePass
from pipeline.rows import Rows, missing_rows, whole
from pipeline.settings import Settings
from pipeline.sound import SoundPass
from pipeline.stopwatch import Stopwatch
from pipeline.tables import TIMELINE, read_metadata, shot_table, table_path, window_table, write_table
from pipeline.timeline import Grid, Shot, coverage, shot_of_windows

Progress = Callable[[float, float | None], None]
"""Called now and then with the seconds of video done and the video's length, if known."""

_PROGRESS_EVERY_S = 0.25
# Buffers are sized by the length that the container claims, but not beyond this: claims can be wrong.
_MOST_EXPECTED_WINDOWS = 100_000


@dataclass(frozen=True, kw_only=True)
class VideoResult:
    """What became of one video; written to `_status/<video_id>.json`.

    Args:
        state: "done", or "failed" with the error's class and message.
        windows: Rows of every window table.
        tables: Rows of each table written by this run.
        left_out: Features that this run could not have, each with the reason.
        kept: Features of an earlier run whose tables are up to date.
        damage: What could not be decoded, by kind.
        seconds: Wall-clock seconds by stage, and in "total".
        peak_memory_bytes: Largest resident set of the process so far.
    """

    video_id: str
    source: str
    state: str
    error_class: str | None = None
    error: str | None = None
    duration_s: float = 0.0
    windows: int = 0
    tables: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    damage: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    peak_memory_bytes: int = 0


def process_video(
    video: VideoInput,
    settings: Settings,
    extractors: Sequence[Extractor],
    out: Path,
    *,
    overwrite: bool = False,
    debug: bool = False,
    progress: Progress = lambda done, total: None,
) -> VideoResult:
    """Makes every missing table of one video. Errors of the video are returned, not raised.

    Args:
        extractors: As `Settings.create_extractors` makes them; those that have work to do are set up.
        overwrite: Make tables anew that are up to date.
        debug: Print the traceback of an error.
    """
    started = time.perf_counter()
    stopwatch = Stopwatch()
    try:
        with Media.open(video.path) as media:
            result = _process(media, video, settings, extractors, out, overwrite, progress, stopwatch)
    except Exception as error:
        if debug:
            traceback.print_exc()
        result = failure(video, error)
    stopwatch.seconds["total"] = time.perf_counter() - started
    result.seconds.update({stage: round(seconds, 4) for stage, seconds in stopwatch.seconds.items()})
    return result


def failure(video: VideoInput, error: Exception) -> VideoResult:
    """The result of a video that could not be done."""
    message = str(error) if isinstance(error, AvcuesError) else f"{video.path}: {type(error).__name__}: {error}"
    return VideoResult(
        video_id=video.video_id,
        source=str(video.path),
        state="failed",
        error_class=type(error).__name__,
        error=message,
        peak_memory_bytes=_peak_memory_bytes(),
    )


def _process(
    media: Media,
    video: VideoInput,
    settings: Settings,
    extractors: Sequence[Extractor],
    out: Path,
    overwrite: bool,
    progress: Progress,
    stopwatch: Stopwatch,
) -> VideoResult:
    grid = Grid(settings.step)
    made = [] if overwrite else [e for e in extractors if _is_made(e, video.video_id, media.facts, settings, out)]
    missing = [extractor for extractor in extractors if extractor not in made]
    written: dict[str, int] = {}
    compute = settings.compute
    if any(hasattr(extractor, "weights") for extractor in missing):
        compute = compute.resolved()
    with stopwatch("setup"):
        for extractor in missing:
            extractor.setup(compute)
        compute.apply()
    source = {"name": video.path.name} | asdict(media.facts)
    with closing(_Extraction(media, grid, extractors, missing, stopwatch)) as extraction:
        if missing:
            extraction.decode(progress)
        if any(isinstance(extractor, ShotDetector) for extractor in made):
            # Another run made the spine; what is added hangs on it.
            extraction.windows = pq.read_metadata(table_path(out, TIMELINE.name, video.video_id)).num_rows
            extraction.end = extraction.windows * grid.step
        if media.frames.count:
            source["frames"] = asdict(media.frames)
        for extractor, rows in extraction.tables():
            with stopwatch("write"):
                metadata = provenance.metadata(extractor, settings.step, compute, source)
                table = (
                    shot_table(rows, video.video_id, grid, extraction.shots, extraction.windows, metadata)
                    if rows.table.row == "shot"
                    else window_table(rows, video.video_id, grid, extraction.windows, metadata)
                )
                write_table(table, table_path(out, rows.table.name, video.video_id))
                written[rows.table.name] = table.num_rows
    return VideoResult(
        video_id=video.video_id,
        source=str(video.path),
        state="done",
        duration_s=float(extraction.end),
        windows=extraction.windows,
        tables=written,
        kept=tuple(extractor.name for extractor in made),
        damage={kind: count for kind, count in asdict(media.damage).items() if count},
        peak_memory_bytes=_peak_memory_bytes(),
    )


class _Extraction:
    """One video's single decode pass, and the rows that come of it.

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
        stopwatch: Stopwatch,
    ) -> None:
        self.end = Fraction(0)
        self.windows = 0
        self.shots: list[Shot] = []
        self._media = media
        self._grid = grid
        self._missing = missing
        self._stopwatch = stopwatch
        of_audio = [e for e in missing if isinstance(e, AudioExtractor)]
        of_frames = [e for e in missing if isinstance(e, FrameExtractor)]
        of_clips = [e for e in missing if isinstance(e, ClipExtractor)]
        makes_spine = self._makes_spine = any(isinstance(e, ShotDetector) for e in missing)
        detectors = [e for e in extractors if isinstance(e, ShotDetector)] if makes_spine or of_clips else []
        expected = grid.count(Fraction(media.facts.duration_s or 600))
        expected = min(expected + 2, _MOST_EXPECTED_WINDOWS)
        self._pictures: PicturePass | None = None
        self._sound: SoundPass | None = None
        if media.facts.video is not None and (of_frames or detectors):
            self._pictures = PicturePass(
                media,
                grid=grid,
                detector=detectors[0] if detectors else None,
                of_frames=of_frames,
                of_clips=of_clips,
                expected_windows=expected,
                stopwatch=stopwatch,
            )
        if media.facts.audio is not None and (of_audio or makes_spine):
            self._sound = SoundPass(
                of_audio,
                rate_hz=media.audio_rate_hz,
                step=grid.step,
                expected_windows=expected,
                damage=media.damage,
                stopwatch=stopwatch,
            )

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
            raise MediaError(f"{self._media.path}: nothing in it could be decoded ({self._media.damage})")
        self.windows = self._grid.count(self.end)

    def close(self) -> None:
        """Frees what the extractors hold for this video."""
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
        audible = self._coverage() > 0
        from_sound = {} if self._sound is None else dict(self._sound.finish(self.windows))
        from_pictures = {} if self._pictures is None else {r.table.name: r for r in self._pictures.tables(self.windows)}
        for extractor in self._missing:
            for table in extractor.tables:
                if isinstance(extractor, ShotDetector):
                    yield extractor, whole(table, {"frames": np.array([s.frames for s in self.shots], np.int32)})
                    yield extractor, self._timeline()
                elif table.name in from_sound:
                    yield extractor, whole(table, from_sound.pop(table.name), present=audible)
                elif table.name in from_pictures:
                    yield extractor, from_pictures.pop(table.name)
                else:
                    yield extractor, missing_rows(table, self.windows)

    def _coverage(self) -> npt.NDArray[np.float32]:
        spans = [] if self._sound is None else self._sound.track.spans
        return coverage(spans, self._grid, self.windows)

    def _timeline(self) -> Rows:
        frame_starts = {} if self._pictures is None else self._pictures.frame_starts
        pts = np.full(self.windows, np.nan)
        for window, start in frame_starts.items():
            if window < self.windows:
                pts[window] = float(start)
        shot = shot_of_windows(self.shots, self._grid, self.windows)
        columns = {
            "shot": np.ma.masked_less(shot, 0),
            "audio_coverage": self._coverage(),
            "on_screen": np.isfinite(pts),
            "pts": pts,
        }
        return whole(TIMELINE, columns)


def _is_made(extractor: Extractor, video_id: str, facts: MediaFacts, settings: Settings, out: Path) -> bool:
    """Whether every table of the extractor is there, made by the same recipe from the same file."""
    tables: list[Table] = [*extractor.tables]
    if isinstance(extractor, ShotDetector):
        tables.append(TIMELINE)
    wanted = provenance.recipe(extractor, settings.step, settings.compute)
    for table in tables:
        metadata = read_metadata(table_path(out, table.name, video_id))
        if metadata is None or metadata["recipe"] != wanted:
            return False
        if metadata["source"].get("fingerprint") != facts.fingerprint:
            return False
    return True


def _peak_memory_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
