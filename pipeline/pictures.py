"""The moving picture: every frame to the shot detector, the frames on screen at window starts to the extractors."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation, VideoReformatter

from extractors.protocol import FrameBatch, FrameExtractor, ShotDetector
from pipeline.media import Media, Picture
from pipeline.rows import ItemRows, Rows, WindowRows
from pipeline.stopwatch import Stopwatch
from pipeline.timeline import Grid, Shot

BATCH_FRAMES = 16
BATCH_BYTES = 48 << 20


class PicturePass:
    """Feeds every visual consumer from one sequence of decoded frames, holding one frame and one batch at most.

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
        extractors: Sequence[FrameExtractor],
        expected_windows: int,
        stopwatch: Stopwatch,
    ) -> None:
        self.end = Fraction(0)
        self.frame_starts: dict[int, Fraction] = {}
        self._grid = grid
        self._held: Picture | None = None
        self._shots = None if detector is None else _ShotPass(media, detector, stopwatch)
        self._frames = _FramePass(extractors, expected_windows, stopwatch) if extractors else None

    def push(self, picture: Picture) -> None:
        """Takes the next frame; the one before it is on screen until now."""
        if self._held is not None:
            self._show(self._held, picture.start)
        self._held = picture
        if self._shots is not None:
            self._shots.push(picture)

    def drain(self) -> None:
        """Shows the last frame for its own duration."""
        if self._held is not None:
            self._show(self._held, self._held.start + self._held.duration)
            self._held = None
        if self._frames is not None:
            self._frames.flush()

    def shots(self) -> list[Shot]:
        """The shots of the whole video, in order, after `drain`."""
        return [] if self._shots is None else self._shots.finish(self.end)

    def tables(self, windows: int) -> list[Rows]:
        """Every frame table, after `drain`."""
        return [] if self._frames is None else self._frames.finish(windows)

    def _show(self, picture: Picture, end: Fraction) -> None:
        self.end = end
        windows = self._grid.starting_in(picture.start, end)
        for window in windows:
            self.frame_starts[window] = picture.start
        if windows and self._frames is not None:
            self._frames.push(picture, windows)


class _ShotPass:
    """Every frame, point-sampled to the detector's working size; frames settle into shots once no cut can come."""

    def __init__(self, media: Media, detector: ShotDetector, stopwatch: Stopwatch) -> None:
        self._detector = detector
        self._stream = detector.start_shots(media.time_base, media.frame_rate)
        self._stopwatch = stopwatch
        self._reformatter = VideoReformatter()
        self._size: tuple[int, int] | None = None
        self._unsettled: deque[tuple[int, Fraction]] = deque()
        self._cuts: set[int] = set()
        self._starts: list[Fraction] = []
        self._frames: list[int] = []

    def push(self, picture: Picture) -> None:
        frame = picture.frame
        with self._stopwatch("shots"):
            # The size stays when the stream changes its own: the detector compares neighbours.
            self._size = self._size or self._detector.image_size(frame.width, frame.height)
            small = self._reformatter.reformat(
                frame, *self._size, format="bgr24", interpolation=Interpolation.POINT, threads=1
            )
            self._unsettled.append((picture.pts, picture.start))
            self._cuts.update(self._stream.write(_array(small), picture.pts))
        self._settle(keep=self._detector.lag)

    def finish(self, end: Fraction) -> list[Shot]:
        """Shots from the first frame to `end`."""
        with self._stopwatch("shots"):
            self._cuts.update(self._stream.finish())
        self._settle(keep=0)
        ends = [*self._starts[1:], end]
        return [Shot(*shot) for shot in zip(self._starts, ends, self._frames, strict=True)] if self._starts else []

    def _settle(self, *, keep: int) -> None:
        while len(self._unsettled) > keep:
            pts, start = self._unsettled.popleft()
            if pts in self._cuts or not self._starts:
                self._cuts.discard(pts)
                self._starts.append(start)
                self._frames.append(0)
            self._frames[-1] += 1


class _FramePass:
    """Grid frames at full size, upright, in batches of one image size."""

    def __init__(self, extractors: Sequence[FrameExtractor], expected_windows: int, stopwatch: Stopwatch) -> None:
        self._extractors = extractors
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
            image = upright(_array(rgb), picture.frame.rotation)
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
        for extractor in self._extractors:
            with self._stopwatch(extractor.name):
                for name, columns in extractor.process_frames(batch).items():
                    self._rows[name].add(shown, columns)

    def finish(self, windows: int) -> list[Rows]:
        return [rows.finish(windows) for rows in self._rows.values()]


def upright(image: npt.NDArray[np.uint8], rotation: int) -> npt.NDArray[np.uint8]:
    """Turns an image counter-clockwise by the display rotation, in degrees, to the nearest quarter."""
    quarters = round(rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image


def _array(frame: object) -> npt.NDArray[np.uint8]:
    return frame.to_ndarray()  # type: ignore[attr-defined]
