"""Checks whether a stream holds as much as its container promises."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from avcues.pipeline.media.timestamps import fraction

# Encoders and muxers round the ends of streams, and AVI counts a repeated last frame: less than this is not missing.
_TOLERANCE = Fraction(1, 10)


class StreamTally:
    """Counts a stream's packets while they are read, and compares them with what the container promises.

    Args:
        stream: The stream.
        container_format: FFmpeg's name of the container format.
        container_end: Container time at which the file ends, by its header; None if the header does not say.
    """

    def __init__(self, stream: Any, container_format: str, container_end: Fraction | None) -> None:
        self._stream = stream
        self._container_format = container_format
        self._container_end = container_end
        self._time_base = fraction(stream.time_base)
        self._packet_count = 0
        self._covered_ticks = 0  # ticks of the time base, like `_end`
        self._end: int | None = None

    def add(self, packet: Any) -> None:
        """Takes a packet that was read."""
        time_stamp = packet.dts if packet.pts is None else packet.pts
        if time_stamp is None and not packet.size:
            return  # flushes the decoder
        self._packet_count += 1
        duration = packet.duration or 0
        self._covered_ticks += duration
        if time_stamp is not None:
            end = time_stamp + duration
            self._end = end if self._end is None else max(end, self._end)

    def missing_packets(self) -> tuple[int, Fraction]:
        """Number of promised packets that are missing, and the seconds by which the stream ends too early.

        The promised number of packets alone says little: PCM in MOV and AVI is counted in samples, an edit list leaves
        packets out, AVI counts repeated frames that are not stored. So a stream that lasts as long as promised is
        complete.
        """
        promised_end = self._promised_end()
        if promised_end is None:
            return 0, Fraction(0)
        seconds = promised_end - (self._start() if self._end is None else self._end * self._time_base)
        mean_duration = (
            Fraction(self._covered_ticks, self._packet_count) * self._time_base if self._packet_count else Fraction(0)
        )
        if seconds < max(_TOLERANCE, mean_duration):
            return 0, Fraction(0)
        return max(1, self._promised_packets(mean_duration) - self._packet_count), seconds

    def _promised_packets(self, mean_duration: Fraction) -> int:
        """Number of packets from the header or, if that counts something else, from their mean duration."""
        if self._stream.frames and not _counts_samples(self._stream):
            return int(self._stream.frames)
        promised_end = self._promised_end()
        return (
            math.ceil((promised_end - self._start()) / mean_duration)
            if promised_end is not None and mean_duration
            else 0
        )

    def _promised_end(self) -> Fraction | None:
        """Container time at which the stream ends by the header; None if headers do not say, or only estimate."""
        if "mp4" in self._container_format:
            # The header of a fragmented file promises no packets, or only those of the first fragment.
            if not self._stream.frames or not self._stream.duration or self._packet_count > self._stream.frames:
                return None
            return self._start() + self._stream.duration * self._time_base
        if "matroska" in self._container_format:
            return self._end_by_tag()
        if self._container_format == "avi" and self._stream.frames:
            # FFmpeg shortens the duration of a truncated file, but not the number of frames (of PCM: samples).
            rate = self._stream.codec_context.sample_rate if _counts_samples(self._stream) else None
            frame_duration = Fraction(1, rate) if rate else self._time_base
            return self._start() + self._stream.frames * frame_duration
        return None

    def _end_by_tag(self) -> Fraction | None:
        """The end by the stream's DURATION tag, but at most the end of the file by its header: the tag may be stale."""
        tag = self._stream.metadata.get("DURATION", "").split(":")
        if len(tag) != 3 or self._container_end is None:
            return None
        try:
            hours, minutes, seconds = map(Fraction, tag)
        except (ValueError, ZeroDivisionError):
            return None
        return min(hours * 3600 + minutes * 60 + seconds, self._container_end)

    def _start(self) -> Fraction:
        return (self._stream.start_time or 0) * self._time_base


def _counts_samples(stream: Any) -> bool:
    return str(stream.codec_context.name).startswith("pcm_")
