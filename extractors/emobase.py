"""openSMILE's emobase: 988 functionals per window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from avcues.extractors.opensmile_stream import (
    QUARTILES,
    OpenSmileExtractor,
    OpenSmileSettings,
    unit_of,
)
from avcues.extractors.protocol import AudioStream, Column, Columns, Table

_DESCRIPTORS = {  # openSMILE's name without "_sma": (unit, meaning)
    # openSMILE 3 sums over one sample per output instead of over the frame. The outputs are these two.
    "pcm_intensity": (
        "1",
        "energy of the first two samples of a frame: for noise at 48 kHz 0.0002 of the mean square amplitude, "
        "for a tone 0 to 0.0005",
    ),
    "pcm_loudness": ("1", "loudness, (intensity / 0.000001) to the power 0.3"),
    **{f"mfcc[{i}]": ("1", f"mel-frequency cepstral coefficient {i}") for i in range(1, 13)},
    **{f"lspFreq[{i}]": ("rad", f"line spectral frequency {i}") for i in range(8)},
    "pcm_zcr": ("1", "zero-crossing rate per sample"),
    "voiceProb": ("probability", "voicing probability"),
    "F0": ("Hz", "fundamental frequency, 0 where unvoiced"),
    "F0env": ("Hz", "envelope of the fundamental frequency"),
}
_FUNCTIONALS = {  # openSMILE's name: (unit, with {} for the descriptor's; meaning)
    "max": ("{}", "maximum"),
    "min": ("{}", "minimum"),
    "range": ("{}", "range"),
    "maxPos": ("frame", "position of the maximum in frames of 10 ms"),
    "minPos": ("frame", "position of the minimum in frames of 10 ms"),
    "amean": ("{}", "arithmetic mean"),
    "linregc1": ("{}/frame", "slope of the linear regression"),
    "linregc2": ("{}", "offset of the linear regression"),
    "linregerrA": ("{}", "mean absolute error of the linear regression"),
    "linregerrQ": ("({})^2", "mean squared error of the linear regression"),
    "stddev": ("{}", "standard deviation"),
    "skewness": ("1", "skewness"),
    "kurtosis": ("1", "kurtosis"),
    **QUARTILES,
}


PITCH = ("F0", "F0env")
"""Descriptors that are measured at `pitch_rate_hz`."""


@cache
def _columns(pitch_rate_hz: int | Literal["track"]) -> tuple[Column, ...]:
    """The 988 columns, named and ordered as openSMILE names and orders them."""
    if pitch_rate_hz == "track":
        pitch_caveat = ", at the rate of the other columns: an artefact above 16 kHz"
    else:
        pitch_caveat = f", of the sound at {pitch_rate_hz / 1000:g} kHz"
    columns = []
    for suffix, prefix in (("_sma", ""), ("_sma_de", "delta of ")):
        for descriptor, (unit, meaning) in _DESCRIPTORS.items():
            base, bracket, index = descriptor.partition("[")
            for functional, (unit_pattern, statistic) in _FUNCTIONALS.items():
                columns.append(
                    Column(
                        name=f"{base}{suffix}{bracket}{index}_{functional}",
                        unit=unit_of(unit_pattern, unit),
                        meaning=f"{statistic} of {prefix}{meaning}{pitch_caveat if descriptor in PITCH else ''}",
                    )
                )
    return tuple(columns)


COLUMN_NAMES = tuple(column.name for column in _columns("track"))
PITCH_COLUMNS = tuple(name for name in COLUMN_NAMES if name.partition("_sma")[0] in PITCH)
"""The 76 columns of F0 and F0env, and of their deltas."""


@dataclass(frozen=True)
class EmobaseSettings(OpenSmileSettings):
    """Options of emobase.

    Args:
        pitch_rate_hz: Rate at which pitch (F0, F0env and their deltas, 76 columns) is measured; "track" measures it at
            the rate of the other columns, as openSMILE does. At 44.1 and 48 kHz openSMILE's pitch is an artefact:
            frames of 40 ms nearly fill the transform whose autocorrelation is taken, so that it wraps around.
    """

    pitch_rate_hz: int | Literal["track"] = 16000


class Emobase(OpenSmileExtractor):
    """988 functionals of 26 low-level descriptors and their deltas, per window.

    Mel-frequency cepstral coefficients and line spectral frequencies are computed with a pre-emphasis of 0.97, the
    other descriptors without. openSMILE's intensity reads only two samples of each frame; for the level of the sound,
    use `rhythm.rms_mean` or `egemaps.equivalentSoundLevel_dBp`.

    The same components of openSMILE measure the 76 columns of pitch on the sound at 16 kHz: see
    `EmobaseSettings.pitch_rate_hz`. The autocorrelation resolves pitches of about 50 to 500 Hz.
    """

    name = "emobase"
    version = 2
    Settings = EmobaseSettings
    citation = "openSMILE emobase (Eyben, Woellmer and Schuller 2010), audEERING opensmile-python"
    feature_set = "emobase/emobase.conf"
    conf = "emobase.conf"

    def __init__(self, settings: EmobaseSettings = EmobaseSettings()) -> None:
        super().__init__(settings)
        if settings.pitch_rate_hz != "track":
            self.check_rate(settings.pitch_rate_hz)

    @property
    def tables(self) -> tuple[Table, ...]:
        """`emobase`; the meaning of its columns of pitch depends on the settings."""
        return (Table(name="emobase", row="window", columns=_columns(self.settings.pitch_rate_hz)),)

    def start_audio(self, rate_hz: int, step: Fraction, expected_windows: int) -> AudioStream:
        """Opens a stream for one video.

        Raises:
            AvcuesError: 10 ms is not a whole number of samples at this rate.
        """
        all_columns = super().start_audio(rate_hz, step, expected_windows)
        pitch_rate_hz = self.settings.pitch_rate_hz
        if pitch_rate_hz in ("track", rate_hz):
            return all_columns
        pitch = super().start_audio(pitch_rate_hz, step, expected_windows)
        return EmobaseStream(all_columns, rate_hz, pitch, pitch_rate_hz)


class EmobaseStream:
    """Streams a sound track through openSMILE twice: at its own rate, and resampled for the columns of pitch.

    Args:
        all_columns: Stream that takes the samples unchanged.
        rate_hz: Sampling rate of the track.
        pitch: Stream that takes the resampled samples.
        pitch_rate_hz: Rate that the samples are resampled to.
    """

    def __init__(self, all_columns: AudioStream, rate_hz: int, pitch: AudioStream, pitch_rate_hz: int) -> None:
        import soxr

        self._all_columns, self._pitch = all_columns, pitch
        self._resampler = soxr.ResampleStream(rate_hz, pitch_rate_hz, 1, dtype="float32", quality="HQ")

    def write(self, samples: npt.NDArray[np.float32]) -> None:
        """Takes the next samples of the track."""
        self._all_columns.write(samples)
        self._pitch.write(self._resampler.resample_chunk(samples))

    def finish(self, windows: int) -> Mapping[str, Columns]:
        """Ends the track, padded with silence to the given number of windows."""
        self._pitch.write(self._resampler.resample_chunk(np.empty(0, np.float32), last=True))
        columns, pitch = (stream.finish(windows)["emobase"] for stream in (self._all_columns, self._pitch))
        return {"emobase": {**columns, **{name: pitch[name] for name in PITCH_COLUMNS}}}

    def abort(self) -> None:
        """Stops openSMILE after the samples written so far, and frees its memory."""
        self._all_columns.abort()
        self._pitch.abort()
