"""Processes that meet librosa for the first time at the same moment compile it once and do not crash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_PROCESS = "from extractors.rhythm import Rhythm, warm_up; Rhythm().setup(None); warm_up()"


def test_first_use_by_several_processes_at_once(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    processes = [subprocess.Popen([sys.executable, "-c", _PROCESS], env=environment) for _ in range(3)]
    assert [process.wait(timeout=300) for process in processes] == [0, 0, 0]
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    compiled = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.nbc")}
    assert compiled
    subprocess.run([sys.executable, "-c", _PROCESS], env=environment, check=True, timeout=300)
    assert {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.nbc")} == compiled
