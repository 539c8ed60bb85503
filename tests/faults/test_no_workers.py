"""A cluster without workers: the run says that it waits, and gives up when it was told to."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command import avcues, wait_until


@pytest.fixture
def scheduler() -> Iterator[str]:
    """Address of a scheduler that has no worker."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen([*command, "--no-dashboard"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", port)) == 0

    wait_until(answers)
    yield f"tcp://127.0.0.1:{port}"
    process.kill()
    process.wait()


def test_a_run_waits_aloud_and_gives_up_in_the_end(
    scheduler: str, media: Callable[[str], Path], tmp_path: Path
) -> None:
    options = ("--features", "color", "--scheduler", scheduler, "--wait", 1)
    done = avcues("extract", media("tiny4.mp4"), "-o", tmp_path / "out", *options)
    lines = done.stderr.splitlines()
    assert done.returncode == 1, done.stderr
    waiting = next(i for i, line in enumerate(lines) if f"waiting for workers at {scheduler}, none yet" in line)
    stopped = next(i for i, line in enumerate(lines) if line.startswith("stopped no worker was connected"))
    assert waiting < stopped
    assert "(--wait 1)" in lines[stopped]
