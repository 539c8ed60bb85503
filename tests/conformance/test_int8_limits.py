"""How far probabilities of int8 lie from those of fp32, on clips that no calibration saw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from avcues.extractors.actions import Actions, ActionsSettings
from avcues.extractors.compute import Compute, Precision
from avcues.extractors.int8.processor import multiplies_exactly
from avcues.extractors.protocol import ClipBatch
from avcues.models_cache import WeightsError

_STARTS_S = (0, 7, 17, 29, 45, 50, 57)  # within the pieces of real60.mp4
_MEAN_LIMIT, _LARGEST_LIMIT = 0.02, 0.06


@pytest.fixture(scope="module")
def clips(media: Callable[[str], Path]) -> np.ndarray:
    """(N, 64, 224, 224, 3) clips of the test video; its sources are not among the media of the tables."""
    frames = []
    with av.open(str(media("real60.mp4"))) as container:
        frame_numbers = {start * 25 + i for start in _STARTS_S for i in range(64)}
        for i, frame in enumerate(container.decode(video=0)):
            if i in frame_numbers:
                frames.append(frame.to_ndarray(format="rgb24", width=456, height=256)[16:240, 116:340])
    return np.stack(frames).reshape(len(_STARTS_S), 64, 224, 224, 3)


def probabilities(clips: np.ndarray, precision: Precision) -> np.ndarray:
    actions = Actions(ActionsSettings("i3d_rgb_scratch"))
    try:
        actions.setup(Compute(device="cpu", precision=precision))
    except WeightsError as error:
        pytest.skip(str(error))
    return np.concatenate([actions.process_clips(ClipBatch(clip[None])) for clip in clips])


def test_i3d_in_8_bits_stays_within_its_limits(clips: np.ndarray) -> None:
    if not multiplies_exactly():
        pytest.skip("this processor has no exact 8-bit products")
    exact, fast = (probabilities(clips, precision) for precision in ("fp32", "int8"))
    largest = np.abs(fast - exact).max(axis=1)
    assert 1e-4 < largest.mean() < _MEAN_LIMIT  # it is rounded
    assert largest.max() < _LARGEST_LIMIT
    assert (fast.argmax(axis=1) == exact.argmax(axis=1)).mean() >= 0.9
