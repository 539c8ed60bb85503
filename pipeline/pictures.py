"""The moving picture: one sequence of decoded frames that feeds every visual consumer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import partial

import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from extractors.protocol import ClipExtractor, Columns, FrameBatch, FrameExtractor, ShotDetector
from pipeline.clips import ClipPass, Image
from pipeline.decoded import Picture
from pipeline.lanes import Lanes
from pipeline.media import Media
from pipeline.readiness import Readiness
from pipeline.rows import ItemRows, Rows, WindowRows
from pipeline.shots import Settled, ShotPass
from pipeline.stopwatch import Stopwatch
from pipeline.timeline import Grid, Shot
from pipeline.upright import upright

BATCH_FRAMES = 16
BATCH_BYTES = 48 << 20
_SHOT_FRAMES = 4  # a 4K frame takes 12 MB, and three batches are on their way


class PicturePass:
    """Every frame to the shot detector and the clips, the frames on screen at window starts to the frame extractors.

    Held are a dozen decoded frames, as many small images as the detector lags, and the batches that the lanes are busy
    with.

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
        of_frames: Sequence[FrameExtractor],
        of_clips: Sequence[ClipExtractor],
        expected_windows: int,
        lanes: Lanes,
        readiness: Readiness,
        stopwatch: Stopwatch,
    ) -> None:
        self.end = Fraction(0)
        self.frame_starts: dict[int, Fraction] = {}
        self._grid = grid
        self._stopwatch = stopwatch
        self._held: Picture | None = None
        self._shots: ShotPass[tuple[Image, ...]] | None = None
        if detector is not None:
            readiness.wait(detector)
            self._shots = ShotPass(media, detector)
        self._unseen: list[Picture] = []
        self._lane = lanes.lane(self._find_shots, self._clip, urgent=True)
        self._clips = [ClipPass(extractor, readiness) for extractor in of_clips]
        self._frames = _FramePass(of_frames, expected_windows, readiness, stopwatch) if of_frames else None

    def push(self, picture: Picture) -> None:
        """Takes the next frame; the one before it is on screen until now."""
        if self._held is not None:
            self._show(self._held, picture.start)
        self._held = picture
        if self._shots is not None:
            self._unseen.append(picture)
            if len(self._unseen) == _SHOT_FRAMES:
                self._flush()

    def drain(self) -> None:
        """Shows the last frame for its own duration, and ends the last shot with it."""
        if self._held is not None:
            self._show(self._held, self._held.start + self._held.duration)
            self._held = None
        if self._shots is not None:
            self._flush()
            self._lane.drain()
            with self._stopwatch("shots"):
                settled = list(self._shots.finish(self.end))
            self._clip(settled)
        if self._frames is not None:
            self._frames.drain()

    @property
    def shots(self) -> list[Shot]:
        """The shots of the whole video, in order, after `drain`."""
        return [] if self._shots is None else self._shots.shots

    def tables(self, windows: int) -> list[Rows]:
        """Every table of the frame and clip extractors, after `drain`."""
        rows = [] if self._frames is None else self._frames.finish(windows)
        for clips in self._clips:
            rows += clips.finish()
        return rows

    def _show(self, picture: Picture, end: Fraction) -> None:
        self.end = end
        windows = self._grid.starting_in(picture.start, end)
        for window in windows:
            self.frame_starts[window] = picture.start
        if windows and self._frames is not None:
            self._frames.push(picture, windows)

    def _flush(self) -> None:
        self._lane.push(self._unseen)
        self._unseen = []

    def _find_shots(self, pictures: Sequence[Picture]) -> list[Settled[tuple[Image, ...]]]:
        """Frames that are settled now, each with what its clips will hold of it."""
        assert self._shots is not None
        settled: list[Settled[tuple[Image, ...]]] = []
        for picture in pictures:
            with self._stopwatch("scale"):
                images = tuple(clips.image(picture) for clips in self._clips)
            with self._stopwatch("shots"):
                settled += self._shots.push(picture, images)
        return settled

    def _clip(self, settled: Iterable[Settled[tuple[Image, ...]]]) -> None:
        for frame in settled:
            for clips, image in zip(self._clips, frame.payload, strict=True):
                clips.push(Settled(frame.shot, frame.start, frame.end, image))


class _FramePass:
    """Grid frames at full size, upright, in batches of one image size."""

    def __init__(
        self,
        extractors: Sequence[FrameExtractor],
        expected_windows: int,
        readiness: Readiness,
        stopwatch: Stopwatch,
    ) -> None:
        self._lanes = [
            readiness.lane(
                extractor, partial(_process, extractor), self._take, parallel=getattr(extractor, "parallel", False)
            )
            for extractor in extractors
        ]
        self._stopwatch = stopwatch
        self._reformatter = VideoReformatter()
        self._images: list[npt.NDArray[np.uint8]] = []
        self._times: list[float] = []
        self._shown: list[range] = []
        self._rows: dict[str, WindowRows | ItemRows] = {}
        for extractor in extractors:
            for table in extractor.tables:
                self._rows[table.name] = (
                    WindowRows(table, expected_windows) if table.row == "window" else ItemRows(table)
                )

    def push(self, picture: Picture, windows: range) -> None:
        with self._stopwatch("convert"):
            rgb = self._reformatter.reformat(picture.frame, format="rgb24", threads=1)
            image = upright(rgb.to_ndarray(), picture.frame.rotation)  # type: ignore[arg-type]
        if self._images and self._images[0].shape != image.shape:
            self.flush()
        self._images.append(image)
        self._times.append(float(picture.start))
        self._shown.append(windows)
        if len(self._images) >= min(BATCH_FRAMES, max(1, BATCH_BYTES // image.nbytes)):
            self.flush()

    def flush(self) -> None:
        if not self._images:
            return
        batch = FrameBatch(np.stack(self._images), tuple(self._times))
        shown = self._shown
        self._images, self._times, self._shown = [], [], []
        for lane in self._lanes:
            lane.push((batch, shown))

    def drain(self) -> None:
        self.flush()
        for lane in self._lanes:
            lane.drain()

    def _take(self, result: tuple[list[range], Mapping[str, Columns]]) -> None:
        shown, tables = result
        for name, columns in tables.items():
            self._rows[name].add(shown, columns)

    def finish(self, windows: int) -> list[Rows]:
        return [rows.finish(windows) for rows in self._rows.values()]


def _process(
    extractor: FrameExtractor, work: tuple[FrameBatch, list[range]]
) -> tuple[list[range], Mapping[str, Columns]]:
    batch, shown = work
    return shown, extractor.process_frames(batch)
