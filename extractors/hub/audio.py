"""Models of sound, which give hidden states over time or one output per excerpt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from avcues.extractors.hub.model import HubExtractor, HubModel, Tables
from avcues.extractors.protocol import Table

Samples = npt.NDArray[np.float32]

_CHUNK_S = 20.0
_CONTEXT_S = 5.0
_EXCERPT_S = 4.0  # about an utterance
_EXCERPTS_PER_BATCH = 8


class SoundModel(HubExtractor):
    """A model of sound, on the track in mono at the model's sampling rate.

    Hidden states: the track is cut into chunks of `chunk_s` seconds, each with `context_s` seconds of context on both
    sides. A window's row is the mean of the hidden states whose middle lies in the window. Normalisation is the model's
    own, over the chunk with its context.

    Excerpts: a window's row is the model's output for the `context_s` seconds around the middle of the window.

    The track is padded with silence.
    """

    hop = Fraction(1, 50)

    def __init__(self, model: HubModel) -> None:
        super().__init__(model)
        self.rate_hz = model.facts.rate_hz

    @property
    def tables(self) -> Sequence[Table]:
        """One, named as the model."""
        what = "the window's sound"
        if self.model.facts.kind == "sound":
            what = f"the {self.context_s:g} s of sound about the window's middle"
        return (self.table(self.name, "window", what),)

    @property
    def chunk_s(self) -> float:
        """Seconds whose hidden states are computed together."""
        return self.settings.chunk_s or _CHUNK_S

    @property
    def context_s(self) -> float:
        """Seconds of context on each side of a chunk, or total seconds of an excerpt."""
        if self.settings.context_s is not None:
            return float(self.settings.context_s)
        return _CONTEXT_S if self.model.facts.kind == "hidden sound" else self.model.facts.excerpt_s or _EXCERPT_S

    def start_audio(self, rate_hz: int, step: Fraction, expected_windows: int) -> WindowedSound:
        """Opens a stream for one video."""
        if self.model.facts.kind == "sound":
            length = round(self.context_s * rate_hz)
            before = (length - round(step * rate_hz)) // 2
            return WindowedSound(self, step, before, length, _EXCERPTS_PER_BATCH, 1, self._outputs_of_excerpts)
        windows = max(1, round(Fraction(self.chunk_s).limit_denominator(1000) / step))
        before = round(Fraction(self.context_s).limit_denominator(1000) / step) * round(step * rate_hz)
        length = 2 * before + windows * round(step * rate_hz) + self.model.facts.field
        return WindowedSound(self, step, before, length, 1, windows, self._means_of_hidden_states)

    def _outputs_of_excerpts(self, excerpts: list[Samples], before: int, window: int) -> npt.NDArray[np.float32]:
        return self.outputs(excerpts)[:, None]

    def _means_of_hidden_states(self, excerpts: list[Samples], before: int, window: int) -> npt.NDArray[np.float32]:
        """(1, windows, width) means over each window of the chunk."""
        facts = self.model.facts
        states = self.outputs(excerpts)[0]
        middles = np.arange(len(states)) * facts.stride + facts.field // 2
        window_of_state = (middles - before) // window
        count = (len(excerpts[0]) - 2 * before - facts.field) // window
        means = np.full((1, count, states.shape[1]), np.nan, np.float32)
        for k in range(count):
            if (window_of_state == k).any():
                means[0, k] = states[window_of_state == k].mean(axis=0)
        return means


class WindowedSound:
    """Streams a track through a model; holds only the samples of the next excerpts.

    Args:
        extractor: The extractor of the table.
        step: Window length in seconds.
        before: Number of samples between the start of an excerpt and its first window.
        length: Samples per excerpt.
        batch: Excerpts per batch.
        windows: Windows per excerpt.
        measure: Maps excerpts, `before` and the samples per window to (B, windows, width) values.
    """

    def __init__(
        self,
        extractor: SoundModel,
        step: Fraction,
        before: int,
        length: int,
        batch: int,
        windows: int,
        measure: Callable[[list[Samples], int, int], npt.NDArray[np.float32]],
    ) -> None:
        self._extractor = extractor
        self._window = round(step * extractor.rate_hz)
        self._before, self._length, self._batch, self._windows = before, length, batch, windows
        self._measure = measure
        self._held: Samples = np.zeros(max(0, before), np.float32)  # silence before the track
        self._held_from = -max(0, before)  # position of the first held sample
        self._excerpts = 0  # measured or waiting
        self._waiting: list[Samples] = []
        self._rows: list[npt.NDArray[np.float32]] = []

    def write(self, samples: Samples) -> None:
        """Takes the next samples of the track."""
        self._held = np.concatenate([self._held, samples])
        self._cut()

    def finish(self, windows: int) -> Tables:
        """Ends the track, padded with silence, and returns a row per window."""
        needed = -(-windows // self._windows)
        while self._excerpts < needed:
            self.write(np.zeros(self._length, np.float32))
        self._flush()
        width = self._extractor.model.facts.width
        rows = np.concatenate([np.empty((0, width), np.float32), *self._rows])[:windows]
        return {self._extractor.name: self._extractor.columns(rows)}

    def abort(self) -> None:
        """Drops all samples and results."""
        self._held, self._waiting, self._rows = np.empty(0, np.float32), [], []

    def _cut(self) -> None:
        while True:
            start = self._excerpts * self._windows * self._window - self._before - self._held_from
            if len(self._held) < start + self._length:
                return
            self._waiting.append(self._held[start : start + self._length].copy())
            self._excerpts += 1
            following = min(max(0, start + self._windows * self._window), len(self._held))
            self._held, self._held_from = self._held[following:], self._held_from + following
            if len(self._waiting) == self._batch:
                self._flush()

    def _flush(self) -> None:
        if self._waiting:
            values = self._measure(self._waiting, self._before, self._window)
            self._rows.append(values.reshape(-1, values.shape[-1]))
            self._waiting = []
