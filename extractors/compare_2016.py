"""openSMILE's ComParE 2016: 6373 functionals per window, the baseline of the INTERSPEECH challenges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from avcues.extractors.opensmile_stream import QUARTILES, OpenSmileExtractor, unit_of
from avcues.extractors.protocol import Column, Table

Descriptors = Mapping[str, tuple[str, str]]
"""Maps openSMILE's name to (unit, meaning). In the name of the delta, "_de" follows "_sma"."""

_ENERGY: Descriptors = {
    "audspec_lengthL1norm_sma": ("1", "loudness, the sum of the auditory spectrum"),
    "audspecRasta_lengthL1norm_sma": ("1", "sum of the RASTA-filtered auditory spectrum"),
    "pcm_RMSenergy_sma": ("1", "root mean square amplitude"),
    "pcm_zcr_sma": ("1", "zero-crossing rate per sample"),
}
_SPECTRUM: Descriptors = {
    **{f"audSpec_Rfilt_sma[{i}]": ("1", f"RASTA-filtered auditory band {i} of 0 to 25") for i in range(26)},
    "pcm_fftMag_fband250-650_sma": ("1", "spectral energy from 250 to 650 Hz"),
    "pcm_fftMag_fband1000-4000_sma": ("1", "spectral energy from 1 to 4 kHz"),
    **{f"pcm_fftMag_spectralRollOff{i}.0_sma": ("Hz", f"{i} % spectral roll-off") for i in (25, 50, 75, 90)},
    "pcm_fftMag_spectralFlux_sma": ("1", "spectral flux"),
    "pcm_fftMag_spectralCentroid_sma": ("Hz", "spectral centroid"),
    "pcm_fftMag_spectralEntropy_sma": ("1", "spectral entropy"),
    "pcm_fftMag_spectralVariance_sma": ("Hz^2", "spectral variance"),
    "pcm_fftMag_spectralSkewness_sma": ("1", "spectral skewness"),
    "pcm_fftMag_spectralKurtosis_sma": ("1", "spectral kurtosis"),
    "pcm_fftMag_spectralSlope_sma": ("1", "spectral slope"),
    "pcm_fftMag_psySharpness_sma": ("1", "psychoacoustic sharpness"),
    "pcm_fftMag_spectralHarmonicity_sma": ("1", "spectral harmonicity"),
    **{f"mfcc_sma[{i}]": ("1", f"mel-frequency cepstral coefficient {i}") for i in range(1, 15)},
}
_PITCH: Descriptors = {"F0final_sma": ("Hz", "fundamental frequency")}
_VOICE: Descriptors = {
    **_PITCH,
    "voicingFinalUnclipped_sma": ("probability", "voicing probability"),
    "jitterLocal_sma": ("1", "difference of consecutive pitch periods, relative to their mean (jitter)"),
    "jitterDDP_sma": ("1", "difference of consecutive jitters, relative to the mean pitch period"),
    "shimmerLocal_sma": ("1", "difference of the amplitudes of consecutive pitch periods, relative to their mean"),
    "logHNR_sma": ("1", "logarithm of the harmonics-to-noise ratio"),
}

Functionals = Mapping[str, tuple[str, str]]
"""Maps openSMILE's name to (unit, with {} for the unit of the descriptor; meaning)."""

_MEANS: Functionals = {
    "amean": ("{}", "mean"),
    "flatness": ("1", "ratio of the geometric to the arithmetic mean of the absolute values"),
    "posamean": ("{}", "mean of the positive values"),
    "rqmean": ("{}", "root mean square"),
}
_EXTREMES: Functionals = {
    "range": ("{}", "range"),
    "maxPos": ("fraction", "position of the maximum within the frames"),
    "minPos": ("fraction", "position of the minimum within the frames"),
}
_PERCENTILES: Functionals = {
    **QUARTILES,
    "percentile1.0": ("{}", "first percentile"),
    "percentile99.0": ("{}", "99th percentile"),
    "pctlrange0-1": ("{}", "range from the first to the 99th percentile"),
}
_MOMENTS: Functionals = {
    "stddev": ("{}", "standard deviation"),
    "skewness": ("1", "skewness"),
    "kurtosis": ("1", "kurtosis"),
}
_SEGMENTS: Functionals = {
    "meanSegLen": ("s", "mean length of the segments"),
    "maxSegLen": ("s", "greatest length of the segments"),
    "minSegLen": ("s", "smallest length of the segments"),
    "segLenStddev": ("s", "standard deviation of the lengths of the segments"),
}
_TIMES: Functionals = {
    **{
        f"upleveltime{share}": ("fraction", f"share of the frames above {share} % of the range")
        for share in (25, 50, 75, 90)
    },
    "risetime": ("fraction", "share of the frames that rise"),
    "leftctime": ("fraction", "share of the frames that curve to the left"),
}
_LINEAR_PREDICTION: Functionals = {
    "lpgain": ("1", "gain of the linear prediction of order 5"),
    **{f"lpc{i}": ("1", f"coefficient {i} of the linear prediction of order 5") for i in range(5)},
}
_PEAKS: Functionals = {
    "meanPeakDist": ("s", "mean distance of the peaks"),
    "peakDistStddev": ("s", "standard deviation of the distances of the peaks"),
    "peakRangeAbs": ("{}", "range of the peaks"),
    "peakRangeRel": ("1", "range of the peaks, divided by the mean,"),
    "peakMeanAbs": ("{}", "mean of the peaks"),
    "peakMeanMeanDist": ("{}", "mean of the peaks less the mean"),
    "peakMeanRel": ("1", "mean of the peaks, divided by the mean,"),
    "minRangeRel": ("1", "range of the valleys, divided by the mean,"),
    "meanRisingSlope": ("{}/s", "mean slope of rising parts"),
    "stddevRisingSlope": ("{}/s", "standard deviation of the slopes of rising parts"),
    "meanFallingSlope": ("{}/s", "mean slope of falling parts"),
    "stddevFallingSlope": ("{}/s", "standard deviation of the slopes of falling parts"),
}


