"""openSMILE's emobase: 988 functionals per window."""

from __future__ import annotations

from avcues.extractors.opensmile_stream import QUARTILES, OpenSmileExtractor, unit_of
from avcues.extractors.protocol import Column, Table

_DESCRIPTORS = {  # openSMILE's name without "_sma": (unit, meaning)
    # openSMILE 3 sums over as many samples as it has outputs, which are these two, instead of over the frame.
    "pcm_intensity": ("1", "energy of the first two samples of a frame, 0.0002 of the mean square amplitude at 48 kHz"),
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


def _columns() -> tuple[Column, ...]:
    """The 988 columns, named and ordered as openSMILE names and orders them."""
    columns = []
    for suffix, prefix in (("_sma", ""), ("_sma_de", "delta of ")):
        for descriptor, (unit, what) in _DESCRIPTORS.items():
            base, bracket, index = descriptor.partition("[")
            for functional, (pattern, how) in _FUNCTIONALS.items():
                columns.append(
                    Column(
                        name=f"{base}{suffix}{bracket}{index}_{functional}",
                        unit=unit_of(pattern, unit),
                        meaning=f"{how} of {prefix}{what}",
                    )
                )
    return tuple(columns)


_TABLE = Table(name="emobase", row="window", columns=_columns())
COLUMN_NAMES = tuple(column.name for column in _TABLE.columns)


class Emobase(OpenSmileExtractor):
    """988 functionals of 26 low-level descriptors and their deltas, per window.

    Mel-frequency cepstral coefficients and line spectral frequencies are those of the signal with a pre-emphasis of
    0.97, the other descriptors those of the signal itself. openSMILE's intensity looks at two samples of each frame;
    for the level of the sound take `rhythm.rms_mean` or `egemaps.equivalentSoundLevel_dBp`.
    """

    name = "emobase"
    version = 1
    citation = "openSMILE emobase (Eyben, Woellmer and Schuller 2010), audEERING opensmile-python"
    tables = (_TABLE,)
    feature_set = "emobase/emobase.conf"
    conf = "emobase.conf"
