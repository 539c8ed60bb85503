"""Networks see what anyone sees on the test clip, and bf16 sees the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from avcues.extractors import registry
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import FRAME, ClipBatch, FrameBatch
from avcues.models_cache import WeightsError
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.runtime.weights import resolve_weights
from avcues.pipeline.store.provenance import precision


def make(name: str, compute: Compute, **options: str):
    try:
        settings, _ = resolve_weights(Settings(features=(name,), options={name: options}), None, lambda *_: None)
    except WeightsError as error:
        pytest.skip(str(error))
    extractor = registry.create(name, settings.options.get(name))
    extractor.setup(compute)
    return extractor


FP32, BF16 = Compute(device="cpu"), Compute(device="cpu", precision="bf16")


def test_crying_is_sad_and_laughing_is_happy(real_frames: np.ndarray) -> None:
    rows = make("expressions", FP32).process_frames(FrameBatch(real_frames, tuple(range(6))))["expressions"]
    assert rows["faces"][0] == 1
    assert rows["sad"][0] > 0.5 > rows["happy"][0]
    assert rows["happy"][4] > 0.9
    assert rows["faces"][1] == 0
    assert np.isnan(rows["happy"][1])
    assert np.isnan(rows["mean_happy"][1])
    assert np.isnan(rows["face_height"][1])


def test_the_largest_face_is_placed_in_the_frame(real_frames: np.ndarray) -> None:
    measured = make("expressions", FP32).process_frames(FrameBatch(real_frames, tuple(range(6))))
    faces, rows = measured["faces"], measured["expressions"]
    first = np.flatnonzero(faces[FRAME] == 0)
    (largest,) = first
    height, width = real_frames.shape[1:3]
    assert rows["face_x"][0] == pytest.approx((faces["x"][largest] + faces["width"][largest] / 2) / width)
    assert rows["face_y"][0] == pytest.approx((faces["y"][largest] + faces["height"][largest] / 2) / height)
    assert rows["face_height"][0] == pytest.approx(faces["height"][largest] / height)
    assert 0.5 < rows["face_x"][0] < 1  # she is on the right
    assert 0.3 < rows["face_height"][0] < 1


def test_small_faces_are_found_on_larger_pictures(real_frames: np.ndarray) -> None:
    laughing = real_frames[4]
    face = make("expressions", FP32).process_frames(FrameBatch(laughing[None], (0.0,)))["faces"]
    scale = 26 / float(face["width"][0])
    small = cv2.resize(laughing, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = np.full((1080, 1920, 3), 128, np.uint8)
    picture[500 : 500 + small.shape[0], 900 : 900 + small.shape[1]] = small
    batch = FrameBatch(picture[None], (0.0,))
    assert len(make("expressions", FP32).process_frames(batch)["faces"]["x"]) == 0
    faces = make("expressions", FP32, detector_side_px="1920").process_frames(batch)["faces"]
    assert faces["x"] == pytest.approx(900 + face["x"] * scale, abs=3)
    assert faces["y"] == pytest.approx(500 + face["y"] * scale, abs=3)


def test_a_bus_is_a_bus(real_frames: np.ndarray, yolo_checkpoint: Path) -> None:
    rows = make("objects", FP32, variant=str(yolo_checkpoint)).process_frames(FrameBatch(real_frames, tuple(range(6))))
    assert rows["objects"]["count_bus"].tolist() == [0, 0, 0, 0, 0, 1]
    assert rows["objects"]["score_bus"][5] > 0.5
    assert rows["objects"]["score_bus"][0] == 0


def test_a_bar_is_indoors_and_a_street_is_not(real_frames: np.ndarray) -> None:
    rows = make("scenes", FP32).process_frames(FrameBatch(real_frames, tuple(range(6))))["scenes"]
    assert rows["indoor"][2] > 0.8
    assert rows["indoor"][5] < 0.5


@pytest.mark.parametrize("name", ["expressions", "scenes"])
def test_bf16_rounds_where_it_is_recorded_and_moves_probabilities_by_less_than_a_hundredth(
    name: str, real_frames: np.ndarray
) -> None:
    """Small networks compute in fp32 whatever is wanted, and tables say so; for large ones, see actions below."""
    batch = FrameBatch(real_frames, tuple(range(6)))
    extractor = make(name, BF16)
    exact, fast = make(name, FP32).process_frames(batch)[name], extractor.process_frames(batch)[name]
    is_rounded = precision(extractor, BF16) == "bf16"
    assert is_rounded == ("bf16" in extractor.precisions)
    values, rounded = (
        np.stack([column for column in columns.values() if column.dtype == np.float32]) for columns in (exact, fast)
    )
    assert (np.nan_to_num(values) != np.nan_to_num(rounded)).any() == is_rounded
    np.testing.assert_allclose(rounded, values, atol=0.01)


@pytest.fixture(scope="module")
def street(media: Callable[[str], Path]) -> np.ndarray:
    """(1, 64, 224, 224, 3): cyclists on a street."""
    if "segments" not in json.loads(media("real60.truth.json").read_text()):
        pytest.skip("the stand-in's street is not clear enough to be recognised")
    with av.open(str(media("real60.mp4"))) as container:
        frames = [
            f.to_ndarray(format="rgb24", width=456, height=256)[16:240, 116:340]
            for i, f in enumerate(container.decode(video=0))
            if 226 <= i < 287
        ]
    return np.stack([*frames, *frames[:3]])[None]


def test_cyclists_ride_bikes(street: np.ndarray) -> None:
    actions = make("actions", FP32)
    probabilities = actions.process_clips(ClipBatch(street))[0]
    described = actions.describe_shots(probabilities[None], np.array([1], np.int32), np.array([2.56], np.float32))[
        "actions"
    ]
    assert described["top1"][0] == "riding mountain bike"
    fast = make("actions", BF16).process_clips(ClipBatch(street))[0]
    assert (fast != probabilities).any()  # it is rounded
    np.testing.assert_allclose(fast, probabilities, atol=0.01)
