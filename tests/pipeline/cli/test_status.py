"""`avcues status` while a run is at work, and after it was killed."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from command import avcues, start, wait_until


def test_it_says_which_run_is_at_work_and_not_to_start_another(media: Callable[[str], Path], tmp_path: Path) -> None:
    running = start("extract", media("real60.mp4"), "-o", tmp_path, "--features", "color,rhythm", "--workers", 1)
    wait_until((tmp_path / "_status" / ".inputs").exists)
    wait_until(lambda: avcues("status", tmp_path).returncode == 1)
    text = avcues("status", tmp_path).stdout
    assert f"A run is at work: process {running.pid} on {socket.gethostname()}" in text
    assert "again" not in text
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    text = avcues("status", tmp_path).stdout
    assert "at work" not in text
    assert "Run the same avcues extract command again" in text
