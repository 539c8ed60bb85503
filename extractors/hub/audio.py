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
    sides. A window's row is the mean of the hidden states whose middle lies in the window. The model normalises each
    chunk together with its context.

    Excerpts: a window's row is the model's output for the `context_s` seconds around the middle of the window.

    The track is padded with silence.
    """

    hop = Fraction(1, 50)

    def __init__(self, model: HubModel) -> None:
        super().__init__(model)
        self.rate_hz = model.spec.rate_hz

    @property
    def tables(self) -> Sequence[Table]:
        """One table, named after the model."""
        subject = "the window's sound"
        if self.model.spec.kind == "sound":
            subject = f"the {self.context_s:g} s of sound about the window's middle"
        return (self.table(self.name, "window", subject),)

    @property
    def chunk_s(self) -> float:
        """Seconds whose hidden states are computed together."""
        return self.settings.chunk_s or _CHUNK_S

    @property
    def context_s(self) -> float:
        """Seconds of context on each side of a chunk, or total seconds of an excerpt."""
        if self.settings.context_s is not None:
            return float(self.settings.context_s)
        return _CONTEXT_S if self.model.spec.kind == "hidden sound" else self.model.spec.excerpt_s or _EXCERPT_S

    def start_audio(self, rate_hz: int, step: Fraction, expected_windows: int) -> WindowedSound:
        """Opens a stream for one video."""
        if self.model.spec.kind == "sound":
            excerpt_samples = round(self.context_s * rate_hz)
            lead_samples = (excerpt_samples - round(step * rate_hz)) // 2
            return WindowedSound(
                self, step, lead_samples, excerpt_samples, _EXCERPTS_PER_BATCH, 1, self._outputs_of_excerpts
            )
        windows = max(1, round(Fraction(self.chunk_s).limit_denominator(1000) / step))
        lead_samples = round(Fraction(self.context_s).limit_denominator(1000) / step) * round(step * rate_hz)
        excerpt_samples = 2 * lead_samples + windows * round(step * rate_hz) + self.model.spec.receptive_field
        return WindowedSound(self, step, lead_samples, excerpt_samples, 1, windows, self._means_of_hidden_states)

    def _outputs_of_excerpts(
        self, excerpts: list[Samples], lead_samples: int, window_samples: int
    ) -> npt.NDArray[np.float32]:
        return self.outputs(excerpts)[:, None]

    def _means_of_hidden_states(
        self, excerpts: list[Samples], lead_samples: int, window_samples: int
    ) -> npt.NDArray[np.float32]:
        """(1, windows, width) means over each window of the chunk."""
        spec = self.model.spec
        states = self.outputs(excerpts)[0]
        middles = np.arange(len(states)) * spec.stride + spec.receptive_field // 2
        window_of_state = (middles - lead_samples) // window_samples
        window_count = (len(excerpts[0]) - 2 * lead_samples - spec.receptive_field) // window_samples
        means = np.full((1, window_count, states.shape[1]), np.nan, np.float32)
        for k in range(window_count):
            if (window_of_state == k).any():
                means[0, k] = states[window_of_state == k].mean(axis=0)
        return means


class WindowedSound:
    """Streams a track through a model; keeps only the samples of the next excerpts in memory.

    Args:
        extractor: The extractor of the table.
        step: Window length in seconds.
        lead_samples: Samples between the start of an excerpt and its first window.
        excerpt_samples: Samples per excerpt.
        batch_size: Excerpts per batch.
        windows_per_excerpt: Windows per excerpt.
        measure: Maps B excerpts, `lead_samples` and the samples per window to (B, windows_per_excerpt, width) values.
    """

    def __init__(
        self,
        extractor: SoundModel,
        step: Fraction,
        lead_samples: int,
        excerpt_samples: int,
        batch_size: int,
        windows_per_excerpt: int,
        measure: Callable[[list[Samples], int, int], npt.NDArray[np.float32]],
    ) -> None:
        self._extractor = extractor
        self._window_samples = round(step * extractor.rate_hz)
        self._lead_samples, self._excerpt_samples = lead_samples, excerpt_samples
        self._batch_size, self._windows_per_excerpt = batch_size, windows_per_excerpt
        self._measure = measure
        self._buffer: Samples = np.zeros(max(0, lead_samples), np.float32)  # silence before the track
        self._buffer_start = -max(0, lead_samples)  # in samples from the start of the track
        self._excerpt_count = 0  # including pending ones
        self._pending: list[Samples] = []
        self._rows: list[npt.NDArray[np.float32]] = []

    def write(self, samples: Samples) -> None:
        """Takes the next samples of the track."""
        self._buffer = np.concatenate([self._buffer, samples])
        self._cut_excerpts()

    def finish(self, windows: int) -> Tables:
        """Ends the track, padded with silence, and returns a row per window."""
        required_excerpts = -(-windows // self._windows_per_excerpt)
        while self._excerpt_count < required_excerpts:
            self.write(np.zeros(self._excerpt_samples, np.float32))
        self._measure_pending()
        width = self._extractor.model.spec.width
        rows = np.concatenate([np.empty((0, width), np.float32), *self._rows])[:windows]
        return {self._extractor.name: self._extractor.columns(rows)}

    def abort(self) -> None:
        """Drops all samples and results."""
        self._buffer, self._pending, self._rows = np.empty(0, np.float32), [], []

    def _cut_excerpts(self) -> None:
        while True:
            start = (
                self._excerpt_count * self._windows_per_excerpt * self._window_samples
                - self._lead_samples
                - self._buffer_start
            )
            if len(self._buffer) < start + self._excerpt_samples:
                return
            self._pending.append(self._buffer[start : start + self._excerpt_samples].copy())
            self._excerpt_count += 1
            next_start = min(max(0, start + self._windows_per_excerpt * self._window_samples), len(self._buffer))
            self._buffer, self._buffer_start = self._buffer[next_start:], self._buffer_start + next_start
            if len(self._pending) == self._batch_size:
                self._measure_pending()

    def _measure_pending(self) -> None:
        if self._pending:
            values = self._measure(self._pending, self._lead_samples, self._window_samples)
            self._rows.append(values.reshape(-1, values.shape[-1]))
            self._pending = []
