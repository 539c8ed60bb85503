"""`avcues doctor`: what it says of this machine."""

from __future__ import annotations

import json
import os
from importlib.util import spec_from_file_location
from pathlib import Path

import pytest
from command import avcues
from dask.system import CPU_COUNT

from avcues.models_cache import WeightsError
from avcues.models_cache.cache import resolve
from avcues.pipeline.cli.doctor import Finding, _feature, _torchvision, _writing


def without_weights(cache: Path, **more: str) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k != "AVCUES_WEIGHTS_DIR"} | {"AVCUES_MODELS_DIR": str(cache)} | more


def test_a_sound_machine_runs_everything_but_features_without_weights(tmp_path: Path) -> None:
    command = ("doctor", "--json", "--out", tmp_path / "out")
    done = avcues(*command, environment=without_weights(tmp_path, AVCUES_OFFLINE="1"))
    document = {finding["subject"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0, done.stdout
    assert f"{CPU_COUNT} cores" in document["cores, memory"]["details"]
    assert "a worker started and answered" in document["Dask"]["details"]
    assert document[f"--out {tmp_path / 'out'}"]["state"] == "ok"
    for name in ("shots", "emobase", "rhythm", "color", "lighting"):
        assert (document[f"feature {name}"]["state"], document[f"feature {name}"]["details"]) == (
            "ok",
            "needs no weights",
        )
    for name in ("expressions", "scenes", "objects", "actions"):
        assert document[f"feature {name}"]["state"] == "absent"
        assert "avcues models import" in document[f"feature {name}"]["remedy"]


def test_a_folder_that_cannot_be_written_is_a_problem_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = avcues("doctor", "--out", tmp_path / "file", environment=without_weights(tmp_path, AVCUES_OFFLINE="1"))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    (row,) = [row for row, line in enumerate(lines) if line.startswith(f"no   --out {tmp_path / 'file'}")]
    assert "cannot be written" in lines[row]
    assert lines[row + 1].strip() == "-> name a writable folder"
    get = [line for line in lines if "http://places2.csail.mit.edu/models_places365/resnet50_places365.pth.tar" in line]
    assert len(get) == 1, "an address is broken"


def test_a_full_disk_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avcues.pipeline.cli.doctor._ENOUGH_BYTES", 1 << 60)
    assert _writing("temporary folder", tmp_path, "elsewhere").state == "note"


def test_what_extract_would_download_is_not_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVCUES_MODELS_DIR", str(tmp_path))
    monkeypatch.delenv("AVCUES_WEIGHTS_DIR", raising=False)
    monkeypatch.delenv("AVCUES_OFFLINE", raising=False)
    assert _feature("scenes") == Finding(
        subject="feature scenes", state="ok", details="scenes/resnet50, downloaded once, on first use: size not known"
    )


def test_what_is_here_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        detector = resolve("faces/centerface").path
    except WeightsError as error:
        pytest.skip(str(error))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / detector.name).symlink_to(detector)
    monkeypatch.setenv("AVCUES_WEIGHTS_DIR", str(tmp_path / "weights"))
    monkeypatch.setenv("AVCUES_MODELS_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("AVCUES_OFFLINE", raising=False)
    assert "(if that fails, faces/centerface)" in _feature("expressions").details
    monkeypatch.setenv("AVCUES_OFFLINE", "1")
    assert "faces/centerface" in _feature("expressions").details


def test_a_torchvision_for_cuda_beside_a_torch_without_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec_from_file_location(name, package / "__init__.py"))
    monkeypatch.setattr("torch.version.cuda", None)
    (package / "version.py").write_text("__version__ = '0.28.0+cu130'\n")
    assert (_torchvision().state, _torchvision().remedy) == (
        "note",
        "install torch and torchvision from the same index",
    )
    (package / "version.py").write_text("__version__ = '0.28.0+cpu'\n")
    assert _torchvision().state == "ok"
