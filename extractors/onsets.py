"""Onsets, beats, tempo and pulse clarity, from the onset envelope of a whole sound track, by librosa."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

RATE_HZ = 22050
HOP_LENGTH = 441  # 20 ms: a whole number of frames in a window
FRAMES_PER_SECOND = RATE_HZ // HOP_LENGTH
TEMPOGRAM_S = 8.0  # librosa's default autocorrelation window
MIN_BPM, MAX_BPM = 30, 300  # range of pulses for pulse clarity
_WINDOWS_PER_BLOCK = 256  # whose autocorrelations are in memory at the same time


def onset_columns(envelope: npt.NDArray[np.float32], windows: int) -> dict[str, npt.NDArray[np.generic]]:
    """Onset, beat and tempo columns from the onset envelope of the whole track."""
    from librosa.beat import beat_track
    from librosa.onset import onset_detect

    frames_per_window = len(envelope) // windows
    envelope_by_window = envelope.reshape(windows, frames_per_window)
    timing = {"sr": RATE_HZ, "hop_length": HOP_LENGTH}
    tempo_bpm, global_bpm = _tempo(envelope, windows)
    onsets = onset_detect(onset_envelope=envelope, **timing)
    beats = np.empty(0, np.int64)
    if envelope.any():
        _, beats = beat_track(onset_envelope=envelope, bpm=global_bpm, **timing)
    return {
        "onset_strength_mean": envelope_by_window.mean(axis=1),
        "onset_strength_max": envelope_by_window.max(axis=1),
        "onset_count": np.bincount(onsets // frames_per_window, minlength=windows).astype(np.int16),
        "beat_count": np.bincount(beats // frames_per_window, minlength=windows).astype(np.int16),
        "tempo_bpm": tempo_bpm,
        "pulse_clarity": _pulse_clarity(envelope, windows),
    }


def _pulse_clarity(envelope: npt.NDArray[np.float32], windows: int) -> npt.NDArray[np.float32]:
    """(N,) pulse clarity at the middle of each window, NaN without onset energy; see `Rhythm`."""
    segment_frames = round(TEMPOGRAM_S * FRAMES_PER_SECOND)
    frames_per_window = len(envelope) // windows
    segments = sliding_window_view(np.pad(envelope, segment_frames // 2), segment_frames)[
        frames_per_window // 2 : len(envelope) : frames_per_window
    ]
    taper = np.hanning(segment_frames + 1)[:-1]
    lags = slice(FRAMES_PER_SECOND * 60 // MAX_BPM, FRAMES_PER_SECOND * 60 // MIN_BPM + 1)
    reference = _autocorrelation(taper)
    clarity = []
    for block in np.array_split(segments, range(_WINDOWS_PER_BLOCK, windows, _WINDOWS_PER_BLOCK)):
        mean = np.average(block, axis=1, weights=taper)[:, None]
        correlation = _autocorrelation((block - mean) * taper) / reference
        energy = np.where(block.any(axis=1), correlation[:, 0], np.nan)
        clarity.append((correlation[:, lags].max(axis=1) / energy).clip(0, 1))
    return np.concatenate(clarity).astype(np.float32)


def _autocorrelation(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Autocorrelation along the last axis, at lags from 0 to its length minus 1."""
    length = x.shape[-1]
    return np.fft.irfft(np.abs(np.fft.rfft(x, 2 * length)) ** 2)[..., :length]


def _tempo(envelope: npt.NDArray[np.float32], windows: int) -> tuple[npt.NDArray[np.float32], float]:
    """Tempo at the middle of each window, and the tempo of the track.

    The tempogram is computed in blocks: for two hours it would take 550 MB as a whole.
    """
    import librosa

    timing = {"sr": RATE_HZ, "hop_length": HOP_LENGTH}
    segment_frames = round(TEMPOGRAM_S * FRAMES_PER_SECOND)
    padded = np.pad(envelope, segment_frames // 2, mode="linear_ramp", end_values=(0, 0))
    frames_per_window = len(envelope) // windows
    block_frames = max(1, 60 * FRAMES_PER_SECOND // frames_per_window) * frames_per_window

    local_bpm, tempogram_sum = [], np.zeros(segment_frames)
    for start in range(0, len(envelope), block_frames):
        stop = min(start + block_frames, len(envelope))
        tempogram = librosa.feature.tempogram(
            onset_envelope=padded[start : stop + segment_frames - 1], win_length=segment_frames, center=False, **timing
        )
        tempogram_sum += tempogram.sum(axis=1)
        middle_frames = tempogram[:, frames_per_window // 2 :: frames_per_window]
        bpm = librosa.feature.tempo(tg=middle_frames, aggregate=None, ac_size=TEMPOGRAM_S, **timing)
        is_silent = ~(middle_frames[0] > 0)
        local_bpm.append(np.where(is_silent, np.nan, bpm))
    mean = (tempogram_sum / len(envelope))[:, None]
    global_bpm = float(librosa.feature.tempo(tg=mean, aggregate=None, ac_size=TEMPOGRAM_S, **timing)[0])
    return np.concatenate(local_bpm).astype(np.float32), global_bpm
