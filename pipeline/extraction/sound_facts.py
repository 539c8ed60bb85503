"""Oddities of a file's sound that move values without a trace; each is reported once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avcues.pipeline.media.downmix import Samples

_ANTIPHASE = 0.05  # mono keeps less than this share of the channels' power
_AUDIBLE = 1e-6  # mean square
_OFFSET = 0.01
_FULL_BAND_HZ = 16_000


class SoundFacts:
    """Sums over a track.

    Args:
        rate_hz: Samples per second of the track.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._samples = 0
        self._sum = 0.0
        self._power = self._power_of_channels = 0.0

    def add(self, pieces: list[Samples], mono: npt.NDArray[np.float32]) -> None:
        """Takes samples as decoded, and their mean."""
        self._samples += len(mono)
        self._sum += float(mono.sum(dtype=np.float64))
        self._power += float(np.vdot(mono, mono))
        for piece in pieces:
            if piece.shape[0] == 2:
                full_scale = -float(np.iinfo(piece.dtype).min) if np.issubdtype(piece.dtype, np.signedinteger) else 1.0
                channels = piece.astype(np.float32) / np.float32(full_scale)
                power = float(np.vdot(channels, channels)) / 2
                self._power_of_channels += power if np.isfinite(power) else 0.0

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user of the values should know, a line each."""
        if not self._samples:
            return ()
        notes = []
        if self._power_of_channels > _AUDIBLE * self._samples and self._power < _ANTIPHASE * self._power_of_channels:
            share = self._power / self._power_of_channels
            notes.append(
                f"left and right are in antiphase: {1 - share:.0%} of the sound cancels out in mono, which is measured"
            )
        if abs(self._sum / self._samples) > _OFFSET:
            offset = self._sum / self._samples
            notes.append(f"the sound has a constant offset of {offset:.3f} of full scale, which raises loudness")
        if self._rate_hz < _FULL_BAND_HZ:
            notes.append(
                f"the sound is sampled at {self._rate_hz} Hz and has nothing above {self._rate_hz / 2000:g} kHz: its "
                "spectral features are not comparable with those of full-band sound"
            )
        return tuple(notes)
