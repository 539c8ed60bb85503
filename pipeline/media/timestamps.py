"""Repairs time stamps: clocks that restart or wrap, time stamps that are missing or impossible."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from avcues.pipeline.media.frames import MAX_GAP_S, SUSPICIOUS_GAP_S, Damage, FrameStatistics, VideoFrame

# Jumps beyond these thresholds are restarts of the clock, as in ffmpeg.
_MAX_JUMP_AHEAD = Fraction(10)
_MAX_JUMP_BACK = Fraction(1, 10)
# The streams of an appended section start within this time of each other.
_MAX_DISTANCE = Fraction(5)
_AAC = ("aac", "aac_latm")
_ROUNDING_TICKS = 2
_CLOCK_RANGE = Fraction(1 << 33, 90_000)


def fraction(value: Any) -> Fraction:
    """An exact fraction of FFmpeg's rational number."""
    return Fraction(value.numerator, value.denominator)


def nearest_turn(time: Fraction, reference: Fraction) -> Fraction:
    """A time of MPEG's 33-bit clock, which wraps every 26.5 hours, moved by whole turns next to a reference."""
    return time - round((time - reference) / _CLOCK_RANGE) * _CLOCK_RANGE


class MonotonicFrameFilter:
    """Passes on frames in display order, except those whose time stamps are impossible.

    Of several frames with the same time stamp, only the last is shown. Each frame is held back until the time stamp of
    the next one is known.

    Args:
        damage: Counts the frames that were dropped because of their time stamps.
        statistics: Statistics of the frames that were passed on.

    Attributes:
        last: The last frame that was accepted.
    """

    def __init__(self, damage: Damage, statistics: FrameStatistics) -> None:
        self.last: VideoFrame | None = None
        self._last_passed: VideoFrame | None = None
        self._damage = damage
        self._statistics = statistics
        self._suspect: VideoFrame | None = None

    def push(self, picture: VideoFrame) -> Iterator[VideoFrame]:
        """Takes the next frame, and yields the frames whose times are now certain."""
        suspect, self._suspect = self._suspect, None
        if suspect is not None:
            if picture.start >= suspect.start:
                yield from self._accept(suspect)
            else:
                self._damage.frames_unplaceable += 1
        gap_s = picture.start - (self.last.start if self.last is not None else 0)
        if gap_s > MAX_GAP_S or (self.last is not None and gap_s < 0):
            self._damage.frames_unplaceable += 1
        elif gap_s > SUSPICIOUS_GAP_S:
            self._suspect = picture
        else:
            yield from self._accept(picture)

    def finish(self) -> Iterator[VideoFrame]:
        """Yields the frames that were held back."""
        if self._suspect is not None:
            yield from self._accept(self._suspect)
        if self.last is not None:
            yield self._pass(self.last)

    def _accept(self, picture: VideoFrame) -> Iterator[VideoFrame]:
        last, self.last = self.last, picture
        if last is not None and last.start < picture.start:
            yield self._pass(last)

    def _pass(self, picture: VideoFrame) -> VideoFrame:
        interval = None if self._last_passed is None else picture.start - self._last_passed.start
        self._statistics.add(picture.frame, interval)
        self._last_passed = picture
        return picture


