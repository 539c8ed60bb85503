"""Places decoded sound on the clock that starts at t = 0."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from avcues.pipeline.media.downmix import Samples
from avcues.pipeline.media.frames import MAX_GAP_S, SUSPICIOUS_GAP_S, AudioBlock, Damage

# Blocks whose time stamps deviate by less than this from contiguous ones are contiguous: Matroska rounds to 1 ms, and
# muxers that cut and join write time stamps that waver by half a codec frame (11 ms). A lost packet leaves a gap of at
# least 20 ms.
JITTER = Fraction(15, 1000)


class Track:
    """Places blocks by their time stamps: fills gaps with silence, and trims overlaps and what lies before t = 0.

    Args:
        rate_hz: Samples per second of every block.
        damage: Counts blocks that overlap or cannot be placed.

    Attributes:
        samples: Number of samples placed so far, from t = 0.
    """

    def __init__(self, rate_hz: int, damage: Damage) -> None:
        self.samples = 0
        self._last_block = (Fraction(0), 0)  # its start in seconds, and its number of samples
        self._rate_hz = rate_hz
        self._jitter = int(JITTER * rate_hz)
        self._longest_gap = int(MAX_GAP_S * rate_hz)
        self._damage = damage
        self._spans: list[list[int]] = []
        self._pending: AudioBlock | None = None

    def place(self, block: AudioBlock) -> Iterator[Samples]:
        """Takes the next decoded block, and yields the samples of the previous block and the silence before it."""
        pending, self._pending = self._pending, block
        if pending is None:
            return
        if pending.start is not None and block.start is not None and block.start < pending.start:
            gap_s = pending.start - Fraction(self.samples, self._rate_hz)
            if gap_s > SUSPICIOUS_GAP_S:
                self._damage.frames_unplaceable += 1
                return
        yield from self._place(pending, pending.channels.shape[1])

    def finish(self) -> Iterator[Samples]:
        """Yields the last block, cut to its duration in the container: codecs pad their last frame."""
        if self._pending is not None:
            length = self._pending.channels.shape[1]
            if self._pending.duration is not None:
                length = min(length, round(self._pending.duration * self._rate_hz))
            yield from self._place(self._pending, length)
            self._pending = None

    def fill(self, end_sample: int) -> Iterator[Samples]:
        """Yields silence up to a sample, in blocks of at most a second."""
        while self.samples < end_sample:
            silence = np.zeros((1, min(end_sample - self.samples, self._rate_hz)), np.float32)
            self.samples += silence.shape[1]
            yield silence

    @property
    def end(self) -> Fraction:
        """Last instant covered by sound, from the time stamps."""
        start, samples = self._last_block
        return start + Fraction(samples, self._rate_hz)

    @property
    def spans(self) -> list[tuple[Fraction, Fraction]]:
        """[start, end) seconds of the stretches with decoded sound, in order."""
        return [(Fraction(start, self._rate_hz), Fraction(end, self._rate_hz)) for start, end in self._spans]

    def _place(self, block: AudioBlock, length: int) -> Iterator[Samples]:
        samples = block.channels[:, :length]
        offset = 0
        if block.start is not None:
            offset = round(block.start * self._rate_hz) - self.samples
            if offset > self._longest_gap:
                self._damage.frames_unplaceable += 1
                return
            if self._spans and abs(offset) <= self._jitter:
                offset = 0
        if offset < 0:
            self._damage.audio_blocks_overlapping += bool(self._spans)
            samples = samples[:, -offset:]
            offset = 0
        count = samples.shape[1]
        if count == 0:
            return
        yield from self.fill(self.samples + offset)
        if self._spans and self._spans[-1][1] == self.samples:
            self._spans[-1][1] += count
        else:
            self._spans.append([self.samples, self.samples + count])
        self.samples += count
        self._last_block = (Fraction(0), self.samples) if block.start is None else (block.start, length)
        yield samples