def _regression(time_unit: str) -> Functionals:
    """Functionals of lines and parabolas fitted to the contour, scaled to 0..1."""
    return {
        "linregc1": (f"1/{time_unit}", "slope of the line through the contour, scaled to 0..1,"),
        "linregc2": ("1", "offset of the line through the contour, scaled to 0..1,"),
        "linregerrQ": ("1", "mean squared error of the line through the contour, scaled to 0..1,"),
        "qregc1": (f"1/{time_unit}^2", "quadratic term of the parabola through the contour, scaled to 0..1,"),
        "qregc2": (f"1/{time_unit}", "linear term of the parabola through the contour, scaled to 0..1,"),
        "qregc3": ("1", "offset of the parabola through the contour, scaled to 0..1,"),
        "qregerrQ": ("1", "mean squared error of the parabola through the contour, scaled to 0..1,"),
        "centroid": ("fraction", "centre of gravity in time, within the frames,"),
    }


_CONTOUR_FUNCTIONALS = {**_EXTREMES, **_PERCENTILES, **_MOMENTS, **_SEGMENTS, **_TIMES, **_LINEAR_PREDICTION}
_VOICED_FUNCTIONALS = {
    **_MEANS,
    **_EXTREMES,
    **_regression("frame"),
    **_PERCENTILES,
    **_MOMENTS,
    **_TIMES,
    **_LINEAR_PREDICTION,
}
_PITCH_FUNCTIONALS: Functionals = {
    "ff0_nnz": ("fraction", "share of voiced frames in the contour"),
    **{
        f"ff0_{name}": (unit, meaning.replace("the segments", "voiced segments in the contour"))
        for name, (unit, meaning) in _SEGMENTS.items()
    },
}
_LEVEL_FUNCTIONALS = {**{name: _MEANS[name] for name in ("amean", "flatness", "rqmean")}, **_PEAKS, **_regression("s")}
_CHANGE_FUNCTIONALS = {**{name: _MEANS[name] for name in ("flatness", "posamean", "rqmean")}, **_PEAKS}


def _deltas(descriptors: Descriptors) -> Descriptors:
    return {
        name.replace("_sma", "_sma_de"): (unit, f"the change per frame of {meaning}")
        for name, (unit, meaning) in descriptors.items()
    }


@cache
def _table() -> Table:
    """The 6373 columns, named and ordered as openSMILE names and orders them."""
    voiced_only = " over voiced frames; 0 without any"
    groups = (
        (_ENERGY, _CONTOUR_FUNCTIONALS, ""),
        (_deltas(_ENERGY), _CONTOUR_FUNCTIONALS, ""),
        (_SPECTRUM, _CONTOUR_FUNCTIONALS, ""),
        (_deltas(_SPECTRUM), _CONTOUR_FUNCTIONALS, ""),
        (_VOICE, _VOICED_FUNCTIONALS, voiced_only),
        (_deltas(_VOICE), _VOICED_FUNCTIONALS, voiced_only),
        (_PITCH, _PITCH_FUNCTIONALS, ""),
        ({**_ENERGY, **_SPECTRUM}, _LEVEL_FUNCTIONALS, ""),
        (_deltas({**_ENERGY, **_SPECTRUM}), _CHANGE_FUNCTIONALS, ""),
    )
    columns = [column for group in groups for column in _columns(*group)]
    return Table(name="compare_2016", row="window", columns=tuple(columns))


def _columns(descriptors: Descriptors, functionals: Functionals, restriction: str) -> Iterator[Column]:
    for descriptor, (unit, descriptor_meaning) in descriptors.items():
        for functional, (unit_pattern, statistic) in functionals.items():
            name = f"{descriptor}_{functional}"
            yield Column(
                name=name, unit=unit_of(unit_pattern, unit), meaning=f"{statistic} of {descriptor_meaning}{restriction}"
            )


class Compare2016(OpenSmileExtractor):
    """6373 functionals of 65 low-level descriptors and their deltas, per window."""

    name = "compare_2016"
    version = 1
    citation = "Schuller et al. 2016, The INTERSPEECH 2016 computational paralinguistics challenge (ComParE), openSMILE"
    feature_set = "compare/ComParE_2016.conf"

    @property
    def tables(self) -> tuple[Table, ...]:
        """The table, built on first use."""
        return (_table(),)
