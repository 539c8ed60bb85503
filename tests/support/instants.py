"""What a folder holds at each instant at which a command could be killed.

`python instants.py FOLDER STATES ARGUMENT...` runs `avcues` with the arguments, and before each of its operations that
change a file below FOLDER copies all of it to `STATES/0`, `STATES/1` and so on. A copy is what a process killed at that
instant leaves: nobody holds its locks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_OPERATIONS = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.truncate")
_SWAPS = ("renameat2", "renamex_np")


def instants(folder: Path, states: Path, *arguments: object) -> list[Path]:
    """Runs a command and returns the states of a folder, the finished one last."""
    done = subprocess.run(
        [sys.executable, __file__, str(folder), str(states), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "AVCUES_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    shutil.copytree(folder, states / "last", symlinks=True)
    return [*sorted((path for path in states.iterdir() if path.name != "last"), key=_number), states / "last"]


def _number(state: Path) -> int:
    return int(state.name)


def _watch(folder: Path, states: Path) -> None:
    copying, number = False, 0

    def changes(event: str, arguments: tuple[object, ...]) -> bool:
        if event == "ctypes.dlsym":
            return arguments[1] in _SWAPS
        if event == "open":
            path, _, flags = arguments
            if not (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)):
                return False
            return isinstance(path, str | bytes | os.PathLike) and below(path)
        return event in _OPERATIONS and any(below(path) for path in arguments if isinstance(path, str | os.PathLike))

    def below(path: str | bytes | os.PathLike[str]) -> bool:
        return folder in Path(os.fsdecode(path)).absolute().parents

    def look(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal copying, number
        if copying or not changes(event, arguments):
            return
        copying = True
        try:
            shutil.copytree(folder, states / str(number), symlinks=True)
            number += 1
        finally:
            copying = False

    states.mkdir(parents=True)
    sys.addaudithook(look)


if __name__ == "__main__":
    from avcues.pipeline.cli.app import main

    _watch(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
    sys.argv[1:] = sys.argv[3:]
    main()
