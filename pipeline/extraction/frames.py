"""Feeds every visual extractor from one sequence of decoded frames."""

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

_FULL_PICTURE_SHARE = 0.97  # of the frame's area; a note reports the bars of a smaller picture


class FramePass:
    """Passes every frame to the shot detector, and the frames on screen at window starts to the frame extractors.

    Memory holds a dozen decoded frames, as many small images as the detector lags, and the batches in the stages. Large
    images wait in a file until their shot is certain (`ImageRing`).

    Attributes:
        end: Last instant covered by a frame so far.
        frame_starts: Start of the frame on screen at the start of each window that has one.
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
        self._active_picture = ActivePicture()
        self._gaps = FrameGaps()
        self._orientation = UPRIGHT
        self._grid = grid
        self._current: VideoFrame | None = None
        self._next_window_start = Fraction(0)  # no window starts between the end of the last frame and this time
        self._shot_frames = (
            None if detector is None else ShotFrames(media, grid, detector, clip_extractors, pair_extractors, executor)
        )
        self._grid_frames = (
            GridFrames(media.picture.converter(), frame_extractors, expected_windows, executor)
            if frame_extractors
            else None
        )

    def push(self, frame: VideoFrame) -> None:
        """Takes the next frame, whose start ends the previous frame."""
        if self._current is not None:
            self._show(self._current, frame.start)
        self._current = frame
        if self._shot_frames is not None:
            self._shot_frames.push(frame)

    def end_video(self, until: Fraction | None = None) -> None:
        """Shows the last frame for its duration, ends the last shot with it, and queues all remaining work.

        Args:
            until: Earliest time at which the last frame ends; None: its duration alone decides.
        """
        if self._current is not None:
            end = self._current.start + self._current.duration
            self._show(self._current, end if until is None else max(end, until))
            self._current = None
        if self._grid_frames is not None:
            self._grid_frames.end_video()
        if self._shot_frames is not None:
            self._shot_frames.end_video(self.end)

    @property
    def active_picture(self) -> tuple[Box, tuple[int, int]] | None:
        """The box inside black bars, and the width and height of the frame, in pixels of the extractors' images."""
        box = self._active_picture.box()
        if box is None:
            return None
        return box.as_displayed(self._picture.pixel_aspect, self._orientation, self._active_picture.size)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user about the picture; complete after `end_video`."""
        if (active := self.active_picture) is None:
            return self._gaps.notes
        box, (width, height) = active
        if box.width * box.height >= _FULL_PICTURE_SHARE * width * height:
            return self._gaps.notes
        return (
            *self._gaps.notes,
            f"black bars: the picture is {box.width} x {box.height} of {width} x {height}; the bars are measured too, "
            "unless `bars=crop`",
        )

    @property
    def shots(self) -> list[Shot]:
        """The shots of the whole video, in order, after `end_video`."""
        return [] if self._shot_frames is None else self._shot_frames.shots

    def tables(self, windows: int) -> Iterator[TableRows]:
        """Yields every table as soon as it is ready; networks come last. Call it after `end_video`."""
        shot_of_window = shot_of_windows(self.shots, self._grid, windows)
        grid_tables = [] if self._grid_frames is None else self._grid_frames.pending_tables(shot_of_window, self._grid)
        shot_tables = [] if self._shot_frames is None else self._shot_frames.pending_tables(windows)
        for pending in sorted((*grid_tables, *shot_tables), key=lambda pending: pending.needs_network):
            yield from pending.finish()

    def _show(self, frame: VideoFrame, end: Fraction) -> None:
        self.end = end
        self._gaps.add(frame.start, end)
        if frame.start >= 0 and end <= self._next_window_start:
            return
        windows_of_frame = self._grid.starting_in(frame.start, end)
        self._next_window_start = windows_of_frame.stop * self._grid.step
        for window in windows_of_frame:
            self.frame_starts[window] = frame.start
        if windows_of_frame:
            if len(self.frame_starts) == len(windows_of_frame):
                self._orientation = Orientation.of(frame.frame)
            self._active_picture.add(frame.frame)
            if self._grid_frames is not None:
                self._grid_frames.push(frame, windows_of_frame)
