"""Tracks that are heard together: the mean of several streams, sample by sample, or the one stream as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from avcues.pipeline.extraction.track import Track
from avcues.pipeline.media.downmix import Samples, downmix
from avcues.pipeline.media.frames import AudioBlock, Damage

_FARTHEST_BEHIND_S = 60
"""A stream that falls behind the others by more is taken for silent, so that memory stays bounded."""


class TrackMix:
    """Places the blocks of one or several streams and mixes them.

    Args:
        streams: Number of streams.
        rate_hz: Samples per second of every block.
        damage: Counts blocks that overlap or cannot be placed.
    """

    def __init__(self, streams: int, rate_hz: int, damage: Damage) -> None:
        self.tracks: Sequence[Track] = [Track(rate_hz, damage) for _ in range(streams)]
        self._waiting: list[list[npt.NDArray[np.float32]]] = [[] for _ in range(streams)]
        self._lengths = [0] * streams
        self._farthest_behind = _FARTHEST_BEHIND_S * rate_hz

    def lay(self, block: AudioBlock) -> Iterator[Samples]:
        """Takes the next decoded block of any stream and yields what can be placed now."""
        if len(self.tracks) == 1:
            yield from self.tracks[0].lay(block)
            return
        for piece in self.tracks[block.stream].lay(block):
            self._hold(block.stream, piece)
        behind = max(self._lengths) - self._farthest_behind
        for i, track in enumerate(self.tracks):
            for piece in track.fill(track.samples + max(0, behind - self._lengths[i])):
                self._hold(i, piece)
        yield from self._mixed(min(self._lengths))

    def finish(self) -> Iterator[Samples]:
        """Yields what is left; streams that end before the others are silent from there on."""
        if len(self.tracks) == 1:
            yield from self.tracks[0].finish()
            return
        for i, track in enumerate(self.tracks):
            for piece in track.finish():
                self._hold(i, piece)
        yield from self._mixed(max(self._lengths))

    def _hold(self, stream: int, piece: Samples) -> None:
        mono = downmix([piece])
        self._waiting[stream].append(mono)
        self._lengths[stream] += len(mono)

    def _mixed(self, samples: int) -> Iterator[Samples]:
        if samples <= 0:
            return
        total = np.zeros(samples)
        for i, pieces in enumerate(self._waiting):
            joined = np.concatenate(pieces or [np.empty(0, np.float32)])
            total[: min(samples, len(joined))] += joined[:samples]
            self._waiting[i] = [joined[samples:]] if len(joined) > samples else []
            self._lengths[i] = max(0, len(joined) - samples)
        yield (total / len(self.tracks)).astype(np.float32)[None]
