"""The `ffmpeg` of this machine, for media that PyAV cannot write and for references."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def ffmpeg(*arguments: str, out: Path) -> Path:
    """Runs ffmpeg and returns the file that it wrote; skips the test where it is not installed."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, str(out)], check=True)
    return out


def pattern(size: str = "160x120", seconds: float = 3, rate: int = 25) -> tuple[str, ...]:
    """Arguments of an input that shows a moving test pattern."""
    return ("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}")


def tone(frequency: int, seconds: float = 3, rate: int = 44100) -> tuple[str, ...]:
    """Arguments of an input that sounds a sine."""
    return ("-f", "lavfi", "-i", f"sine={frequency}:r={rate}:d={seconds}")
