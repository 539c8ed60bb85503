"""Networks through the command line: weights supplied by hand, pinned, and used."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from command import avcues


@pytest.fixture
def shared_weights(yolo_checkpoint: Path) -> Path:
    return yolo_checkpoint.parent


def on_cache(*arguments: object, cache: Path) -> subprocess.CompletedProcess[str]:
    """Runs the command without a network, on a cache of its own, with no weights folder."""
    environment = {**os.environ, "AVCUES_OFFLINE": "1", "AVCUES_MODELS_DIR": str(cache)}
    environment.pop("AVCUES_WEIGHTS_DIR", None)
    return avcues(*arguments, environment=environment)


def test_weights_of_a_folder_are_used_and_pinned(
    media: Callable[[str], Path], shared_weights: Path, yolo_checkpoint: Path, tmp_path: Path
) -> None:
    cache, out = tmp_path / "cache", tmp_path / "out"
    clip = tmp_path / "bus.mp4"
    clip.symlink_to(media("tiny4.mp4"))
    weights_options = ("--weights-dir", shared_weights, "--variant", f"objects={yolo_checkpoint}", "--workers", 0)
    done = on_cache("extract", clip, "-o", out, "--features", "scenes,objects", *weights_options, cache=cache)
    assert done.returncode == 0, done.stderr
    for table, rows in (("scenes", 8), ("objects", 8)):
        assert pq.read_table(out / table / "bus.parquet").num_rows == rows
    assert pq.read_table(out / "scenes" / "bus.parquet")["top1"].null_count == 0
    pinned = json.loads((out / "dataset.json").read_text())["recipes"]
    assert pinned["scenes"]["settings"]["variant"] == "squeezenet11"
    assert set(pinned["scenes"]["weights"]) == {"scenes/squeezenet11"}
    assert pinned["objects"]["settings"]["variant"] == yolo_checkpoint.name
    assert len(pinned["objects"]["weights"][yolo_checkpoint.name]) == 64
    metadata = json.loads(pq.read_metadata(out / "objects" / "bus.parquet").metadata[b"avcues"])
    assert metadata["recipe"] == pinned["objects"]
    assert on_cache("validate", out, cache=cache).returncode == 0

    # Later runs keep to what is pinned, and say so where it is missing.
    done = on_cache("extract", clip, "-o", out, "--features", "scenes", "--workers", 0, cache=cache)
    assert done.returncode == 2
    assert "avcues models import squeezenet11_places365.safetensors" in done.stderr
    done = on_cache("extract", clip, "-o", out, "--features", "objects", "--workers", 0, cache=cache)
    assert done.returncode == 2
    assert "--variant objects=PATH" in done.stderr


def test_models_commands(shared_weights: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    file = shared_weights / "squeezenet11_places365.safetensors"
    done = on_cache("models", "import", file, cache=cache)
    assert (done.returncode, done.stdout.strip()) == (0, f"{file}: is scenes/squeezenet11")
    done = on_cache("models", "fetch", "scenes/squeezenet11", cache=cache)
    assert done.stdout.strip() == f"scenes/squeezenet11: {cache / file.name}"
    assert on_cache("models", "verify", cache=cache).returncode == 0
    (cache / file.name).write_bytes(b"changed")
    done = on_cache("models", "verify", cache=cache)
    assert done.returncode == 1
    assert "expected 4430444" in done.stdout
    done = on_cache("models", "fetch", "objects/yolo11n", cache=cache)
    assert done.returncode == 1
    assert "avcues models import yolo11n.pt" in done.stderr
    done = on_cache("models", "fetch", "objects/yolo11", cache=cache)
    assert done.returncode == 2
    assert 'did you mean "objects/yolo11n"' in done.stderr
    assert "yolo11n" in on_cache("models", "list", cache=cache).stdout
