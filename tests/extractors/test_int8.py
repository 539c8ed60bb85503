"""Layers in 8 bits: rounding, the pinned tables, and what is said where they are not to be had."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import avcues.extractors.int8.table as tables
from avcues.extractors import registry
from avcues.extractors.compute import Compute, Precision
from avcues.extractors.int8.rounding import round_weights
from avcues.extractors.int8.table import has_table, load_table
from avcues.models_cache import WeightsError
from avcues.models_cache.manifest import assets
from avcues.pipeline.store.provenance import precision, recipe

WITH_TABLE = "actions/i3d_rgb_scratch"


def test_rounding_keeps_what_a_filter_gives_on_average() -> None:
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(16, 24, 3, 3, 3)).astype(np.float32)
    means = generator.exponential(size=24).astype(np.float32)
    numbers, scale = round_weights(weight, means)
    assert numbers.dtype == np.int8
    assert np.abs(numbers).max() == 127
    np.testing.assert_allclose(np.abs(weight).max(axis=(1, 2, 3, 4)) / 127, scale, rtol=1e-6)

    def shift(rounded: np.ndarray) -> np.ndarray:
        """Error of the filters' mean outputs, in steps of the largest mean."""
        errors = (rounded * scale[:, None, None, None, None] - weight).sum(axis=(2, 3, 4)) @ means
        return np.abs(errors) / (scale * means.max())

    each = np.rint(weight / scale[:, None, None, None, None])
    assert shift(numbers.astype(np.float64)).max() < 0.1
    assert shift(each).max() > 3
    assert np.abs(numbers - weight / scale[:, None, None, None, None]).max() <= 1.001  # half a step, and half carried


def test_rounding_works_where_channels_are_always_zero() -> None:
    numbers, scale = round_weights(np.zeros((2, 3, 1, 1), np.float32), np.zeros(3, np.float32))
    assert not numbers.any()
    assert np.isfinite(scale).all()


def test_every_table_is_of_weights_of_the_manifest() -> None:
    files = sorted(Path(tables.__file__).with_name("tables").iterdir())
    assert files
    by_file = {name.replace("/", "-"): asset for name, asset in assets().items()}
    for file in files:
        asset = by_file[file.stem]
        table = load_table(asset.name)
        assert table.weights_sha256 == asset.sha256
        assert file.stat().st_size < 100_000
        for layer in table.layers.values():
            assert 0 < layer.max_input < np.inf
            assert (layer.means >= 0).all()
            assert (layer.means <= layer.max_input).all()


def test_a_table_of_other_weights_is_refused() -> None:
    table = load_table(WITH_TABLE)
    table.check(WITH_TABLE, table.weights_sha256)
    with pytest.raises(WeightsError, match="measured with other weights"):
        table.check(WITH_TABLE, "0" * 64)


@pytest.mark.parametrize(
    ("name", "variant", "requested", "expected"),
    [
        ("actions", "i3d_rgb_scratch", "int8", "int8"),
        ("actions", "i3d_rgb_scratch", "int8+fp32", "int8+fp32"),
        ("actions", "i3d_rgb_imagenet", "int8", "bf16"),
        ("actions", "i3d_rgb_imagenet", "int8+fp32", "fp32"),
        ("scenes", "resnet50", "int8", "bf16"),
        ("scenes", "squeezenet11", "int8", "fp32"),
        ("expressions", "vgg19", "int8", "bf16"),
        ("objects", "yolo11n", "int8", "fp32"),
        ("actions", "i3d_rgb_scratch", "fp32", "fp32"),
    ],
)
def test_what_int8_does_not_reach_takes_the_next_precision(
    name: str, variant: str, requested: Precision, expected: Precision
) -> None:
    extractor = registry.create(name, {"variant": variant})
    assert precision(extractor, Compute(device="cpu", precision=requested)) == expected


def test_ranges_are_part_of_the_recipe() -> None:
    extractor = registry.create("actions", {"variant": "i3d_rgb_scratch"})
    try:
        exact, fast = (recipe(extractor, Fraction(1, 2), Compute(precision=p)) for p in ("fp32", "int8"))
    except WeightsError as error:
        pytest.skip(str(error))
    assert "ranges" not in exact
    assert fast == exact | {"precision": "int8", "ranges": load_table(WITH_TABLE).sha256}
    assert has_table(WITH_TABLE)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the switch is for x86 processors")
def test_int8_is_not_offered_where_8_bit_products_are_cut_off() -> None:
    """Without VNNI sums of two products end at 32,767: here OpenVINO is told to do without."""
    script = (
        "from avcues.extractors.compute import Compute\n"
        "from avcues.extractors.int8.processor import multiplies_exactly\n"
        "from avcues.pipeline.runtime.run import adapted_to_machine\n"
        "from avcues.pipeline.runtime.settings import Settings\n"
        "class Notes:\n"
        "    def on_note(self, line): print(line)\n"
        "settings = Settings(compute=Compute(device='cpu', precision='int8'))\n"
        "print(multiplies_exactly(), adapted_to_machine(settings, Notes()).compute.precision)\n"
        "try: settings.compute.prepare_for_inference(__import__('torch').nn.Linear(1, 1))\n"
        "except Exception as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"},
        capture_output=True,
        text=True,
        check=True,
    )
    note, result, refused = done.stdout.splitlines()
    assert note.startswith("this processor has no exact 8-bit products (VNNI)")
    assert result.split()[0] == "False"
    assert result.split()[1] in ("bf16", "fp32")
    assert refused.startswith("`precision=int8`: this processor does not compute 8-bit products exactly")
