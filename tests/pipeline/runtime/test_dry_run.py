"""`avcues extract --dry-run` says what a run would do, and does nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from command import avcues


@pytest.fixture
def clips(media: Callable[[str], Path], tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("tiny4.mp4", "rot90_12.mp4"):
        shutil.copy(media(name), folder)
    return folder


def test_it_tells_what_would_be_computed_and_writes_nothing(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "features"
    done = avcues("extract", clips, "--out", out, "--features", "color,lighting", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "compute  tiny4: shots, color, lighting" in done.stdout
    assert "2 videos, 0 up to date" in done.stdout
    assert not out.exists()


def test_it_tells_what_is_up_to_date(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "features"
    arguments = ("--out", out, "--features", "color")
    assert avcues("extract", clips / "tiny4.mp4", *arguments, "--workers", 0).returncode == 0
    times_before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    done = avcues("extract", clips, *arguments[:-1], "color,lighting", "--dry-run")
    assert "compute  tiny4: lighting" in done.stdout
    assert "compute  rot90_12: shots, color, lighting" in done.stdout
    assert "kept     tiny4: up to date" in avcues("extract", clips, *arguments, "--dry-run").stdout
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == times_before


def test_it_refuses_what_a_run_would_refuse(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "features"
    arguments = ("extract", clips / "tiny4.mp4", "--out", out, "--features", "color")
    assert avcues(*arguments, "--workers", 0).returncode == 0
    done = avcues(*arguments, "--step", "1", "--dry-run")
    assert done.returncode == 2
    assert "was made with step" in done.stderr


def test_it_names_downloads_and_downloads_nothing(clips: Path, tmp_path: Path) -> None:
    import os

    environment = {k: v for k, v in os.environ.items() if k not in ("AVCUES_WEIGHTS_DIR", "AVCUES_OFFLINE")}
    environment |= {"AVCUES_MODELS_DIR": str(tmp_path / "cache")}
    arguments = ("extract", clips, "--out", tmp_path / "features", "--features", "actions", "--dry-run")
    done = avcues(*arguments, "--variant", "actions=i3d_rgb_scratch", environment=environment)
    assert done.returncode == 0, done.stderr
    assert "download actions/i3d_rgb_scratch" in done.stdout
    assert not list(tmp_path.glob("cache/*.ckpt"))
    offline = avcues(*arguments, environment=environment | {"AVCUES_OFFLINE": "1"})
    assert offline.returncode == 2
    assert "not on this machine" in offline.stderr
