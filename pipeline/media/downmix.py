"""Samples of decoded sound, and their mix to mono."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
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
        ValueError: NumPy lacks the type of the samples.
    """
    dtype = format_dtypes.get(frame.format.name)
    if dtype is None:
        return frame.to_ndarray()  # raises an error that names the type
    if frame.format.is_planar:
        return np.array([np.frombuffer(plane, dtype, frame.samples) for plane in frame.planes])  # type: ignore[call-overload]
    channels = frame.layout.nb_channels
    interleaved = np.frombuffer(frame.planes[0], dtype, frame.samples * channels)  # type: ignore[call-overload]
    return interleaved.reshape(-1, channels).T


_LEVEL_3_DB = 0.5**0.5
_TO_LEFT_AND_RIGHT = {
    **dict.fromkeys(("FL", "FLC", "DL", "WL"), (1.0, 0.0)),
    **dict.fromkeys(("FR", "FRC", "DR", "WR"), (0.0, 1.0)),
    **dict.fromkeys(("BL", "SL", "TFL", "TBL", "TSL"), (_LEVEL_3_DB, 0.0)),
    **dict.fromkeys(("BR", "SR", "TFR", "TBR", "TSR"), (0.0, _LEVEL_3_DB)),
    **dict.fromkeys(("FC", "TFC", "TC"), (_LEVEL_3_DB, _LEVEL_3_DB)),
    **dict.fromkeys(("BC", "TBC"), (0.5, 0.5)),
    **dict.fromkeys(("LFE", "LFE2"), (0.0, 0.0)),
}
"""Share of each channel, by FFmpeg's name, in the left and the right of stereo: ITU-R BS.775-4, annex 4, table 2."""


@cache
def _standard_weights(names: tuple[str, ...]) -> npt.NDArray[np.float32] | None:
    """(C,) weights of the channels in mono; None if the position of a channel is not known."""
    if any(name not in _TO_LEFT_AND_RIGHT for name in names):
        return None
    left_right = np.array([_TO_LEFT_AND_RIGHT[name] for name in names])
    normalised = left_right / left_right.sum(axis=0).max()
    return normalised.mean(axis=1).astype(np.float32)


def standard_downmix(samples: Samples, layout: av.AudioLayout) -> npt.NDArray[np.float32]:
    """Mixes surround sound to stereo by ITU-R BS.775, normalised so that it cannot clip, then to mono by the mean.

    The channel of low-frequency effects is left out, as in players. If the position of any channel is unknown, or there
    is no other channel, the mix is the mean of all channels.

    Args:
        samples: (C, n).
        layout: Layout that names the channels.

    Returns:
        (1, n) samples, -1..1.
    """
    weights = _standard_weights(tuple(channel.name for channel in layout.channels))
    if weights is None or len(weights) != len(samples) or not weights.any():
        return downmix([samples])[None]
    mono = weights @ _scaled(samples).astype(np.float32)
    return np.asarray(mono.clip(-1, 1)[None], np.float32)


def downmix(blocks: Iterable[Samples]) -> npt.NDArray[np.float32]:
    """Joins blocks and takes the mean of all channels; the mix of libswresample would be 1.41 times as loud.

    Returns:
        (n,) mono samples, -1..1.
    """
    groups = groupby(blocks, key=lambda block: (block.dtype, len(block)))
    mixes = [_mean(np.concatenate(list(group), axis=1)) for _, group in groups]
    return np.concatenate(mixes) if mixes else np.empty(0, np.float32)


def _mean(samples: Samples) -> npt.NDArray[np.float32]:
    return _scaled(samples).mean(axis=0, dtype=np.float64).clip(-1, 1).astype(np.float32)


def _scaled(samples: Samples) -> Samples:
    """Samples of any type as fractions of full scale."""
    if samples.dtype == np.uint8:
        return (samples.astype(np.float64) - 128) / 128
    if np.issubdtype(samples.dtype, np.integer):
        return samples / -float(np.iinfo(samples.dtype).min)
    if np.isfinite(samples.sum(dtype=np.float64)):  # nearly always, and cheaper to test than to replace
        return samples
    return np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
