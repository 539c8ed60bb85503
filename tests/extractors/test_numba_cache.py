"""Processes that meet librosa for the first time at the same moment compile it once and do not crash."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

_PROCESS = "from avcues.extractors.rhythm import Rhythm, warm_up; Rhythm().setup(None); warm_up()"


def test_first_use_by_several_processes_at_once(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    processes = [subprocess.Popen([sys.executable, "-c", _PROCESS], env=environment) for _ in range(3)]
    assert [process.wait(timeout=300) for process in processes] == [0, 0, 0]
    (folder,) = [path for path in (tmp_path / "avcues").iterdir() if path.is_dir()]
    compiled = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")}
    assert compiled
    subprocess.run([sys.executable, "-c", _PROCESS], env=environment, check=True, timeout=300)
    assert {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")} == compiled


def test_another_copy_of_librosa_has_a_cache_of_its_own(tmp_path: Path) -> None:
    """numba trusts nothing that it compiled for files at another place, so those of two environments must not mix."""
    spec = importlib.util.find_spec("librosa")
    assert spec is not None
    assert spec.origin is not None
    shutil.copytree(Path(spec.origin).parent, tmp_path / "librosa")
    elsewhere = {**os.environ, "PYTHONPATH": str(tmp_path)}
    mine, other = (
        subprocess.run(
            [sys.executable, "-c", "from avcues.extractors.numba_cache import _fingerprint; print(_fingerprint())"],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for environment in (dict(os.environ), elsewhere)
    )
    assert mine != other
