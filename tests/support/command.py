"""The command `avcues`, run as a user runs it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

AVCUES = str(Path(sys.executable).with_name("avcues"))


def avcues(
    *arguments: object, environment: dict[str, str] | None = None, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Runs to the end, off the network."""
    return subprocess.run(
        [AVCUES, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        env=environment or {**os.environ, "AVCUES_OFFLINE": "1"},
    )


def start(*arguments: object, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Starts in a process group of its own, as a shell does."""
    return subprocess.Popen(
        [AVCUES, *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment or {**os.environ, "AVCUES_OFFLINE": "1"},
    )


def wait_until(condition: Callable[[], object], timeout: float = 60) -> None:
    """Waits for something that a run does, up to the timeout."""
    deadline = time.monotonic() + timeout
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


def tables(out: Path) -> dict[str, str]:
    """SHA-256 of every table file of a folder, by its path there."""
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.glob("[!_]*/*.parquet")
    }


def temporary_files(out: Path) -> list[Path]:
    """What a run that was killed may leave behind."""
    return sorted(out.rglob("*.tmp"))
