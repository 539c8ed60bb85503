"""Repairs time stamps: clocks that restart or wrap, stamps that are missing or cannot be true."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from avcues.pipeline.media.frames import LONGEST_GAP, SUSPICIOUS_GAP, Damage, FramesSeen, VideoFrame

# Jumps beyond these thresholds are restarts of the clock, for ffmpeg as well.
_DISCONTINUITY = Fraction(10)
_BACKWARDS = Fraction(1, 10)
# The streams of an appended piece start within this time of each other.
_MOST_APART = Fraction(5)
_WRAP = Fraction(1 << 33, 90_000)


def fraction(value: Any) -> Fraction:
    """An exact fraction of FFmpeg's rational number."""
    return Fraction(value.numerator, value.denominator)


def nearest_turn(time: Fraction, reference: Fraction) -> Fraction:
    """A time of MPEG's 33-bit clock, which starts anew every 26.5 hours, moved by whole turns next to a reference."""
    return time - round((time - reference) / _WRAP) * _WRAP


class MonotonicFrameFilter:
    """Frames in display order, without those whose time stamps cannot be true.

    Of several frames with one time stamp the last is shown, the others are on screen for no time. Each frame is held
    until the next one tells whether it has the same time stamp.

    Args:
        damage: Counts the frames that were dropped because of their time stamps.
        seen: Notes the frames that were let through.

    Attributes:
        last: The last frame that was accepted.
    """

    def __init__(self, damage: Damage, seen: FramesSeen) -> None:
        self.last: VideoFrame | None = None
        self._passed: VideoFrame | None = None
        self._damage = damage
        self._seen = seen
        self._suspect: VideoFrame | None = None

    def push(self, picture: VideoFrame) -> Iterator[VideoFrame]:
        """Takes the next frame and yields the frames whose place is now certain."""
        suspect, self._suspect = self._suspect, None
        if suspect is not None:
            if picture.start >= suspect.start:
                yield from self._accept(suspect)
            else:
                self._damage.frames_unplaceable += 1
        ahead = picture.start - (self.last.start if self.last is not None else 0)
        if ahead > LONGEST_GAP or (self.last is not None and ahead < 0):
            self._damage.frames_unplaceable += 1
        elif ahead > SUSPICIOUS_GAP:
            self._suspect = picture
        else:
            yield from self._accept(picture)

    def finish(self) -> Iterator[VideoFrame]:
        """Yields the frames that were still held."""
        if self._suspect is not None:
            yield from self._accept(self._suspect)
        if self.last is not None:
            yield self._pass(self.last)

    def _accept(self, picture: VideoFrame) -> Iterator[VideoFrame]:
        last, self.last = self.last, picture
        if last is not None and last.start < picture.start:
            yield self._pass(last)

    def _pass(self, picture: VideoFrame) -> VideoFrame:
        self._seen.note(picture.frame, None if self._passed is None else picture.start - self._passed.start)
        self._passed = picture
        return picture


class TimestampUnwrapper:
    """Joins the pieces of a file whose clock restarts, as in broadcasts that were cut and concatenated.

    A restart is a jump of one stream against its own last stamp: backwards, or ahead of the whole file by more than
    `LONGEST_GAP`. A shorter jump ahead is a gap in a recording whose clock went on, unless the next stamp returns.
    Neither streams that lie far apart in the file nor a pause in one of them is a restart. The stream that
    jumps first opens a new clock, which continues where that stream was; the others move to it when they jump in turn,
    so that the streams of a piece keep their distance from each other. A jump by the range of MPEG's 33-bit stamps is a
    wrapped counter, and is undone exactly.

    Attributes:
        gaps: Jumps ahead that were taken for gaps.
    """

    def __init__(self) -> None:
        self.gaps = 0
        self._offsets = [Fraction(0)]
        self._clock: dict[int, int] = {}
        self._expected: dict[int, Fraction] = {}
        self._before_gap: dict[int, Fraction] = {}

    def shift(self, packet: Any) -> bool:
        """Moves the packet's time stamps onto the running clock; True where a new clock begins."""
        time_base, stream = fraction(packet.time_base), packet.stream_index
        restarted = False
        if packet.dts is not None:
            restarted = self._place(stream, packet.dts * time_base)
            placed = packet.dts * time_base + self._offsets[self._clock[stream]]
            self._expected[stream] = placed + (packet.duration or 0) * time_base
        offset = self._offsets[self._clock.get(stream, -1)]
        if offset:
            ticks = round(offset / time_base)
            if packet.dts is not None:
                packet.dts += ticks
            if packet.pts is not None:
                packet.pts += ticks
        return restarted

    def _place(self, stream: int, raw: Fraction) -> bool:
        """Decides which clock a stamp is on; True if the clock is new."""
        if stream not in self._expected:
            self._clock[stream] = self._clock_of_first(raw)
            return False
        expected = self._expected[stream]
        farthest = max(self._expected.values()) + _DISCONTINUITY
        current = self._clock[stream]
        placed = raw + self._offsets[current]
        before_gap = self._before_gap.pop(stream, None)
        if expected - _BACKWARDS <= placed <= farthest:
            return False
        if before_gap is not None and abs(placed - before_gap) <= _MOST_APART:
            self.gaps -= 1
            return False
        for following in range(current + 1, len(self._offsets)):
            if abs(raw + self._offsets[following] - expected) <= _MOST_APART:
                self._clock[stream] = following
                return False
        if farthest < placed <= expected + LONGEST_GAP:
            self._before_gap[stream] = expected
            self.gaps += 1
            return False
        jump = expected - raw
        wraps = [
            turns * _WRAP for turns in (-1, 1) if abs(jump - self._offsets[current] - turns * _WRAP) <= _MOST_APART
        ]
        self._offsets.append(self._offsets[current] + wraps[0] if wraps else jump)
        self._clock[stream] = len(self._offsets) - 1
        return not wraps

    def _clock_of_first(self, raw: Fraction) -> int:
        """The clock that puts a stream's first stamp nearest to the current time of the file."""
        if not self._expected:
            return 0
        running = max(self._expected.values())
        nearest = min(range(len(self._offsets)), key=lambda clock: abs(raw + self._offsets[clock] - running))
        placed = raw + self._offsets[nearest]
        if unwrapped := nearest_turn(placed, running) - placed:
            self._offsets.append(self._offsets[nearest] + unwrapped)
            return len(self._offsets) - 1
        return nearest


class DecodeOrderTimestamps:
    """Time stamps for frames of containers that store none: decoding times, smallest first.

    Frames leave the decoder in display order, so the k-th frame gets the k-th smallest time.
    """

    def __init__(self) -> None:
        self._waiting: list[int] = []

    def packet(self, packet: Any) -> None:
        """Takes the time of a packet that is about to be decoded."""
        if packet.dts is not None and packet.size:
            heapq.heappush(self._waiting, packet.dts)

    def undecodable(self, packet: Any) -> None:
        """Forgets the time of a packet that the decoder refused."""
        if packet.dts in self._waiting:
            self._waiting.remove(packet.dts)
            heapq.heapify(self._waiting)

    def frame(self) -> int | None:
        """The time of the next frame."""
        return heapq.heappop(self._waiting) if self._waiting else None
