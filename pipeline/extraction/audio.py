"""The audio track: places decoded blocks on the clock from t = 0, resamples them and streams them to the extractors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial

import numpy as np
import numpy.typing as npt
import soxr

from avcues.extractors.protocol import AudioExtractor, AudioStream, Columns
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.extraction.executor import Executor
from avcues.pipeline.media.downmix import Samples, downmix
from avcues.pipeline.media.frames import LONGEST_GAP, SUSPICIOUS_GAP, AudioBlock, Damage

# Blocks whose time stamps are this near to contiguous are contiguous: Matroska rounds to 1 ms, and muxers that cut and
# join write stamps that waver by half a codec frame (11 ms). A lost packet leaves a hole of 20 ms and more.
JITTER = Fraction(15, 1000)

_WAITING_S = 60
"""Seconds of audio that may wait for an extractor that is not set up yet."""


class Track:
    """Places blocks by their time stamps: fills gaps with silence, and trims overlaps and what lies before t = 0.

    Args:
        rate_hz: Samples per second of every block.
        damage: Counts blocks that overlap or cannot be placed.

    Attributes:
        samples: Samples placed so far, from t = 0 on.
    """

    def __init__(self, rate_hz: int, damage: Damage) -> None:
        self.samples = 0
        self._last = (Fraction(0), 0)  # where the last block begins, and its samples
        self._rate_hz = rate_hz
        self._jitter = int(JITTER * rate_hz)
        self._longest_gap = int(LONGEST_GAP * rate_hz)
        self._damage = damage
        self._spans: list[list[int]] = []
        self._held: AudioBlock | None = None

    def lay(self, block: AudioBlock) -> Iterator[Samples]:
        """Takes the next decoded block and yields what can be placed now, in pieces of at most a second."""
        held, self._held = self._held, block
        if held is None:
            return
        if held.start is not None and block.start is not None and block.start < held.start:
            ahead = held.start - Fraction(self.samples, self._rate_hz)
            if ahead > SUSPICIOUS_GAP:
                self._damage.frames_unplaceable += 1
                return
        yield from self._lay(held, held.channels.shape[1])

    def finish(self) -> Iterator[Samples]:
        """Yields the last block, cut to the duration that the container gives it (codecs pad their last frame)."""
        if self._held is not None:
            length = self._held.channels.shape[1]
            if self._held.duration is not None:
                length = min(length, round(self._held.duration * self._rate_hz))
            yield from self._lay(self._held, length)
            self._held = None

    @property
    def end(self) -> Fraction:
        """Last instant covered, by the time stamps."""
        start, samples = self._last
        return start + Fraction(samples, self._rate_hz)

    @property
    def spans(self) -> list[tuple[Fraction, Fraction]]:
        """[start, end) seconds of the stretches with decoded sound, in order."""
        return [(Fraction(a, self._rate_hz), Fraction(b, self._rate_hz)) for a, b in self._spans]

    def _lay(self, block: AudioBlock, length: int) -> Iterator[Samples]:
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
        placed = samples.shape[1]
        if placed == 0:
            return
        while offset > 0:
            silence = np.zeros((1, min(offset, self._rate_hz)), np.float32)
            self.samples += silence.shape[1]
            offset -= silence.shape[1]
            yield silence
        if self._spans and self._spans[-1][1] == self.samples:
            self._spans[-1][1] += placed
        else:
            self._spans.append([self.samples, self.samples + placed])
        self.samples += placed
        self._last = (Fraction(0), self.samples) if block.start is None else (block.start, length)
        yield samples


class AudioPass:
    """Feeds every audio extractor from one sequence of decoded blocks, and tells which windows have sound.

    Args:
        extractors: The audio extractors that have work to do.
        rate_hz: Samples per second of the decoded blocks.
        step: Window length in seconds.
        expected_windows: Estimate of the number of windows, for the size of buffers.
        damage: Counts blocks that overlap or cannot be placed.
        executor: Runs the extractors' stages.

    Attributes:
        track: The sound placed so far.

    Raises:
        SettingsError: The step does not suit an extractor.
    """

    def __init__(
        self,
        extractors: Sequence[AudioExtractor],
        *,
        rate_hz: int,
        step: Fraction,
        expected_windows: int,
        damage: Damage,
        executor: Executor,
    ) -> None:
        self.track = Track(rate_hz, damage)
        self._rate_hz = rate_hz
        self._stopwatch = executor.stopwatch
        self._pieces: list[Samples] = []
        self._held_samples = 0
        self._resamplers: dict[int, soxr.ResampleStream] = {}
        self._feeds: list[tuple[int, _Feed]] = []
        for extractor in extractors:
            if step % extractor.hop:
                raise SettingsError(
                    f"--step {float(step):g} does not suit {extractor.name}: it must be a multiple of "
                    f"{float(extractor.hop * 1000):g} ms"
                )
            rate = extractor.rate_hz or rate_hz
            if rate != rate_hz and rate not in self._resamplers:
                self._resamplers[rate] = soxr.ResampleStream(rate_hz, rate, 1, dtype="float32", quality="HQ")
            start = partial(extractor.start_audio, rate, step, expected_windows)
            self._feeds.append((rate, _Feed(extractor, start, executor)))

    def push(self, block: AudioBlock) -> None:
        """Takes the next decoded block."""
        for piece in self.track.lay(block):
            self._hold(piece)

    def drain(self) -> None:
        """Places the last block, so that `track` is complete."""
        for piece in self.track.finish():
            self._hold(piece)
        self._write(last=True)

    def finish(self, windows: int) -> Mapping[str, Columns]:
        """Ends the track after `drain` and returns every audio table."""
        tables: dict[str, Columns] = {}
        for _, feed in self._feeds:
            tables |= feed.finish(windows)
        return tables

    def abort(self) -> None:
        """Frees the extractors' streams. Call it when no stage is working any more."""
        for _, feed in self._feeds:
            feed.abort()

    def _hold(self, piece: Samples) -> None:
        # Codecs decode some 20 ms at a time; a second costs hardly more to mix, resample and hand on.
        self._pieces.append(piece)
        self._held_samples += piece.shape[1]
        if self._held_samples >= self._rate_hz:
            self._write(last=False)

    def _write(self, *, last: bool) -> None:
        with self._stopwatch("resample"):
            mono = downmix(self._pieces)
            self._pieces, self._held_samples = [], 0
            at_rate = {rate: resampler.resample_chunk(mono, last=last) for rate, resampler in self._resamplers.items()}
        for rate, feed in self._feeds:
            feed.write(at_rate.get(rate, mono))


class _Feed:
    """One extractor's stream."""

    def __init__(self, extractor: AudioExtractor, start: Callable[[], AudioStream], executor: Executor) -> None:
        self._start = start
        self._timed = partial(executor.stopwatch, extractor.name)
        self._stream: AudioStream | None = None
        self._stage = executor.stage(extractor, self._work, queue=_WAITING_S)

    def write(self, samples: npt.NDArray[np.float32]) -> None:
        self._stage.push(samples)

    def finish(self, windows: int) -> Mapping[str, Columns]:
        self._stage.drain()
        assert self._stream is not None
        with self._timed():
            return self._stream.finish(windows)

    def abort(self) -> None:
        if self._stream is not None:
            self._stream.abort()

    def _work(self, samples: npt.NDArray[np.float32]) -> None:
        if self._stream is None:
            self._stream = self._start()
        if len(samples):
            self._stream.write(samples)
