"""Samples of decoded sound, and their mean over the channels."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import format_dtypes

Samples = npt.NDArray[Any]
"""(C, n) samples of C channels, in any PCM type."""


def channels_of(frame: av.AudioFrame) -> Samples:
    """The samples of a frame as decoded.

    Raises:
        ValueError: They are of a type that numpy does not have.
    """
    dtype = format_dtypes.get(frame.format.name)
    if dtype is None:
        return frame.to_ndarray()  # its error names the type
    if frame.format.is_planar:
        return np.array([np.frombuffer(plane, dtype, frame.samples) for plane in frame.planes])  # type: ignore[call-overload]
    channels = frame.layout.nb_channels
    interleaved = np.frombuffer(frame.planes[0], dtype, frame.samples * channels)  # type: ignore[call-overload]
    return interleaved.reshape(-1, channels).T


def downmix(pieces: Iterable[Samples]) -> npt.NDArray[np.float32]:
    """Joins pieces and takes the plain mean of all channels; libswresample's own down-mix would be 1.41 times louder.

    Returns:
        (n,) mono samples, -1..1.
    """
    alike = groupby(pieces, key=lambda piece: (piece.dtype, len(piece)))
    mixed = [_mean(np.concatenate(list(some), axis=1)) for _, some in alike]
    return np.concatenate(mixed) if mixed else np.empty(0, np.float32)


def _mean(samples: Samples) -> npt.NDArray[np.float32]:
    if samples.dtype == np.uint8:
        scaled = (samples.astype(np.float64) - 128) / 128
    elif np.issubdtype(samples.dtype, np.integer):
        scaled = samples / -float(np.iinfo(samples.dtype).min)
    elif np.isfinite(samples.sum(dtype=np.float64)):  # as good as always, and found out faster than mended
        scaled = samples
    else:
        scaled = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    return scaled.mean(axis=0, dtype=np.float64).clip(-1, 1).astype(np.float32)
