"""Time stamps as containers really have them: clocks that restart, stamps that are missing or cannot be true."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from pipeline.media.frames import LONGEST_GAP, SUSPICIOUS_GAP, Damage, FramesSeen, VideoFrame

# ffmpeg bridges restarts of a clock beyond the same thresholds.
_DISCONTINUITY = Fraction(10)
_BACKWARDS = Fraction(1, 10)
_CLOCKS_REMEMBERED = 4


def fraction(value: Any) -> Fraction:
    """An exact fraction of FFmpeg's rational number."""
    return Fraction(value.numerator, value.denominator)


class MonotonicFrameFilter:
    """Frames in display order, without those whose time stamps cannot be true.

    Attributes:
        last: The last frame that was let through.
    """

    def __init__(self, damage: Damage, seen: FramesSeen) -> None:
        self.last: VideoFrame | None = None
        self._damage = damage
        self._seen = seen
        self._suspect: VideoFrame | None = None

    def push(self, picture: VideoFrame) -> Iterator[VideoFrame]:
        """Takes the next frame and yields those that are certain now."""
        suspect, self._suspect = self._suspect, None
        if suspect is not None:
            if picture.start > suspect.start:
                yield self._pass(suspect)
            else:
                self._damage.frames_unplaceable += 1
        ahead = picture.start - (self.last.start if self.last is not None else 0)
        if ahead > LONGEST_GAP or (self.last is not None and ahead <= 0):
            self._damage.frames_unplaceable += 1
        elif ahead > SUSPICIOUS_GAP:
            self._suspect = picture
        else:
            yield self._pass(picture)

    def finish(self) -> Iterator[VideoFrame]:
        """Yields what was still in doubt."""
        if self._suspect is not None:
            yield self._pass(self._suspect)

    def _pass(self, picture: VideoFrame) -> VideoFrame:
        self._seen.note(picture.frame, None if self.last is None else picture.start - self.last.start)
        self.last = picture
        return picture


class TimestampUnwrapper:
    """Joins the pieces of a stream whose clock restarts.

    A packet is on the known clock that puts it nearest to where its stream is expected to go on, as long as that
    neither leads backwards nor far ahead of the whole file: a pause in one stream is no restart. Where no known clock
    fits, a new one begins.
    """

    def __init__(self) -> None:
        self._offsets = [Fraction(0)]
        self._expected: dict[int, Fraction] = {}

    def shift(self, packet: Any) -> bool:
        """Moves the packet's time stamps onto the running clock; True where a new clock begins."""
        if packet.dts is None:
            return False
        time_base = fraction(packet.time_base)
        raw = packet.dts * time_base
        running = max(self._expected.values(), default=raw)
        expected = self._expected.get(packet.stream_index, running)
        fitting = [
            offset
            for offset in self._offsets[-_CLOCKS_REMEMBERED:]
            if raw + offset >= expected - _BACKWARDS and raw + offset <= running + _DISCONTINUITY
        ]
        restarted = not fitting and bool(self._expected)
        if restarted:
            self._offsets.append(expected - raw)
        offset = min(fitting, key=lambda o: abs(raw + o - expected)) if fitting else self._offsets[-1]
        self._expected[packet.stream_index] = raw + offset + (packet.duration or 0) * time_base
        if offset:
            ticks = round(offset / time_base)
            packet.dts += ticks
            if packet.pts is not None:
                packet.pts += ticks
        return restarted


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
        """Forgets the time of a packet that gave no frame."""
        if packet.dts in self._waiting:
            self._waiting.remove(packet.dts)
            heapq.heapify(self._waiting)

    def frame(self) -> int | None:
        """The time of the next frame."""
        return heapq.heappop(self._waiting) if self._waiting else None
