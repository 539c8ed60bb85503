"""openSMILE's eGeMAPS: 88 functionals per window, chosen for voice and emotion research."""

from __future__ import annotations

from collections.abc import Iterator

from avcues.extractors.opensmile_stream import OpenSmileExtractor, unit_of
from avcues.extractors.protocol import Column, Table

_MEAN_AND_VARIATION = {  # openSMILE's name: (unit, with {} for the descriptor's; meaning)
    "amean": ("{}", "mean"),
    "stddevNorm": ("1", "coefficient of variation"),
}
_CONTOUR_FUNCTIONALS = {
    **_MEAN_AND_VARIATION,
    "percentile20.0": ("{}", "20th percentile"),
    "percentile50.0": ("{}", "median"),
    "percentile80.0": ("{}", "80th percentile"),
    "pctlrange0-2": ("{}", "range from the 20th to the 80th percentile"),
    "meanRisingSlope": ("{}/s", "mean slope of rising parts"),
    "stddevRisingSlope": ("{}/s", "standard deviation of the slopes of rising parts"),
    "meanFallingSlope": ("{}/s", "mean slope of falling parts"),
    "stddevFallingSlope": ("{}/s", "standard deviation of the slopes of falling parts"),
}
_MEAN = {"amean": _MEAN_AND_VARIATION["amean"]}

_PITCH = {"F0semitoneFrom27.5Hz": ("semitone", "pitch above 27.5 Hz")}
_LOUDNESS = {"loudness": ("1", "loudness, the sum of an auditory spectrum")}
_SPECTRUM = {
    "spectralFlux": ("1", "spectral flux"),
    **{f"mfcc{i}": ("1", f"mel-frequency cepstral coefficient {i}") for i in range(1, 5)},
}
_VOICE = {
    "jitterLocal": ("1", "difference of consecutive pitch periods, relative to their mean (jitter)"),
    "shimmerLocaldB": ("dB", "difference of the amplitudes of consecutive pitch periods (shimmer)"),
    "HNRdBACF": ("dB", "harmonics-to-noise ratio, by autocorrelation"),
    "logRelF0-H1-H2": ("dB", "level of the first harmonic over the second"),
    "logRelF0-H1-A3": ("dB", "level of the first harmonic over the strongest one in the third formant"),
    **{
        f"F{i}{name}": (unit, f"{quantity} of formant {i}")
        for i in (1, 2, 3)
        for name, unit, quantity in (
            ("frequency", "Hz", "centre frequency"),
            ("bandwidth", "Hz", "bandwidth"),
            ("amplitudeLogRelF0", "dB", "level, relative to that of the first harmonic,"),
        )
    },
}
_BALANCE = {  # the parts of openSMILE's name before and after "V" or "UV"
    ("alphaRatio", ""): ("dB", "level of 50 to 1000 Hz over that of 1 to 5 kHz"),
    ("hammarbergIndex", ""): ("dB", "level of the strongest peak below 2 kHz over that of 2 to 5 kHz"),
    ("slope", "0-500"): ("dB/Hz", "spectral slope from 0 to 500 Hz"),
    ("slope", "500-1500"): ("dB/Hz", "spectral slope from 500 to 1500 Hz"),
    ("spectralFlux", ""): _SPECTRUM["spectralFlux"],
}
_CEPSTRUM = {(f"mfcc{i}", ""): _SPECTRUM[f"mfcc{i}"] for i in range(1, 5)}
_VOICED = {f"{start}V{end}": entry for (start, end), entry in (_BALANCE | _CEPSTRUM).items()}
_UNVOICED = {f"{start}UV{end}": entry for (start, end), entry in _BALANCE.items()}

_VOICED_ONLY, _UNVOICED_ONLY = " over voiced frames; 0 without any", " over unvoiced frames; 0 without any"
_GROUPS = (  # descriptors, smoothing in openSMILE's name, functionals, end of the meaning
    (_PITCH, "sma3nz", _CONTOUR_FUNCTIONALS, _VOICED_ONLY),
    (_LOUDNESS, "sma3", _CONTOUR_FUNCTIONALS, ""),
    (_SPECTRUM, "sma3", _MEAN_AND_VARIATION, ""),
    (_VOICE | _VOICED, "sma3nz", _MEAN_AND_VARIATION, _VOICED_ONLY),
    (_UNVOICED, "sma3nz", _MEAN, _UNVOICED_ONLY),
)
_TEMPORAL = (
    ("loudnessPeaksPerSec", "1/s", "loudness peaks per second"),
    ("VoicedSegmentsPerSec", "1/s", "voiced segments per second"),
    ("MeanVoicedSegmentLengthSec", "s", "mean length of voiced segments; 0 without any"),
    ("StddevVoicedSegmentLengthSec", "s", "standard deviation of the lengths of voiced segments"),
    ("MeanUnvoicedSegmentLength", "s", "mean length of unvoiced segments; 0 without any"),
    ("StddevUnvoicedSegmentLength", "s", "standard deviation of the lengths of unvoiced segments"),
    ("equivalentSoundLevel_dBp", "dB", "10 log10 of the mean square amplitude: -3 dB for a sine of full scale"),
)


def _columns() -> Iterator[Column]:
    """The 88 columns, named and ordered as openSMILE names and orders them."""
    for descriptors, smoothing, functionals, restriction in _GROUPS:
        for descriptor, (unit, descriptor_meaning) in descriptors.items():
            for functional, (unit_pattern, statistic) in functionals.items():
                name = f"{descriptor}_{smoothing}_{functional}"
                yield Column(
                    name=name,
                    unit=unit_of(unit_pattern, unit),
                    meaning=f"{statistic} of {descriptor_meaning}{restriction}",
                )
    for name, unit, meaning in _TEMPORAL:
        yield Column(name=name, unit=unit, meaning=meaning)


class Egemaps(OpenSmileExtractor):
    """88 functionals of the extended Geneva minimalistic acoustic parameter set, version 02, per window."""

    name = "egemaps"
    version = 1
    citation = "Eyben et al. 2016, The Geneva minimalistic acoustic parameter set (eGeMAPSv02), openSMILE"
    tables = (Table(name="egemaps", row="window", columns=tuple(_columns())),)
    feature_set = "egemaps/v02/eGeMAPSv02.conf"
