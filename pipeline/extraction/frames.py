"""Video frames: one sequence of decoded frames that feeds every visual extractor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from avcues.extractors.protocol import (
    ClipExtractor,
    FrameExtractor,
    PairExtractor,
    ShotDetector,
)
from avcues.pipeline.extraction.executor import Executor
from avcues.pipeline.extraction.frame_gaps import FrameGaps
from avcues.pipeline.extraction.grid_frames import GridFrames
from avcues.pipeline.extraction.shot_frames import ShotFrames
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.orientation import UPRIGHT, Orientation
from avcues.pipeline.media.picture.bars import ActivePicture, Box
from avcues.pipeline.store.parquet import TableRows
from avcues.pipeline.timeline import Grid, Shot, shot_of_windows

_FULL_PICTURE = 0.97  # share of the frame's area; a smaller picture has bars that deserve a note


class FramePass:
    """Every frame to the shot detector and the clips, the frames on screen at window starts to the frame extractors.

    It holds a dozen decoded frames, as many small images as the detector lags, and the batches in the stages. Large
    images wait in a file until their shot is certain (`ImageRing`).

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
        frame_extractors: Sequence[FrameExtractor],
        clip_extractors: Sequence[ClipExtractor],
        pair_extractors: Sequence[PairExtractor],
        expected_windows: int,
        executor: Executor,
    ) -> None:
        self.end = Fraction(0)
        self.frame_starts: dict[int, Fraction] = {}
        self._picture = media.picture
        self._active = ActivePicture()
        self._gaps = FrameGaps()
        self._orientation = UPRIGHT
        self._grid = grid
        self._held: VideoFrame | None = None
        self._next_window = Fraction(0)  # no window starts between the end of the last frame and here
        self._shots = (
            None if detector is None else ShotFrames(media, grid, detector, clip_extractors, pair_extractors, executor)
        )
        self._frames = (
            GridFrames(media.picture.converter(), frame_extractors, expected_windows, executor)
            if frame_extractors
            else None
        )

    def push(self, frame: VideoFrame) -> None:
        """Takes the next frame; the one before it is on screen until now."""
        if self._held is not None:
            self._show(self._held, frame.start)
        self._held = frame
        if self._shots is not None:
            self._shots.push(frame)

    def end_video(self, until: Fraction | None = None) -> None:
        """Shows the last frame for its own duration, ends the last shot with it, and queues all that is left.

        Args:
            until: Show it up to here at least.
        """
        if self._held is not None:
            end = self._held.start + self._held.duration
            self._show(self._held, end if until is None else max(end, until))
            self._held = None
        if self._frames is not None:
            self._frames.end_video()
        if self._shots is not None:
            self._shots.end_video(self.end)

    @property
    def active_picture(self) -> tuple[Box, tuple[int, int]] | None:
        """The box between black bars, and width and height of the picture, in pixels of what extractors see."""
        box = self._active.box()
        if box is None:
            return None
        return box.shown(self._picture.pixel_aspect, self._orientation, self._active.size)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the values should know, after `end_video`."""
        if (active := self.active_picture) is None:
            return self._gaps.notes
        box, (width, height) = active
        if box.width * box.height >= _FULL_PICTURE * width * height:
            return self._gaps.notes
        return (
            *self._gaps.notes,
            f"black bars: the picture is {box.width} x {box.height} of {width} x {height}; the bars are measured too, "
            "unless `bars=crop`",
        )

    @property
    def shots(self) -> list[Shot]:
        """The shots of the whole video, in order, after `end_video`."""
        return [] if self._shots is None else self._shots.shots

    def tables(self, windows: int) -> Iterator[TableRows]:
        """Yields every table, after `end_video`, as soon as it is ready: those of networks last."""
        shot_of_window = shot_of_windows(self.shots, self._grid, windows)
        of_frames = [] if self._frames is None else self._frames.unfinished(shot_of_window, self._grid)
        of_shots = [] if self._shots is None else self._shots.unfinished(windows)
        for unfinished in sorted((*of_frames, *of_shots), key=lambda unfinished: unfinished.needs_network):
            yield from unfinished.finish()

    def _show(self, frame: VideoFrame, end: Fraction) -> None:
        self.end = end
        self._gaps.add(frame.start, end)
        if frame.start >= 0 and end <= self._next_window:
            return
        shown_in = self._grid.starting_in(frame.start, end)
        self._next_window = shown_in.stop * self._grid.step
        for window in shown_in:
            self.frame_starts[window] = frame.start
        if shown_in:
            if len(self.frame_starts) == len(shown_in):
                self._orientation = Orientation.of(frame.frame)
            self._active.add(frame.frame)
            if self._frames is not None:
                self._frames.push(frame, shown_in)
