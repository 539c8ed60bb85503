"""Seconds and peak memory from many ratings to labels: `python benchmarks/annotations.py [VIDEOS]`.

A tidy CSV file of a made-up study (6 raters, 3 setups, 2 dimensions, 120 samples of each video) is imported, checked
and turned into gold standards, each by its command, in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

RATERS, SETUPS, DIMENSIONS, SAMPLES = 6, ("music", "visual", "audiovisual"), ("arousal", "valence"), 120


def write_ratings(path: Path, videos: int) -> int:
    """Writes the ratings video by video and returns their number."""
    rng = np.random.default_rng(0)
    rows = RATERS * len(SETUPS) * len(DIMENSIONS) * SAMPLES
    rater, setup, dimension, sample = np.unravel_index(np.arange(rows), (RATERS, len(SETUPS), len(DIMENSIONS), SAMPLES))
    words = {"rater": [f"rater{i}" for i in range(RATERS)], "setup": SETUPS, "dimension": DIMENSIONS}
    keys = {
        name: pa.array(words[name]).take(pa.array(code))
        for name, code in zip(words, (rater, setup, dimension), strict=True)
    }
    writer = None
    for video in range(videos):
        felt = np.cumsum(rng.normal(0, 0.1, (len(SETUPS), len(DIMENSIONS), SAMPLES)), 2)
        rated = np.tanh(felt + rng.normal(0, 0.2, (RATERS, *felt.shape))).round(4)
        columns = {**keys, "video_id": pa.array([f"video{video:05}"] * rows), "time": pa.array(sample * 0.5)}
        table = pa.table({**columns, "value": pa.array(rated.ravel())})
        writer = writer or pa.csv.CSVWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
    return rows * videos


def measure(*arguments: object) -> tuple[float, float]:
    """Runs a command of avcues; seconds and peak MB."""
    command = [str(Path(sys.executable).with_name("avcues")), "annotations", *map(str, arguments)]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, command
    return time.perf_counter() - started, usage.ru_maxrss * 1024 / 1e6


def main(videos: int) -> None:
    """Prints a line per command, and the sum."""
    with tempfile.TemporaryDirectory() as folder:
        ratings, ann, gold = (Path(folder) / name for name in ("ratings.csv", "ann", "gold"))
        count = write_ratings(ratings, videos)
        print(f"{videos} videos, {count / 1e6:.1f} million ratings, {ratings.stat().st_size / 1e6:.0f} MB of CSV")
        steps = {
            "import": ("import", "tidy", ratings, "--out", ann, "--range", "-1,1"),
            "check": ("check", ann),
            "gold": ("gold", ann, "--out", gold),
        }
        measured = {name: measure(*arguments) for name, arguments in steps.items()}
        for name, (seconds, memory) in measured.items():
            print(f"{name:8} {seconds:6.1f} s, peak memory {memory:5.0f} MB")
        seconds, memory = (function(one[i] for one in measured.values()) for i, function in enumerate((sum, max)))
        print(f"{'in all':8} {seconds:6.1f} s, peak memory {memory:5.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
