"""Onsets, beats, tempo and pulse clarity, from the onset envelope of a whole sound track, by librosa."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

RATE_HZ = 22050
HOP_LENGTH = 441  # 20 ms: a whole number of frames in a window
FRAMES_PER_SECOND = RATE_HZ // HOP_LENGTH
TEMPOGRAM_S = 8.0  # librosa's default autocorrelation window
SLOWEST_BPM, FASTEST_BPM = 30, 300  # pulses that count for pulse clarity
_WINDOWS_AT_ONCE = 256  # whose autocorrelations are in memory together


def onset_columns(envelope: npt.NDArray[np.float32], windows: int) -> dict[str, npt.NDArray[np.generic]]:
    """Onset, beat and tempo columns from the onset envelope of the whole track."""
    from librosa.beat import beat_track
    from librosa.onset import onset_detect

    per_window = len(envelope) // windows
    by_window = envelope.reshape(windows, per_window)
    timing = {"sr": RATE_HZ, "hop_length": HOP_LENGTH}
    tempo_bpm, global_bpm = _tempo(envelope, windows)
    onsets = onset_detect(onset_envelope=envelope, **timing)
    beats = np.empty(0, np.int64)
    if envelope.any():
        _, beats = beat_track(onset_envelope=envelope, bpm=global_bpm, **timing)
    return {
        "onset_strength_mean": by_window.mean(axis=1),
        "onset_strength_max": by_window.max(axis=1),
        "onset_count": np.bincount(onsets // per_window, minlength=windows).astype(np.int16),
        "beat_count": np.bincount(beats // per_window, minlength=windows).astype(np.int16),
        "tempo_bpm": tempo_bpm,
        "pulse_clarity": _pulse_clarity(envelope, windows),
    }


def _pulse_clarity(envelope: npt.NDArray[np.float32], windows: int) -> npt.NDArray[np.float32]:
    """(N,) pulse clarity at the middle of each window, NaN without onset energy; see `Rhythm`."""
    length = round(TEMPOGRAM_S * FRAMES_PER_SECOND)
    per_window = len(envelope) // windows
    around = sliding_window_view(np.pad(envelope, length // 2), length)[per_window // 2 : len(envelope) : per_window]
    window = np.hanning(length + 1)[:-1]
    lags = slice(FRAMES_PER_SECOND * 60 // FASTEST_BPM, FRAMES_PER_SECOND * 60 // SLOWEST_BPM + 1)
    reference = _autocorrelation(window)
    clarity = []
    for segments in np.array_split(around, range(_WINDOWS_AT_ONCE, windows, _WINDOWS_AT_ONCE)):
        mean = np.average(segments, axis=1, weights=window)[:, None]
        correlation = _autocorrelation((segments - mean) * window) / reference
        energy = np.where(segments.any(axis=1), correlation[:, 0], np.nan)
        clarity.append((correlation[:, lags].max(axis=1) / energy).clip(0, 1))
    return np.concatenate(clarity).astype(np.float32)


def _autocorrelation(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Along the last axis, at lags from 0 to less than its length."""
    length = x.shape[-1]
    return np.fft.irfft(np.abs(np.fft.rfft(x, 2 * length)) ** 2)[..., :length]


def _tempo(envelope: npt.NDArray[np.float32], windows: int) -> tuple[npt.NDArray[np.float32], float]:
    """Tempo at the middle of each window, and the tempo of the track.

    The tempogram is librosa's, in pieces: whole, it would take 550 MB for two hours.
    """
    import librosa

    timing = {"sr": RATE_HZ, "hop_length": HOP_LENGTH}
    length = round(TEMPOGRAM_S * FRAMES_PER_SECOND)
    padded = np.pad(envelope, length // 2, mode="linear_ramp", end_values=(0, 0))
    per_window = len(envelope) // windows
    block = max(1, 60 * FRAMES_PER_SECOND // per_window) * per_window

    local, total = [], np.zeros(length)
    for start in range(0, len(envelope), block):
        stop = min(start + block, len(envelope))
        tempogram = librosa.feature.tempogram(
            onset_envelope=padded[start : stop + length - 1], win_length=length, center=False, **timing
        )
        total += tempogram.sum(axis=1)
        middle = tempogram[:, per_window // 2 :: per_window]
        bpm = librosa.feature.tempo(tg=middle, aggregate=None, ac_size=TEMPOGRAM_S, **timing)
        silent = ~(middle[0] > 0)
        local.append(np.where(silent, np.nan, bpm))
    mean = (total / len(envelope))[:, None]
    global_bpm = float(librosa.feature.tempo(tg=mean, aggregate=None, ac_size=TEMPOGRAM_S, **timing)[0])
    return np.concatenate(local).astype(np.float32), global_bpm
