"""Lighting key, brightness and shadow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from extractors.base import BaseExtractor
from extractors.color import histogram_moments
from extractors.protocol import Column, Columns, FrameBatch, Table

_TABLE = Table(
    name="lighting",
    row="window",
    columns=(
        Column(
            name="lighting_key",
            unit="1",
            meaning="mean(V) * std(V) of HSV value in 0..1: high-key bright and contrasty, low-key dark or flat",
            low=0,
            high=0.25,
        ),
        Column(name="median_brightness", unit="1", meaning="median of HSV value", low=0, high=1),
        Column(
            name="shadow_proportion",
            unit="fraction",
            meaning="share of pixels with luminance (Rec. 601 luma, 0..1) below the shadow threshold",
            low=0,
            high=1,
        ),
    ),
)


@dataclass(frozen=True)
class LightingSettings:
    """Options of the lighting features.

    Args:
        shadow_threshold: Luminance in 0..1 below which a pixel is in shadow.
    """

    shadow_threshold: float = 0.18


class Lighting(BaseExtractor):
    """Lighting key, median brightness and proportion of shadow of a frame."""

    name = "lighting"
    version = 1
    citation = (
        "Rasheed, Sheikh and Shah 2005, On the use of computable features for film classification (lighting key); "
        "Wang and Cheong 2006, Affective understanding in film (median brightness, shadow proportion)"
    )
    libraries = ("opencv-python-headless",)
    Settings = LightingSettings
    tables = (_TABLE,)
    thread_safe = True

    def __init__(self, settings: LightingSettings = LightingSettings()) -> None:
        self.settings = settings

    def process_frames(self, batch: FrameBatch) -> Mapping[str, Columns]:
        """Measures (B, H, W, 3) uint8 RGB frames."""
        rows = np.array([self._measure(image, hsv) for image, hsv in zip(batch.images, batch.hsv, strict=True)])
        return {"lighting": {column.name: rows[:, i] for i, column in enumerate(_TABLE.columns)}}

    def _measure(self, image: npt.NDArray[np.uint8], hsv: npt.NDArray[np.uint8]) -> tuple[float, float, float]:
        value = cv2.calcHist([hsv], [2], None, [256], [0, 256])[:, 0].astype(np.float64)
        mean, std = histogram_moments(value)
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        luminance = cv2.calcHist([gray], [0], None, [256], [0, 256])[:, 0]
        in_shadow = np.arange(256) / 255.0 < self.settings.shadow_threshold
        return mean * std, _median(value), float(luminance[in_shadow].sum() / luminance.sum())


def _median(counts: npt.NDArray[np.float64]) -> float:
    """Median in 0..1 of 8-bit values given their counts; the mean of the two middle values when they differ."""
    cumulative = np.cumsum(counts)
    total = int(cumulative[-1])
    lower, upper = np.searchsorted(cumulative, [(total + 1) // 2, total // 2 + 1])
    return float(lower + upper) / 2 / 255.0
