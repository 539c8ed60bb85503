"""Colour and lighting on images whose values are known."""

from __future__ import annotations

import numpy as np
import pytest

from avcues.extractors.color import Color
from avcues.extractors.lighting import Lighting
from avcues.extractors.protocol import FrameBatch


def batch(*images: np.ndarray) -> FrameBatch:
    return FrameBatch(np.stack(images).astype(np.uint8), tuple(range(len(images))))


def solid(*rgb: int) -> np.ndarray:
    return np.full((48, 64, 3), rgb, np.uint8)


def test_pure_colours_fall_into_their_bins() -> None:
    columns = Color().process_frames(batch(solid(255, 0, 0), solid(0, 255, 0), solid(0, 0, 255)))["color"]
    assert columns["hue_000"].tolist() == [1, 0, 0]
    assert columns["hue_120"].tolist() == [0, 1, 0]
    assert columns["hue_240"].tolist() == [0, 0, 1]
    assert columns["saturation_31"].tolist() == [1, 1, 1]
    np.testing.assert_allclose(columns["hue_mean"], [0, 120, 240], atol=1e-4)
    np.testing.assert_allclose(columns["hue_concentration"], 1)


def test_a_mean_hue_goes_round_the_circle() -> None:
    half = solid(255, 0, 43)  # 350 degrees
    half[:24] = (255, 43, 0)  # 10 degrees
    hue = Color().process_frames(batch(half))["color"]["hue_mean"][0]
    assert min(hue, 360 - hue) < 1.5


def test_grey_has_no_hue() -> None:
    columns = Color().process_frames(batch(solid(128, 128, 128)))["color"]
    assert np.isnan(columns["hue_mean"][0])
    assert columns["colourfulness"][0] == 0


def test_lighting_of_half_black_half_white() -> None:
    image = solid(0, 0, 0)
    image[:24] = 255
    columns = Lighting().process_frames(batch(image))["lighting"]
    assert columns["lighting_key"][0] == pytest.approx(0.25)
    assert columns["shadow_proportion"][0] == pytest.approx(0.5)
    assert columns["median_brightness"][0] == pytest.approx(0.5)


@pytest.mark.parametrize("pixels", [4, 5])
def test_median_is_numpys(pixels: int) -> None:
    values = np.random.default_rng(pixels).integers(0, 256, (1, pixels))
    image = np.repeat(values[..., None], 3, axis=2).astype(np.uint8)
    columns = Lighting().process_frames(batch(image))["lighting"]
    assert columns["median_brightness"][0] == pytest.approx(np.median(values) / 255)
