"""Colour of HDR and wide-gamut video as an SDR display of BT.709 shows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SDR_WHITE_NIT = 203.0
"""Luminance of SDR white beside HDR: ITU-R BT.2408."""
HLG_PEAK_NIT = 1000.0
PQ_PEAK_NIT = 1000.0
"""Assumed if the file does not state the luminance of its brightest pixel."""
_GAMMA = 2.4  # ITU-R BT.1886
_M1, _M2, _C1, _C2, _C3 = 1305 / 8192, 2523 / 32, 107 / 128, 2413 / 128, 2392 / 128  # SMPTE ST 2084
_D65, _DCI_WHITE = (0.3127, 0.3290), (0.314, 0.351)
_PRIMARIES = {
    "bt709": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65),
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    "smpte431": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _DCI_WHITE),
    "smpte432": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
}
"""Chromaticities of red, green, blue and white, by FFmpeg's name."""
_LUMA = {"bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}


@dataclass(frozen=True)
class ColorEncoding:
    """The encoding of colours as code values.

    Args:
        transfer: "smpte2084" (PQ), "arib-std-b67" (HLG), or another of FFmpeg's names, which is read as BT.1886.
        primaries: FFmpeg's name of the primaries.
        matrix: "rgb": values are R'G'B'; "ycgco", "bt2020c", "ictcp", "ipt-c2", "bt709" or "bt2020": they are Y, Cb and
            Cr.
        full_range: Whether Y, Cb and Cr use all code values.
        peak_nit: Luminance of the brightest pixel, for PQ.
    """

    transfer: str
    primaries: str
    matrix: str = "rgb"
    full_range: bool = False
    peak_nit: float = PQ_PEAK_NIT


def to_sdr(values: Array, color: ColorEncoding) -> Array:
    """Turns code values into R'G'B' of BT.709.

    HDR is mapped to SDR by the curve of ITU-R BT.2390-11, annex 5.4, from the source's peak to 203 nit, applied to the
    largest of R, G and B so that hues stay; colours outside BT.709 are clipped.

    Args:
        values: (..., 3) code values as fractions of the largest.

    Returns:
        (..., 3), 0..1.
    """
    if color.transfer == "smpte2084":
        light, peak = _pq_to_nit(_rgb_of(values, color)), color.peak_nit
    elif color.transfer == "arib-std-b67":
        light, peak = _hlg_to_nit(_rgb_of(values, color), color.primaries), HLG_PEAK_NIT
    else:
        rgb = _rgb_of(values, color)
        if color.primaries == "bt709":
            return rgb.clip(0, 1)
        light, peak = SDR_WHITE_NIT * rgb.clip(0, 1) ** _GAMMA, SDR_WHITE_NIT
    if peak > SDR_WHITE_NIT:
        light = _compressed(light, peak)
    sdr_light = light @ _conversion(color.primaries, "bt709").T / SDR_WHITE_NIT
    return np.asarray(sdr_light.clip(0, 1) ** (1 / _GAMMA))


def _rgb_of(values: Array, color: ColorEncoding) -> Array:
    """R'G'B' of code values. ICtCp and constant luminance are converted through linear light."""
    if color.matrix == "rgb":
        return values
    offset, luma_range, chroma_range = (0.0, 255.996, 255.996) if color.full_range else (16.0, 219.0, 224.0)
    levels = values * (65535 / 256)  # FFmpeg stores level n of 8 bits as 256 n of 16
    luma = (levels[..., 0] - offset) / luma_range
    first, second = ((levels[..., i] - 128) / chroma_range for i in (1, 2))
    if color.matrix == "ycgco":
        luma_minus_first = luma - first
        return np.stack([luma_minus_first + second, luma + first, luma_minus_first - second], axis=-1)
    if color.matrix == "ictcp":
        lms = np.stack([luma, first, second], axis=-1) @ np.linalg.inv(_LMS_TO_ICTCP[color.transfer]).T
        if color.transfer == "smpte2084":
            return _nit_to_pq(_pq_to_nit(lms) @ np.linalg.inv(_RGB_TO_LMS).T)
        return _hlg_code(_hlg_scene(lms) @ np.linalg.inv(_RGB_TO_LMS).T)
    if color.matrix == "ipt-c2":
        lms = np.stack([luma, first, second], axis=-1) @ _IPT_TO_LMS.T
        return _nit_to_pq(_pq_to_nit(lms) @ _IPT_LMS_TO_RGB.T)
    kr, kb = _LUMA["bt2020" if color.matrix == "bt2020c" else color.matrix]
    if color.matrix == "bt2020c":
        blue = luma + first * np.where(first <= 0, 1.9404, 1.5816)
        red = luma + second * np.where(second <= 0, 1.7184, 0.9936)
        linear_luma, linear_red, linear_blue = (np.maximum(code, 0) ** _GAMMA for code in (luma, red, blue))
        green = np.maximum(linear_luma - kr * linear_red - kb * linear_blue, 0) / (1 - kr - kb)
        return np.stack([red, green ** (1 / _GAMMA), blue], axis=-1)
    red, blue = luma + 2 * (1 - kr) * second, luma + 2 * (1 - kb) * first
    return np.stack([red, (luma - kr * red - kb * blue) / (1 - kr - kb), blue], axis=-1)


_RGB_TO_LMS = np.array([[1688, 2146, 262], [683, 2951, 462], [99, 309, 3688]]) / 4096
_LMS_TO_ICTCP = {  # ITU-R BT.2100
    "smpte2084": np.array([[2048, 2048, 0], [6610, -13613, 7003], [17933, -17390, -543]]) / 4096,
    "arib-std-b67": np.array([[2048, 2048, 0], [3625, -7465, 3840], [9500, -9212, -288]]) / 4096,
}
# Dolby Vision's profile 5: IPT of PQ with a crosstalk of 2 %, to BT.2020.
_IPT_TO_LMS = np.array([[8192, 799, 1681], [8192, -933, 1091], [8192, 267, -5545]]) / 8192
_IPT_LMS_TO_RGB = (
    np.array(
        [
            [3.06441879, -2.16597676, 0.10155818],
            [-0.65612108, 1.78554118, -0.12943749],
            [0.01736321, -0.04725154, 1.03004253],
        ]
    )
    @ np.array([[17081, -349, -349], [-349, 17081, -349], [-349, -349, 17081]])
    / 16384
)


def _pq_to_nit(code: Array) -> Array:
    power = code.clip(0, 1) ** (1 / _M2)
    return np.asarray(10_000 * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1))