class TimestampUnwrapper:
    """Joins the sections of a file whose clock restarts, as in broadcasts that were cut and concatenated.

    A restart is a jump of one stream relative to its own last time stamp: backwards, or ahead of the whole file by more
    than `MAX_GAP_S`. A shorter jump ahead is a gap in a recording whose clock went on, unless the next time stamp
    returns. Streams that lie far apart in the file, or a pause in one of them, are not restarts. The stream that jumps
    first opens a new clock, which continues where that stream was; the others move to it when they jump, so that the
    streams of a section keep their distances from each other. A jump by the range of MPEG's 33-bit time stamps is a
    wrapped counter, and is undone exactly.

    Attributes:
        gaps: Number of jumps ahead that count as gaps.
    """

    def __init__(self) -> None:
        self.gaps = 0
        self._offsets = [Fraction(0)]
        self._clock: dict[int, int] = {}
        self._expected: dict[int, Fraction] = {}
        self._before_gap: dict[int, Fraction] = {}

    def shift(self, packet: Any) -> bool:
        """Moves the packet's time stamps to the running clock; returns whether a new clock begins."""
        time_base, stream = fraction(packet.time_base), packet.stream_index
        is_new_clock = False
        if packet.dts is not None:
            is_new_clock = self._assign_clock(stream, packet.dts * time_base)
            placed = packet.dts * time_base + self._offsets[self._clock[stream]]
            self._expected[stream] = placed + (packet.duration or 0) * time_base
        offset = self._offsets[self._clock.get(stream, -1)]
        if offset:
            ticks = round(offset / time_base)
            if packet.dts is not None:
                packet.dts += ticks
            if packet.pts is not None:
                packet.pts += ticks
        return is_new_clock

    def _assign_clock(self, stream: int, time: Fraction) -> bool:
        """Decides which clock a time belongs to; returns whether the clock is new."""
        if stream not in self._expected:
            self._clock[stream] = self._clock_of_first(time)
            return False
        expected = self._expected[stream]
        latest = max(self._expected.values()) + _MAX_JUMP_AHEAD
        current = self._clock[stream]
        placed = time + self._offsets[current]
        before_gap = self._before_gap.pop(stream, None)
        if expected - _MAX_JUMP_BACK <= placed <= latest:
            return False
        if before_gap is not None and abs(placed - before_gap) <= _MAX_DISTANCE:
            self.gaps -= 1
            return False
        for next_clock in range(current + 1, len(self._offsets)):
            if abs(time + self._offsets[next_clock] - expected) <= _MAX_DISTANCE:
                self._clock[stream] = next_clock
                return False
        if latest < placed <= expected + MAX_GAP_S:
            self._before_gap[stream] = expected
            self.gaps += 1
            return False
        jump = expected - time
        wraps = [
            turns * _CLOCK_RANGE
            for turns in (-1, 1)
            if abs(jump - self._offsets[current] - turns * _CLOCK_RANGE) <= _MAX_DISTANCE
        ]
        self._offsets.append(self._offsets[current] + wraps[0] if wraps else jump)
        self._clock[stream] = len(self._offsets) - 1
        return not wraps

    def _clock_of_first(self, time: Fraction) -> int:
        """The clock that puts a stream's first time stamp nearest to the current time of the file."""
        if not self._expected:
            return 0
        current = max(self._expected.values())
        nearest = min(range(len(self._offsets)), key=lambda clock: abs(time + self._offsets[clock] - current))
        placed = time + self._offsets[nearest]
        if unwrapped := nearest_turn(placed, current) - placed:
            self._offsets.append(self._offsets[nearest] + unwrapped)
            return len(self._offsets) - 1
        return nearest


class AacTimestamps:
    """Repairs the time stamps of AAC after a change of its sample rate in mid-stream.

    A transport stream states a time for the first of several packets. FFmpeg computes the others, for AAC at the rate
    with which the stream began: at 48 kHz after 24 kHz, they run at half the speed, and fall back at the next stated
    time.
    """

    def __init__(self) -> None:
        self._computed_next: dict[int, int] = {}
        self._shift: dict[int, Fraction] = {}

    def repair(self, packet: Any) -> None:
        """Moves the time stamps that FFmpeg computed, once the packets before this one are decoded."""
        codec, stream = packet.stream.codec_context, packet.stream_index
        if codec is None or codec.name not in _AAC or packet.pts is None or not packet.duration:
            return
        true_ticks = Fraction(codec.frame_size, codec.sample_rate or 1) / fraction(packet.time_base)
        excess = true_ticks - packet.duration
        is_computed = packet.pts == self._computed_next.get(stream)
        shift = self._shift.get(stream, Fraction(0)) if is_computed else Fraction(0)
        self._computed_next[stream] = packet.pts + packet.duration
        self._shift[stream] = shift
        if abs(excess) > _ROUNDING_TICKS:
            self._shift[stream] += excess
            packet.duration = round(true_ticks)
        packet.pts += round(shift)
        packet.dts = packet.pts


class DecodeOrderTimestamps:
    """Makes time stamps for frames of containers that store none: decoding times, the smallest first.

    Frames leave the decoder in display order, so the k-th frame gets the k-th smallest time.
    """

    def __init__(self) -> None:
        self._pending_times: list[int] = []

    def add_packet(self, packet: Any) -> None:
        """Takes the time of a packet before it is decoded."""
        if packet.dts is not None and packet.size:
            heapq.heappush(self._pending_times, packet.dts)

    def drop_packet(self, packet: Any) -> None:
        """Forgets the time of a packet that the decoder refused."""
        if packet.dts in self._pending_times:
            self._pending_times.remove(packet.dts)
            heapq.heapify(self._pending_times)

    def next_time(self) -> int | None:
        """The time of the next decoded frame; None if it is not known."""
        return heapq.heappop(self._pending_times) if self._pending_times else None
