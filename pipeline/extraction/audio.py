"""Passes the sound of a video from decoded blocks to the extractors: places, mixes, resamples and streams it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from avcues.extractors.protocol import AudioExtractor, Columns, Extractor, Transcriber
from avcues.extractors.transcript import Transcript
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.extraction.executor import Executor
from avcues.pipeline.extraction.mixing import TrackMix
from avcues.pipeline.extraction.sound_oddities import SoundOddities
from avcues.pipeline.media.downmix import Samples, downmix
from avcues.pipeline.media.frames import AudioBlock, Damage
from avcues.pipeline.timeline import united

_MIN_REPORTED_HOLES_S = Fraction(1, 10)
_MAX_QUEUE_S = 60
"""Seconds of audio, in blocks of one second, that may be queued for an extractor that is not set up yet."""


class AudioPass:
    """Feeds every audio extractor from one sequence of decoded blocks, and records where the video has sound.

    Args:
        extractors: The audio extractors that have work to do.
        streams: Number of audio streams that are mixed.
        rate_hz: Samples per second of the decoded blocks.
        step: Window length in seconds.
        expected_windows: Estimate of the number of windows, for the size of buffers.
        damage: Counts blocks that overlap or cannot be placed.
        executor: Runs the extractors' stages.
        recogniser: Recognises the words, if the sound is their source.

    Attributes:
        end: Last instant covered by sound, by the time stamps.
        spans: [start, end) seconds of the stretches with decoded sound, in order.

    Raises:
        SettingsError: The step does not suit an extractor.
    """

    def __init__(
        self,
        extractors: Sequence[AudioExtractor],
        *,
        streams: int,
        rate_hz: int,
        step: Fraction,
        expected_windows: int,
        damage: Damage,
        executor: Executor,
        recogniser: Transcriber | None = None,
    ) -> None:
        self._mix = TrackMix(streams, rate_hz, damage)
        self._rate_hz = rate_hz
        self._stopwatch = executor.stopwatch
        self._oddities = SoundOddities(rate_hz)
        self._blocks: list[Samples] = []
        self._collected_samples = 0
        self._resamplers: dict[int, soxr.ResampleStream] = {}
        self._feeds: list[tuple[int, _Feed]] = []
        for extractor in extractors:
            if step % extractor.hop:
                raise SettingsError(
                    f"`step={float(step):g}` does not suit {extractor.name}: it must be a multiple of "
                    f"{float(extractor.hop * 1000):g} ms"
                )
            rate = self._resample_to(extractor.rate_hz or rate_hz)
            start = partial(extractor.start_audio, rate, step, expected_windows)
            self._feeds.append((rate, _Feed(extractor, start, executor)))
        self._speech: _Feed | None = None
        if recogniser is not None:
            self._speech = _Feed(recogniser, recogniser.start_speech, executor)
            self._feeds.append((self._resample_to(recogniser.speech_rate_hz), self._speech))

    def push(self, block: AudioBlock) -> None:
        """Takes the next decoded block."""
        for samples in self._mix.place(block):
            self._collect(samples)

    @property
    def end(self) -> Fraction:
        return max(track.end for track in self._mix.tracks)

    @property
    def spans(self) -> list[tuple[Fraction, Fraction]]:
        return united([span for track in self._mix.tracks for span in track.spans])

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user about the sound; complete after `drain`."""
        return (*self._holes(), *self._oddities.notes) if self._feeds else ()

    def _holes(self) -> Iterator[str]:
        """A line on stretches without sound between its beginning and its end."""
        lengths = [later[0] - earlier[1] for earlier, later in pairwise(self.spans)]
        if sum(lengths) > _MIN_REPORTED_HOLES_S:
            places = "one place" if len(lengths) == 1 else f"{len(lengths)} places"
            yield (
                f"no sound for {float(sum(lengths)):.1f} s in {places} before its end: silence there, and null in "
                "windows without any sound"
            )

    def drain(self) -> None:
        """Places the last block, so that `end` and `spans` are final."""
        for samples in self._mix.finish():
            self._collect(samples)
        self._write(last=True)

    def finish(self, windows: int) -> Mapping[str, Columns]:
        """Ends the track after `drain` and returns every audio table."""
        tables: dict[str, Columns] = {}
        for _, feed in self._feeds:
            if feed is not self._speech:
                tables |= feed.finish(windows)
        return tables

    def transcript(self) -> Transcript | None:
        """Ends the track after `drain` and returns what was recognised; None without a recogniser."""
        return None if self._speech is None else self._speech.finish()

    def abort(self) -> None:
        """Frees the extractors' streams. Call it only when all stages have stopped."""
        for _, feed in self._feeds:
            feed.abort()

    def _resample_to(self, rate: int) -> int:
        """Makes sure that the track is resampled to a rate, and returns the rate."""
        if rate != self._rate_hz and rate not in self._resamplers:
            self._resamplers[rate] = soxr.ResampleStream(self._rate_hz, rate, 1, dtype="float32", quality="HQ")
        return rate

    def _collect(self, samples: Samples) -> None:
        # Codecs decode about 20 ms at a time; a whole second costs hardly more to mix, resample and pass on.
        self._blocks.append(samples)
        self._collected_samples += samples.shape[1]
        if self._collected_samples >= self._rate_hz:
            self._write(last=False)

    def _write(self, *, last: bool) -> None:
        with self._stopwatch("resample"):
            mono = downmix(self._blocks)
            self._oddities.add(self._blocks, mono)
            self._blocks, self._collected_samples = [], 0
            mono_at_rate = {
                rate: resampler.resample_chunk(mono, last=last) for rate, resampler in self._resamplers.items()
            }
        for rate, feed in self._feeds:
            feed.write(mono_at_rate.get(rate, mono))


class _Feed:
    """Passes sound to the stream of one extractor."""

    def __init__(self, extractor: Extractor, start: Callable[[], Any], executor: Executor) -> None:
        self._start = start
        self._stopwatch = partial(executor.stopwatch, extractor.name)
        self._stream: Any = None
        self._stage = executor.stage(extractor, self._process, max_waiting=_MAX_QUEUE_S, in_order=True)

    def write(self, samples: npt.NDArray[np.float32]) -> None:
        self._stage.push(samples)

    def finish(self, *arguments: int) -> Any:
        self._stage.drain()
        assert self._stream is not None
        with self._stopwatch():
            return self._stream.finish(*arguments)

    def abort(self) -> None:
        if self._stream is not None:
            self._stream.abort()

    def _process(self, samples: npt.NDArray[np.float32]) -> None:
        if self._stream is None:
            self._stream = self._start()
        if len(samples):
            self._stream.write(samples)