def _nit_to_pq(nit: Array) -> Array:
    power = (nit / 10_000).clip(0, 1) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


_HLG_A = 0.17883277
_HLG_B, _HLG_C = 1 - 4 * _HLG_A, 0.5 - _HLG_A * np.log(4 * _HLG_A)


def _hlg_scene(code: Array) -> Array:
    """Light of the scene, 0..1, of HLG code values."""
    low = code.clip(0, 0.5) ** 2 / 3
    return np.asarray(np.where(code <= 0.5, low, (np.exp((code - _HLG_C) / _HLG_A) + _HLG_B) / 12))


def _hlg_code(scene: Array) -> Array:
    scene = scene.clip(0, 1)
    high = _HLG_A * np.log(np.maximum(12 * scene - _HLG_B, 1e-9)) + _HLG_C
    return np.asarray(np.where(scene <= 1 / 12, np.sqrt(3 * scene), high))


def _hlg_to_nit(code: Array, primaries: str) -> Array:
    scene = _hlg_scene(code)
    luminance = scene @ _to_xyz(primaries)[1]
    return np.asarray(HLG_PEAK_NIT * np.maximum(luminance, 1e-9)[..., None] ** 0.2 * scene)


def _compressed(light: Array, peak_nit: float) -> Array:
    """Light on a display of `SDR_WHITE_NIT`: BT.2390's knee, without its lift of the black level."""
    brightest = light.max(axis=-1, keepdims=True)
    source_peak, target_peak = (float(_nit_to_pq(np.array(nit))) for nit in (peak_nit, SDR_WHITE_NIT))
    code = (_nit_to_pq(brightest) / source_peak).clip(0, 1)
    largest = target_peak / source_peak
    knee = 1.5 * largest - 0.5
    t = (code - knee) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * largest
    mapped = _pq_to_nit(np.where(code < knee, code, spline) * source_peak)
    return np.asarray(light * mapped / np.maximum(brightest, 1e-9))


def _to_xyz(primaries: str) -> Array:
    """Matrix from linear R, G and B to X, Y and Z."""
    *rgb, white = _PRIMARIES[primaries]
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in rgb]).T
    target = np.array([white[0] / white[1], 1, (1 - white[0] - white[1]) / white[1]])
    return np.asarray(columns * np.linalg.solve(columns, target))


def _conversion(source: str, target: str) -> Array:
    """Matrix between linear R, G and B of two gamuts; white stays white."""
    matrix = np.linalg.inv(_to_xyz(target)) @ _to_xyz(source)
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))
