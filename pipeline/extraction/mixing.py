"""Mixes audio streams that play together: their mean, sample by sample, or a single stream unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from avcues.pipeline.extraction.track import Track
from avcues.pipeline.media.downmix import Samples, downmix
from avcues.pipeline.media.frames import AudioBlock, Damage

_MAX_LAG_S = 60
"""A stream that lags further behind the others counts as silent, so that memory stays bounded."""


class TrackMix:
    """Places the blocks of one or several streams and mixes them.

    Args:
        streams: Number of streams.
        rate_hz: Samples per second of every block.
        damage: Counts blocks that overlap or cannot be placed.
    """

    def __init__(self, streams: int, rate_hz: int, damage: Damage) -> None:
        self.tracks: Sequence[Track] = [Track(rate_hz, damage) for _ in range(streams)]
        self._pending: list[list[npt.NDArray[np.float32]]] = [[] for _ in range(streams)]
        self._lengths = [0] * streams
        self._max_lag = _MAX_LAG_S * rate_hz

    def place(self, block: AudioBlock) -> Iterator[Samples]:
        """Takes the next decoded block of any stream, and yields the sound that is complete now."""
        if len(self.tracks) == 1:
            yield from self.tracks[0].place(block)
            return
        for piece in self.tracks[block.stream].place(block):
            self._append(block.stream, piece)
        min_length = max(self._lengths) - self._max_lag
        for i, track in enumerate(self.tracks):
            for piece in track.fill(track.samples + max(0, min_length - self._lengths[i])):
                self._append(i, piece)
        yield from self._mix(min(self._lengths))

    def finish(self) -> Iterator[Samples]:
        """Yields the remaining sound; streams that end before the others are silent after their end."""
        if len(self.tracks) == 1:
            yield from self.tracks[0].finish()
            return
        for i, track in enumerate(self.tracks):
            for piece in track.finish():
                self._append(i, piece)
        yield from self._mix(max(self._lengths))

    def _append(self, stream: int, piece: Samples) -> None:
        mono = downmix([piece])
        self._pending[stream].append(mono)
        self._lengths[stream] += len(mono)

    def _mix(self, sample_count: int) -> Iterator[Samples]:
        if sample_count <= 0:
            return
        mix = np.zeros(sample_count)
        for i, pieces in enumerate(self._pending):
            pending = np.concatenate(pieces or [np.empty(0, np.float32)])
            mix[: min(sample_count, len(pending))] += pending[:sample_count]
            self._pending[i] = [pending[sample_count:]] if len(pending) > sample_count else []
            self._lengths[i] = max(0, len(pending) - sample_count)
        yield (mix / len(self.tracks)).astype(np.float32)[None]
