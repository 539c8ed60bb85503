"""Detects oddities of a file's sound that silently change values; each is reported once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avcues.pipeline.media.downmix import Samples

_ANTIPHASE_SHARE = 0.05  # in antiphase, mono has less than this share of the channels' power
_MIN_POWER = 1e-6  # mean square; less is silence
_MAX_OFFSET = 0.01  # of full scale
_FULL_BAND_HZ = 16_000


class SoundOddities:
    """Sums over a track that reveal its oddities.

    Args:
        rate_hz: Samples per second of the track.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._sample_count = 0
        self._sum = 0.0
        self._power = self._channel_power = 0.0

    def add(self, blocks: list[Samples], mono: npt.NDArray[np.float32]) -> None:
        """Takes decoded blocks, and the mono mix of their samples."""
        self._sample_count += len(mono)
        self._sum += float(mono.sum(dtype=np.float64))
        self._power += float(np.vdot(mono, mono))
        for block in blocks:
            if block.shape[0] == 2:
                full_scale = -float(np.iinfo(block.dtype).min) if np.issubdtype(block.dtype, np.signedinteger) else 1.0
                channels = block.astype(np.float32) / np.float32(full_scale)
                power = float(np.vdot(channels, channels)) / 2
                self._channel_power += power if np.isfinite(power) else 0.0

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user, one line per oddity."""
        if not self._sample_count:
            return ()
        notes = []
        if (
            self._channel_power > _MIN_POWER * self._sample_count
            and self._power < _ANTIPHASE_SHARE * self._channel_power
        ):
            share = self._power / self._channel_power
            notes.append(
                f"left and right are in antiphase: {1 - share:.0%} of the sound cancels out in mono, which is measured"
            )
        if abs(self._sum / self._sample_count) > _MAX_OFFSET:
            offset = self._sum / self._sample_count
            notes.append(f"the sound has a constant offset of {offset:.3f} of full scale, which raises loudness")
        if self._rate_hz < _FULL_BAND_HZ:
            notes.append(
                f"the sound is sampled at {self._rate_hz} Hz and has nothing above {self._rate_hz / 2000:g} kHz: its "
                "spectral features are not comparable with those of full-band sound"
            )
        return tuple(notes)
