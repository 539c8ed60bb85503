"""No library opens a connection of its own, or writes outside of the cache and the output folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest
from command import avcues

from avcues.models_cache import WeightsError
from avcues.models_cache.cache import resolve
from avcues.pipeline.report import page

GUARD = Path(__file__).parents[1] / "support" / "socket_guard"
NETWORKS = ("actions/i3d_rgb_scratch", "expressions/mini_xception", "faces/centerface", "scenes/squeezenet11")


@pytest.fixture
def guarded(tmp_path: Path) -> dict[str, str]:
    """An environment in which every Python process refuses and logs connections; its home folder is empty."""
    (tmp_path / "home").mkdir()
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(GUARD), os.environ.get("PYTHONPATH", "")]),
        "SOCKET_GUARD_LOG": str(tmp_path / "connections"),
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(Path(platformdirs.user_cache_dir("avcues")).parent),
        "AVCUES_OFFLINE": "1",
    }


def test_the_guard_sees_a_connection(guarded: dict[str, str], tmp_path: Path) -> None:
    code = "import urllib.request as r; r.urlopen('http://192.0.2.1', timeout=1)"
    tried = subprocess.run([sys.executable, "-c", code], env=guarded, capture_output=True, text=True, check=False)
    assert "refused by the test" in tried.stderr
    assert "192.0.2.1" in (tmp_path / "connections").read_text()


def test_nothing_leaves_this_machine(
    guarded: dict[str, str], media: Callable[[str], Path], yolo_checkpoint: Path, tmp_path: Path
) -> None:
    try:
        page.library()
        for name in NETWORKS:
            resolve(name)
    except WeightsError as error:
        pytest.skip(str(error))
    out = tmp_path / "features"
    clips = [shutil.copy(media("tiny4.mp4"), tmp_path / name) for name in ("first.mp4", "second.mp4")]
    for command in (
        ["extract", clips[0], "--out", tmp_path / "one", "--features", "actions", "--workers", "1"],
        [
            "extract",
            clips[0],
            "--out",
            tmp_path / "int8",
            "--features",
            "actions",
            "--precision",
            "int8",
            "--workers",
            "1",
        ],
        ["extract", *clips, "--out", out, "--variant", f"objects={yolo_checkpoint}", "--workers", "2"],
        ["doctor"],
        ["report", out],
        ["align", out, "--out", tmp_path / "train.parquet"],
        ["describe", out, "--card"],
        ["validate", out],
    ):
        done = avcues(*command, environment=guarded)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert {"actions", "expressions", "objects", "scenes"} <= {path.name for path in out.iterdir()}
    assert not (tmp_path / "connections").exists(), (tmp_path / "connections").read_text()
    assert list((tmp_path / "home").iterdir()) == []


def test_openvino_is_imported_without_its_telemetry(guarded: dict[str, str], tmp_path: Path) -> None:
    code = "from avcues.extractors.openvino_import import openvino; openvino().Core().available_devices"
    subprocess.run([sys.executable, "-c", code], env=guarded, check=True)
    assert not (tmp_path / "connections").exists()
    assert list((tmp_path / "home").iterdir()) == []
