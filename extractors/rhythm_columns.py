"""The columns of the feature `rhythm`."""

from __future__ import annotations

from itertools import pairwise

from avcues.extractors.onsets import RATE_HZ
from avcues.extractors.protocol import Column, Table

CONTRAST_TOP_HZ = 10_000  # resampling to 22.05 kHz removes everything above
_PITCHES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_TONNETZ = {  # axis: radius of the circle that it lies in
    "fifth x": 1.0,
    "fifth y": 1.0,
    "minor third x": 1.0,
    "minor third y": 1.0,
    "major third x": 0.5,
    "major third y": 0.5,
}
_NULL_IN_SILENCE = "; null in digital silence"
_NYQUIST_HZ = RATE_HZ / 2
_CONTRAST_BANDS_HZ = (0, 200, 400, 800, 1600, 3200, 6400, CONTRAST_TOP_HZ)

TABLE = Table(
    name="rhythm",
    row="window",
    columns=(
        Column(name="rms_mean", unit="1", meaning="mean root mean square amplitude", low=0, high=1),
        Column(name="rms_std", unit="1", meaning="standard deviation of root mean square amplitude", low=0, high=0.5),
        Column(name="onset_strength_mean", unit="dB", meaning="mean onset strength (mel spectral flux)", low=0),
        Column(name="onset_strength_max", unit="dB", meaning="largest onset strength (mel spectral flux)", low=0),
        Column(name="onset_count", unit="count", meaning="detected onsets", dtype="int16", low=0),
        Column(
            name="tempo_bpm",
            unit="beat/min",
            meaning="local tempo over the surrounding 8 s; null without onset energy",
            low=0,
        ),
        Column(name="beat_count", unit="count", meaning="tracked beats", dtype="int16", low=0),
        Column(
            name="pulse_clarity",
            unit="1",
            meaning="largest autocorrelation of onset strength, its mean removed, at 30 to 300 beat/min over the "
            "surrounding 8 s: 1 for exact repetition, about 0.2 for noise; null without onset energy",
            low=0,
            high=1,
        ),
        *(
            Column(
                name=f"chroma_{i:02d}",
                unit="1",
                meaning=f"mean energy of pitch class {pitch}, relative to the strongest class of each frame"
                f"{_NULL_IN_SILENCE}",
                low=0,
                high=1,
            )
            for i, pitch in enumerate(_PITCHES)
        ),
        *(
            Column(
                name=f"tonnetz_{i}",
                unit="1",
                meaning=f"mean tonal centroid, {axis}{_NULL_IN_SILENCE}",
                low=-radius,
                high=radius,
            )
            for i, (axis, radius) in enumerate(_TONNETZ.items())
        ),
        Column(
            name="centroid_mean",
            unit="Hz",
            meaning=f"mean spectral centroid{_NULL_IN_SILENCE}",
            low=0,
            high=_NYQUIST_HZ,
        ),
        Column(
            name="centroid_std",
            unit="Hz",
            meaning=f"standard deviation of the centroid{_NULL_IN_SILENCE}",
            low=0,
            high=_NYQUIST_HZ / 2,
        ),
        Column(
            name="rolloff_mean",
            unit="Hz",
            meaning=f"mean 85 % spectral roll-off{_NULL_IN_SILENCE}",
            low=0,
            high=_NYQUIST_HZ,
        ),
        Column(
            name="flatness_mean",
            unit="1",
            meaning="mean spectral flatness: 0 for tones, about 0.4 for white noise of a track at 44.1 or 48 kHz, 1 "
            f"for a click{_NULL_IN_SILENCE}",
            low=0,
            high=1,
        ),
        *(
            Column(
                name=f"contrast_{i}",
                unit="dB",
                meaning=f"mean spectral contrast, {low} to {high} Hz: 10 log10 of the magnitude of peaks over that of "
                "valleys",
                low=0,
            )
            for i, (low, high) in enumerate(pairwise(_CONTRAST_BANDS_HZ))
        ),
    ),
)
