"""Hue and saturation histograms, colourfulness."""

from __future__ import annotations

import math
from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

from avcues.extractors.base import BaseExtractor
from avcues.extractors.protocol import Column, Columns, FrameBatch, NoSettings, Table

HUE_BINS = 36
SATURATION_BINS = 32
_HUE_LEVELS = 180  # OpenCV's 8-bit hue counts in units of 2 degrees
_SATURATION_LEVELS = 256

_HUE_NAMES = tuple(f"hue_{10 * i:03d}" for i in range(HUE_BINS))
_SATURATION_NAMES = tuple(f"saturation_{i:02d}" for i in range(SATURATION_BINS))

_TABLE = Table(
    name="color",
    row="window",
    columns=(
        *(
            Column(
                name=name,
                unit="fraction",
                meaning=f"share of pixels with hue in [{(10 * i - 1) % 360}, {10 * i + 9}) degrees; grey has hue 0",
                low=0,
                high=1,
            )
            for i, name in enumerate(_HUE_NAMES)
        ),
        *(
            Column(
                name=name,
                unit="fraction",
                meaning=f"share of pixels with 8-bit saturation in [{8 * i}, {8 * i + 8})",
                low=0,
                high=1,
            )
            for i, name in enumerate(_SATURATION_NAMES)
        ),
        Column(
            name="hue_mean",
            unit="degree",
            meaning="circular mean of hue weighted by saturation; null where no pixel has colour",
            low=0,
            high=360,
        ),
        Column(
            name="hue_concentration",
            unit="1",
            meaning="length of the saturation-weighted mean hue vector: 0 all hues alike, 1 a single hue",
            low=0,
            high=1,
        ),
        Column(name="saturation_mean", unit="1", meaning="mean of HSV saturation", low=0, high=1),
        Column(name="saturation_std", unit="1", meaning="standard deviation of HSV saturation", low=0, high=0.5),
        Column(name="value_mean", unit="1", meaning="mean of HSV value", low=0, high=1),
        Column(name="value_std", unit="1", meaning="standard deviation of HSV value", low=0, high=0.5),
        Column(
            name="colourfulness",
            unit="1",
            meaning="Hasler and Suesstrunk's M3 on 8-bit RGB: 0 grey, 109 extremely colourful",
            low=0,
        ),
    ),
    sums_to_one=(_HUE_NAMES, _SATURATION_NAMES),
)


class Color(BaseExtractor):
    """Colour statistics over all pixels of a frame.

    Hue and saturation histograms use OpenCV's 8-bit HSV, as in the MuVi study. Grey pixels have hue 0 in it; the
    circular statistics weight each pixel by its saturation, so that greys do not count as red.
    """

    name = "color"
    version = 1
    citation = (
        "Chua et al. 2022, arXiv 2202.10453 (hue and saturation histograms); "
        "Hanbury 2003, Circular statistics applied to colour images; "
        "Hasler and Suesstrunk 2003, Measuring colourfulness in natural images"
    )
    libraries = ("opencv-python-headless",)
    Settings = NoSettings
    tables = (_TABLE,)
    thread_safe = True

    def __init__(self, settings: NoSettings = NoSettings()) -> None:
        self.settings = settings

    def process_frames(self, batch: FrameBatch) -> Mapping[str, Columns]:
        """Measures (B, H, W, 3) uint8 RGB frames."""
        rows = np.array([_measure(image) for image in batch.images])
        return {"color": {column.name: rows[:, i] for i, column in enumerate(_TABLE.columns)}}


def _measure(image: npt.NDArray[np.uint8]) -> list[float]:
    hue, saturation, value = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2HSV))
    bins, ranges = [_HUE_LEVELS, _SATURATION_LEVELS], [0, _HUE_LEVELS, 0, _SATURATION_LEVELS]
    joint_histogram = cv2.calcHist([hue, saturation], [0, 1], None, bins, ranges).astype(np.float64)
    return [
        *joint_histogram.sum(axis=1).reshape(HUE_BINS, -1).sum(axis=1) / hue.size,
        *joint_histogram.sum(axis=0).reshape(SATURATION_BINS, -1).sum(axis=1) / hue.size,
        *_circular_hue(joint_histogram),
        *moments(saturation),
        *moments(value),
        _colourfulness(image),
    ]


def moments(levels: cv2.typing.MatLike) -> tuple[float, float]:
    """Mean and population standard deviation, both in 0..1, of 8-bit values."""
    mean, std = _moments_from_sums(levels.size, cv2.sumElems(levels)[0], cv2.norm(levels, cv2.NORM_L2SQR))
    return mean / 255, std / 255


def _moments_from_sums(count: int, total: float, squares: float) -> tuple[float, float]:
    """Mean and population standard deviation of whole numbers from their sum and the sum of their squares."""
    # Computed in whole numbers: the difference of two large, nearly equal floats would keep few digits.
    return total / count, math.sqrt(count * round(squares) - round(total) ** 2) / count


def _circular_hue(joint_histogram: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Saturation-weighted circular mean (degrees) and resultant length from (hue, saturation) counts."""
    weights = joint_histogram @ np.arange(_SATURATION_LEVELS)
    total = weights.sum()
    if total == 0:
        return float("nan"), float("nan")
    # A bin's hue is its lower edge: OpenCV rounds to the nearest unit of 2 degrees.
    angles = np.deg2rad(2.0 * np.arange(_HUE_LEVELS))
    resultant = complex(weights @ np.cos(angles), weights @ np.sin(angles)) / total
    length = min(abs(resultant), 1.0)
    if length < 1e-9:
        return float("nan"), 0.0
    return float(np.rad2deg(np.angle(resultant)) % 360.0), length


def _colourfulness(image: npt.NDArray[np.uint8]) -> float:
    planes = red, green, blue = cv2.split(image)
    r, g, b = (cv2.sumElems(plane)[0] for plane in planes)
    # Each sum of squared differences takes one pass, and the sum for R + G - 2 B follows from the three.
    rg, rb, gb = (cv2.norm(x, y, cv2.NORM_L2SQR) for x, y in ((red, green), (red, blue), (green, blue)))
    rg_mean, rg_std = _moments_from_sums(red.size, r - g, rg)
    # The paper's yb is (R + G) / 2 - B.
    yb_mean, yb_std = (x / 2 for x in _moments_from_sums(red.size, r + g - 2 * b, 2 * rb + 2 * gb - rg))
    return math.hypot(rg_std, yb_std) + 0.3 * math.hypot(rg_mean, yb_mean)
