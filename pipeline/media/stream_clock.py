"""Converts a stream's time stamps to seconds from t = 0."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from avcues.pipeline.media.timestamps import fraction

# Edit lists give durations in ticks of the movie's clock, which has at least 600 ticks per second.
_EDIT_LIST_TICK = Fraction(1, 600)


class StreamClock:
    """Places the frames or blocks of a stream on the clock that starts at t = 0.

    Args:
        stream: The stream.
        origin: Container time of t = 0.
        container_format: FFmpeg's name of the container format.

    Attributes:
        time_base: Seconds per tick of the stream's time stamps.
    """

    def __init__(self, stream: Any, origin: Fraction, container_format: str) -> None:
        self.time_base = fraction(stream.time_base)
        self._stream = stream
        self._has_edit_list = "mp4" in container_format
        # One fraction per frame instead of three: for most frames, nothing else costs as much.
        self._scale = self.time_base.numerator * origin.denominator
        self._shift = origin.numerator * self.time_base.denominator
        self._per_second = self.time_base.denominator * origin.denominator

    def seconds(self, pts: int) -> Fraction:
        """Seconds from t = 0 of a time stamp."""
        return Fraction(pts * self._scale - self._shift, self._per_second)

    def length(self, pts: int, ticks: int | Fraction) -> Fraction:
        """Duration in seconds of a frame or block, cut where the edit list of its track ends.

        Args:
            pts: Time stamp of its start.
            ticks: Its duration in ticks.
        """
        end = self._end_of_edit_list()
        if end is not None and pts < end < pts + ticks and (pts + ticks - end) * self.time_base > _EDIT_LIST_TICK:
            ticks = end - pts
        return ticks * self.time_base

    def _end_of_edit_list(self) -> int | None:
        """The tick at which the track ends by its header; in fragmented files it grows while they are read."""
        if not self._has_edit_list or not self._stream.duration:
            return None
        return int((self._stream.start_time or 0) + self._stream.duration)
