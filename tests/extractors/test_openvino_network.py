"""Networks compiled by OpenVINO: what is kept between processes, and what it depends on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from avcues.extractors.compute import Compute, Precision
from avcues.models_cache.cache import Weights


class Head(nn.Module):
    """Two outputs of a feature map."""

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.register_buffer("scale", torch.ones(4), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        pooled = x.mean(dim=(2, 3))
        return self.linear(pooled), pooled / self.scale


class Small(nn.Module):
    """A convolution and a head."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
        self.head = Head()
        self.head.scale.fill_(2 + seed)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        outputs: tuple[Tensor, Tensor] = self.head(self.features(x))
        return outputs


loaded: list[Path] = []


def load(path: Path) -> Small:
    loaded.append(path)
    return Small(seed=int(path.stem))


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    loaded.clear()


def outputs(x: Tensor, seed: int, precision: Precision = "fp32") -> tuple[Tensor, Tensor]:
    weights = Weights(name="small", path=Path(f"{seed}.pt"), sha256=f"hash of {seed}")
    compute = Compute(device="cpu", precision=precision)
    network = compute.load_for_inference(load, weights, x, Head().requires_grad_(False))
    with compute.autocast():
        return network(x)


def test_weights_are_loaded_once_for_all_later_processes() -> None:
    x = torch.rand(2, 3, 8, 8)
    with torch.inference_mode():
        expected = {seed: Small(seed)(x) for seed in (0, 1)}
    for seed in (0, 1, 0, 1):
        for computed, reference in zip(outputs(x, seed), expected[seed], strict=True):
            np.testing.assert_allclose(computed.numpy(), reference.numpy(), atol=1e-5)
    assert loaded == [Path("0.pt"), Path("1.pt")]


def test_another_precision_is_another_conversion_and_keeps_the_head_in_fp32() -> None:
    x = torch.rand(2, 3, 8, 8)
    outputs(x, 0)
    logits, _ = outputs(x, 0, "bf16")
    assert len(loaded) == 2
    assert logits.dtype == torch.float32
    assert not torch.equal(logits, logits.bfloat16().float())


def test_inputs_of_other_shapes_are_computed_too() -> None:
    example = torch.rand(2, 3, 8, 8)
    weights = Weights(name="small", path=Path("0.pt"), sha256="hash of 0")
    network = Compute(device="cpu").load_for_inference(load, weights, example, Head().requires_grad_(False))
    for number in (1, 3, 1):
        x = torch.rand(number, 3, 8, 8)
        with torch.inference_mode():
            np.testing.assert_allclose(network(x)[0].numpy(), Small(0)(x)[0].numpy(), atol=1e-5)


SIGNAL_AFTER_NETWORKS = """
import os, signal, threading
import openvino as package
from avcues.extractors.openvino_network import CompiledModel

signal.signal(signal.SIGUSR1, lambda number, frame: print("handled"))
pixels = package.opset13.parameter([1, 4], dtype=package.Type.f32)
networks = [CompiledModel(package.Model([package.opset13.relu(pixels)], [pixels]), "fp32", threads=1)]
thread = threading.Thread(target=networks.clear)
thread.start()
thread.join()
os.kill(os.getpid(), signal.SIGUSR1)
"""


def test_a_signal_is_handled_after_another_thread_has_dropped_the_networks() -> None:
    done = subprocess.run([sys.executable, "-c", SIGNAL_AFTER_NETWORKS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr
