"""color and lighting against plain OpenCV and NumPy on the frames that PyAV gives for each instant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest


@pytest.fixture(scope="module")
def frames(media: Callable[[str], Path]) -> list[np.ndarray]:
    """The frame on screen at every half second of the clip, found without any code of ours, in BGR."""
    frames_of_reference: list[np.ndarray] = []
    with av.open(str(media("real60.mp4"))) as container:
        for frame in container.decode(video=0):
            if frame.pts * frame.time_base == len(frames_of_reference) * 0.5 or (
                frame.pts * frame.time_base
                < len(frames_of_reference) * 0.5
                < (frame.pts + frame.duration) * frame.time_base
            ):
                frames_of_reference.append(frame.to_ndarray(format="bgr24"))
    assert len(frames_of_reference) == 120
    return frames_of_reference


def test_histograms_equal_opencvs(real60, frames: list[np.ndarray]) -> None:
    table = real60.table("color")
    for k, frame in enumerate(frames):
        hsv = cv2.cvtColor(frame, cv2.COLOR_BGR2HSV)
        hue = cv2.calcHist([hsv], [0], None, [36], [0, 180])[:, 0] / hsv[..., 0].size
        saturation = cv2.calcHist([hsv], [1], None, [32], [0, 256])[:, 0] / hsv[..., 0].size
        np.testing.assert_allclose([table[f"hue_{10 * i:03d}"][k].as_py() for i in range(36)], hue, atol=1e-6)
        np.testing.assert_allclose([table[f"saturation_{i:02d}"][k].as_py() for i in range(32)], saturation, atol=1e-6)


def test_colour_moments_equal_numpys(real60, frames: list[np.ndarray]) -> None:
    for k in range(0, 120, 10):
        hsv = cv2.cvtColor(frames[k], cv2.COLOR_BGR2HSV) / 255.0
        blue, green, red = (frames[k][..., i].astype(float) for i in range(3))
        rg, yb = red - green, 0.5 * (red + green) - blue
        colourfulness = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
        expected = {
            "saturation_mean": hsv[..., 1].mean(),
            "saturation_std": hsv[..., 1].std(),
            "value_mean": hsv[..., 2].mean(),
            "value_std": hsv[..., 2].std(),
            "colourfulness": colourfulness,
        }
        for name, value in expected.items():
            assert real60.column("color", name)[k] == pytest.approx(value, rel=1e-5), name


def test_lighting_equals_numpys(real60, frames: list[np.ndarray]) -> None:
    for k, frame in enumerate(frames):
        value = cv2.cvtColor(frame, cv2.COLOR_BGR2HSV)[..., 2] / 255.0
        luminance = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) / 255.0
        expected = {
            "lighting_key": value.mean() * value.std(),
            "median_brightness": np.median(value),
            "shadow_proportion": (luminance < 0.18).mean(),
        }
        for name, reference in expected.items():
            assert real60.column("lighting", name)[k] == pytest.approx(reference, rel=1e-5, abs=1e-7), (k, name)
