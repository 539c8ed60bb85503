"""What is written among temporary files cannot be led elsewhere by another user."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from avcues.errors import AvcuesError
from avcues.extractors.build_once import build_once


def test_ultralytics_settings_lie_in_a_folder_of_the_process(yolo_checkpoint: Path, tmp_path: Path) -> None:
    victim, temporary = tmp_path / "victim", tmp_path / "temporary"
    victim.mkdir()
    temporary.mkdir()
    for name in (f"avcues-ultralytics-{os.getuid()}", "avcues-ultralytics", "Ultralytics"):
        (temporary / name).symlink_to(victim)
    code = f"""
import os, stat
from pathlib import Path
from avcues.extractors.networks.yolo import load
load(Path({str(yolo_checkpoint)!r}))
folder = Path(os.environ["YOLO_CONFIG_DIR"])
print(folder.parent, oct(stat.S_IMODE(folder.stat().st_mode)), folder.name)
"""
    environment = {name: value for name, value in os.environ.items() if name != "YOLO_CONFIG_DIR"}
    printed = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment | {"TMPDIR": str(temporary)},
            capture_output=True,
            text=True,
            check=True,
        )
        printed.append(done.stdout.splitlines()[-1].split())
    assert all(folder == str(temporary) and mode == "0o700" for folder, mode, _ in printed)
    assert printed[0][2] != printed[1][2]
    assert list(victim.iterdir()) == []
    assert not [path for path in temporary.iterdir() if not path.is_symlink() and path.name.startswith("avcues-")]


def test_a_planted_folder_for_compiled_functions_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no folder").touch()
    victim, temporary = tmp_path / "victim", tmp_path / "temporary"
    victim.mkdir()
    temporary.mkdir()
    (temporary / f"avcues-{os.getuid()}").symlink_to(victim)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "no folder"))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with pytest.raises(AvcuesError, match="XDG_CACHE_HOME"):
        build_once("something", lambda folder: (folder / "file").touch())
    assert list(victim.iterdir()) == []
    (temporary / f"avcues-{os.getuid()}").unlink()
    folder = build_once("something", lambda folder: (folder / "file").touch())
    assert (folder / "file").exists()
    assert (temporary / f"avcues-{os.getuid()}").stat().st_mode & 0o077 == 0
