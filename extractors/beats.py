"""Onsets, tempo and beats from an onset envelope.

Algorithms and default parameters are librosa 0.11's (McFee et al. 2015), in NumPy: peaks are picked after Boeck et al.
2012, the tempo comes from the autocorrelation, and beats from Ellis's dynamic programming (2007).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Frames = npt.NDArray[np.intp]

_TIGHTNESS = 100.0
_START_BPM, _MOST_BPM = 120.0, 320.0


def onset_frames(envelope: Array, frames_per_second: int) -> Frames:
    """Frames that are the largest since 30 ms before, stand out from the 100 ms around, and follow no other at once."""
    strength = envelope - envelope.min()
    strength /= strength.max() + np.finfo(strength.dtype).tiny
    if not strength.any():
        return np.empty(0, np.intp)
    before, around = int(0.03 * frames_per_second), int(0.1 * frames_per_second)
    largest = _sliding(strength, before, 1, np.float32(-np.inf)).max(axis=1)
    sums = _sliding(strength, around, around + 1, np.float32(0)).sum(axis=1)
    counted = _sliding(np.ones_like(strength), around, around + 1, np.float32(0)).sum(axis=1)
    stands_out = strength >= sums / counted + np.float32(0.07)
    picked: list[int] = []
    for frame in np.flatnonzero((strength == largest) & stands_out):
        if not picked or frame - picked[-1] > before:
            picked.append(int(frame))
    return np.array(picked, np.intp)


def tempogram(envelope: Array, length: int) -> Floats:
    """(T, length) autocorrelation of every stretch of `length` frames, by lag; that at lag 0 is 1.

    Args:
        envelope: T + length - 1 frames.
    """
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    stretches = np.lib.stride_tricks.sliding_window_view(envelope, length) * window
    spectrum = np.fft.rfft(stretches, n=2 * length)
    correlation = np.fft.irfft(spectrum.real**2 + spectrum.imag**2)[:, :length]
    largest = np.abs(correlation).max(axis=1, keepdims=True)
    return correlation / np.where(largest < np.finfo(np.float64).tiny, 1, largest)


def lag_bpm(length: int, frames_per_second: int) -> Floats:
    """Beats per minute of each lag; infinite at 0."""
    return np.concatenate([[np.inf], 60.0 * frames_per_second / np.arange(1, length)])


def tempo(of_lags: Floats, frames_per_second: int) -> Floats:
    """(T,) beats per minute from (T, length) autocorrelations, with a preference for 120 and none above 320."""
    bpm = lag_bpm(of_lags.shape[1], frames_per_second)
    preference = -0.5 * (np.log2(bpm) - np.log2(_START_BPM)) ** 2
    preference[bpm >= _MOST_BPM] = -np.inf
    return bpm[np.argmax(np.log1p(1e6 * of_lags) + preference, axis=1)]


def beat_frames(envelope: Array, bpm: float, frames_per_second: int) -> Frames:
    """Frames of the beats of a track of one tempo; none where the envelope is zero throughout."""
    if not envelope.any():
        return np.empty(0, np.intp)
    per_beat = int(np.round(frames_per_second * 60.0 / bpm))
    score = _local_score(envelope, per_beat)
    cumulative, previous = _best_chains(score, per_beat)
    chain = [_last_beat(cumulative)]
    while previous[chain[-1]] >= 0:
        chain.append(int(previous[chain[-1]]))
    beats = np.array(chain[::-1], np.intp)
    # Beats before the first and after the last strong frame are dropped.
    smooth = np.convolve(score[beats], np.hanning(5))[2 : len(score) + 2]
    strong = np.flatnonzero(score > 0.5 * np.sqrt((smooth**2).mean()))
    return beats[(beats >= strong[0]) & (beats <= strong[-1])] if len(strong) else beats[:0]


def _local_score(envelope: Array, per_beat: int) -> Floats:
    """The envelope in standard deviations, smoothed over a small part of a beat."""
    scaled = envelope / (envelope.std(ddof=1) + np.finfo(envelope.dtype).tiny)
    kernel = np.exp(-0.5 * (np.arange(-per_beat, per_beat + 1) * 32.0 / per_beat) ** 2)
    return np.convolve(scaled, kernel)[per_beat : per_beat + len(scaled)]


def _best_chains(score: Floats, per_beat: int) -> tuple[Floats, Frames]:
    """For each frame the score of the best chain of beats that ends there, and the beat before it, -1 if none.

    A beat follows the one before it after half a beat to two beats. So half a beat of frames can be decided at once.
    """
    nearest, farthest = max(1, int(np.round(per_beat / 2))), 2 * per_beat
    gaps = np.arange(nearest, farthest + 1)
    penalty = _TIGHTNESS * (np.log(gaps) - np.log(per_beat)) ** 2
    # As many frames as a gap can reach back stand before the first.
    cumulative = np.concatenate([np.full(farthest, -np.inf), score])
    previous = np.full(len(score), -1, np.intp)
    for start in range(0, len(score), nearest):
        now = np.arange(start, min(start + nearest, len(score)))
        chains = cumulative[farthest + now[:, None] - gaps] - penalty
        best = np.argmax(chains, axis=1)
        value = chains[np.arange(len(now)), best]
        found = np.isfinite(value)
        cumulative[farthest + now[found]] += value[found]
        previous[now[found]] = now[found] - gaps[best[found]]
    begun = np.flatnonzero(score >= 0.01 * score.max())
    previous[: begun[0]] = -1
    return cumulative[farthest:], previous


def _last_beat(cumulative: Floats) -> int:
    """The last local maximum that is at least half the median one."""
    peak = np.zeros(len(cumulative), bool)
    peak[1:-1] = (cumulative[1:-1] > cumulative[:-2]) & (cumulative[1:-1] >= cumulative[2:])
    peak[-1] = len(cumulative) > 1 and cumulative[-1] > cumulative[-2]
    if not peak.any():
        return len(cumulative) - 1
    high = np.flatnonzero(peak & (cumulative >= 0.5 * np.median(cumulative[peak])))
    return int(high[-1]) if len(high) else len(cumulative) - 1


def _sliding(values: Array, before: int, after: int, outside: np.float32) -> Array:
    """(T, before + after) neighbours of each value: those before it, itself, and `after` - 1 that follow."""
    padded = np.pad(values, (before, after - 1), constant_values=outside)
    return np.lib.stride_tricks.sliding_window_view(padded, before + after)
