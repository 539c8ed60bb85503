"""Lighting key, brightness and shadow."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from avcues.extractors.base import BaseExtractor
from avcues.extractors.color import moments
from avcues.extractors.protocol import Column, Columns, FrameBatch, Table

_MAX_LIGHTING_KEY = 3 * math.sqrt(3) / 16  # V: 1 on 3/4 of the pixels, else 0

_TABLE = Table(
    name="lighting",
    row="window",
    columns=(
        Column(
            name="lighting_key",
            unit="1",
            meaning="mean(V) * std(V) of HSV value in 0..1: high-key bright and contrasty, low-key dark or flat; .325 "
            "at most, where three quarters of the picture are white and the rest is black",
            low=0,
            high=_MAX_LIGHTING_KEY,
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
    version = 2
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
        rows = np.array([self._measure(image) for image in batch.images])
        return {"lighting": {column.name: rows[:, i] for i, column in enumerate(_TABLE.columns)}}

    def _measure(self, image: npt.NDArray[np.uint8]) -> tuple[float, float, float]:
        red, green, blue = cv2.split(image)
        value = np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)
        mean, std = moments(value)
        luma = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        brightest_shadow = int(np.count_nonzero(np.arange(256) / 255.0 < self.settings.shadow_threshold)) - 1
        return mean * std, _median(value), _count_up_to(brightest_shadow, luma) / luma.size


def _median(levels: npt.NDArray[np.uint8]) -> float:
    """Median in 0..1 of 8-bit values; the mean of the two middle values when they differ."""
    lower = _level_of_rank(levels, (levels.size + 1) // 2)
    upper_rank = levels.size // 2 + 1
    upper = lower if _count_up_to(lower, levels) >= upper_rank else _level_of_rank(levels, upper_rank)
    return (lower + upper) / 2 / 255.0


def _level_of_rank(levels: npt.NDArray[np.uint8], rank: int) -> int:
    """The value of the given rank, by bisection: its eight counts take half the time of a histogram."""
    return bisect_left(range(256), rank, key=lambda level: _count_up_to(level, levels))


def _count_up_to(level: int, levels: npt.NDArray[np.uint8]) -> int:
    """How many values are at most `level`."""
    return levels.size - cv2.countNonZero(cv2.threshold(levels, level, 1, cv2.THRESH_BINARY)[1])
