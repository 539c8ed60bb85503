"""Spectra of short frames, and what is read off them: levels, chroma, tonal centroids, spectral shape.

Definitions, names and default parameters are librosa 0.11's (McFee et al. 2015), in NumPy; values equal librosa's to
about five digits. librosa itself, which compiles, would take longer to import than a short video to decode.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
N_MELS = 128
_CHROMA = 12
_AMIN = 1e-10
_ROLL_PERCENT = 0.85
_CONTRAST_LOWEST_HZ, _CONTRAST_OCTAVES, _CONTRAST_QUANTILE = 200.0, 6, 0.02


def frames(samples: Array, length: int, hop: int) -> Array:
    """(T, length) view of all whole frames of the samples."""
    return np.lib.stride_tricks.sliding_window_view(samples, length)[::hop]


def magnitudes(framed: Array) -> Array:
    """(T, 1 + N / 2) magnitudes of the spectra of (T, N) frames under a periodic Hann window."""
    length = framed.shape[1]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    return np.abs(np.fft.rfft(framed * window)).astype(np.float32)


def frequencies(n_fft: int, rate_hz: int) -> npt.NDArray[np.float64]:
    """Centre of each bin in Hz."""
    return np.linspace(0, rate_hz / 2, 1 + n_fft // 2)


def decibels(power: Array) -> Array:
    """10 log10 of powers, which are limited to 1e-10 from below."""
    return 10 * np.log10(np.maximum(np.float32(_AMIN), power))


def mel(power: Array, rate_hz: int) -> Array:
    """(T, 128) energies of Slaney's mel bands from 0 Hz to the Nyquist frequency."""
    return power @ _mel_filters(2 * (power.shape[1] - 1), rate_hz).T


def chroma(power: Array, rate_hz: int) -> Array:
    """(T, 12) energies of the pitch classes from C on, for A = 440 Hz; the largest of a frame is 1."""
    energies = power @ _chroma_filters(2 * (power.shape[1] - 1), rate_hz).T
    return _scaled(energies, energies.max(axis=1))


def tonnetz(of_chroma: Array) -> Array:
    """(T, 6) tonal centroids of (T, 12) chroma: x and y of fifths, minor and major thirds."""
    steps = np.multiply.outer([7 / 6, 7 / 6, 3 / 2, 3 / 2, 2 / 3, 2 / 3], np.arange(_CHROMA))
    steps[::2] -= 0.5  # sines
    radii = np.array([1, 1, 1, 1, 0.5, 0.5])[:, None]
    directions = (radii * np.cos(np.pi * steps)).astype(np.float32)
    return _scaled(of_chroma, of_chroma.sum(axis=1)) @ directions.T


def centroid(spectrum: Array, rate_hz: int) -> Array:
    """(T,) mean frequency in Hz, weighted by magnitude; 0 in silence."""
    of_bin = frequencies(2 * (spectrum.shape[1] - 1), rate_hz).astype(np.float32)
    return _scaled(spectrum @ of_bin[:, None], spectrum.sum(axis=1))[:, 0]


def rolloff(spectrum: Array, rate_hz: int) -> Array:
    """(T,) frequency in Hz below which 85 % of the magnitude lie."""
    cumulative = np.cumsum(spectrum, axis=1)
    reached = np.argmax(cumulative >= _ROLL_PERCENT * cumulative[:, -1:], axis=1)
    return frequencies(2 * (spectrum.shape[1] - 1), rate_hz)[reached].astype(np.float32)


def flatness(power: Array) -> Array:
    """(T,) ratio of the geometric to the arithmetic mean of the power: 0 tonal, 1 noise."""
    limited = np.maximum(np.float32(_AMIN), power)
    return np.exp(np.log(limited).mean(axis=1)) / limited.mean(axis=1)


def contrast(spectrum: Array, rate_hz: int, top_hz: float) -> Array:
    """(T, 7) decibels between the strongest and the weakest 2 % of the bins, below 200 Hz and in six octaves above.

    Args:
        top_hz: Where the last octave ends.
    """
    of_bands: list[Array] = []
    for first, after, count in _contrast_bands(2 * (spectrum.shape[1] - 1), rate_hz, top_hz):
        band = np.sort(spectrum[:, first:after], axis=1)
        of_bands.append(decibels(band[:, -count:].mean(axis=1)) - decibels(band[:, :count].mean(axis=1)))
    return np.stack(of_bands, axis=1)


def _scaled(values: Array, lengths: Array) -> Array:
    """Rows divided by their lengths; rows of silence stay as they are."""
    silent = lengths < np.finfo(np.float32).tiny
    return np.asarray(values / np.where(silent, np.float32(1), lengths)[:, None], np.float32)


@cache
def _mel_filters(n_fft: int, rate_hz: int) -> Array:
    """(128, 1 + N / 2) triangles of constant energy, evenly spaced in Slaney's mels."""
    hz_per_mel, break_hz, log_step = 200 / 3, 1000.0, np.log(6.4) / 27
    break_mel = break_hz / hz_per_mel
    mels = np.linspace(0, break_mel + np.log(rate_hz / 2 / break_hz) / log_step, N_MELS + 2)
    edges = np.where(mels < break_mel, mels * hz_per_mel, break_hz * np.exp(log_step * (mels - break_mel)))
    ramps = np.subtract.outer(edges, frequencies(n_fft, rate_hz))
    widths = np.diff(edges)[:, None]
    triangles = np.maximum(0, np.minimum(-ramps[:-2] / widths[:-1], ramps[2:] / widths[1:]))
    return (triangles.astype(np.float32) * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


@cache
def _chroma_filters(n_fft: int, rate_hz: int) -> Array:
    """(12, 1 + N / 2) Gaussian bumps at the pitches of each class, strongest in the middle octaves."""
    of_bin = np.linspace(0, rate_hz, n_fft, endpoint=False)[1:]
    pitch = _CHROMA * np.log2(of_bin / (440 / 16))  # semitones above A0
    pitch = np.concatenate([[pitch[0] - 1.5 * _CHROMA], pitch])
    widths = np.concatenate([np.maximum(np.diff(pitch), 1), [1]])
    apart = np.remainder(pitch - np.arange(_CHROMA)[:, None] + 10.5 * _CHROMA, _CHROMA) - _CHROMA / 2
    bumps = np.exp(-0.5 * (2 * apart / widths) ** 2)
    bumps /= np.sqrt((bumps**2).sum(axis=0))
    bumps *= np.exp(-0.5 * ((pitch / _CHROMA - 5) / 2) ** 2)
    return np.roll(bumps, -3, axis=0)[:, : 1 + n_fft // 2].astype(np.float32)


@cache
def _contrast_bands(n_fft: int, rate_hz: int, top_hz: float) -> tuple[tuple[int, int, int], ...]:
    """First bin, the one after the last, and how many make the 2 %, of each band."""
    of_bin = frequencies(n_fft, rate_hz)
    of_bin = of_bin[of_bin <= top_hz]
    edges = [0.0, *(_CONTRAST_LOWEST_HZ * 2.0**k for k in range(_CONTRAST_OCTAVES + 1))]
    bands = []
    for k, (low, high) in enumerate(pairwise(edges)):
        inside = np.flatnonzero((of_bin >= low) & (of_bin <= high))
        is_last = k == _CONTRAST_OCTAVES
        first, last = int(inside[0]) - (k > 0), len(of_bin) - 1 if is_last else int(inside[-1])
        count = max(1, round(_CONTRAST_QUANTILE * (last - first + 1)))
        bands.append((first, last + 1 if is_last else last, count))
    return tuple(bands)
