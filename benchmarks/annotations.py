"""Seconds and peak memory from many ratings to labels: `python benchmarks/annotations.py [VIDEOS]`.

A tidy CSV file of a made-up study (10 raters, 3 setups, 2 dimensions, 120 samples of each video) is imported, checked
and turned into gold standards and soft labels, each by its command, in a process of its own. The figures, and how often
soft labels take the time of gold standards, are printed and go to `results/annotations.md`.
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
from run import machine

RATERS, SETUPS, DIMENSIONS, SAMPLES = 10, ("music", "visual", "audiovisual"), ("arousal", "valence"), 120


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
    """Prints and writes a line per command, and the sum."""
    with tempfile.TemporaryDirectory() as folder:
        ratings, ann, gold, soft = (Path(folder) / name for name in ("ratings.csv", "ann", "gold", "soft"))
        count = write_ratings(ratings, videos)
        lines = [
            "# Benchmark: from ratings to labels",
            "",
            f"{videos} videos, {count / 1e6:.1f} million ratings, {ratings.stat().st_size / 1e6:.0f} MB of CSV.",
            "",
            *(f"- {name}: {value}" for name, value in machine().items()),
            f"- processes that wanted a core beforehand: {os.getloadavg()[0]:.0f}",
            "",
            "| command | seconds | peak MB |",
            "| --- | --: | --: |",
        ]
        steps = {
            "import": ("import", "tidy", ratings, "--out", ann, "--range", "-1,1"),
            "check": ("check", ann),
            "gold": ("gold", ann, "--out", gold),
            "soft": ("soft", ann, "--out", soft),
        }
        measured = {name: measure(*arguments) for name, arguments in steps.items()}
        ratio = measured["soft"][0] / measured["gold"][0]
        measured["in all"] = (
            sum(seconds for seconds, _ in measured.values()),
            max(memory for _, memory in measured.values()),
        )
        lines += [f"| {name} | {seconds:.1f} | {memory:.0f} |" for name, (seconds, memory) in measured.items()]
        lines += ["", f"Soft labels take {ratio:.1f} times as long as gold standards."]
        print("\n".join(lines))
        (Path(__file__).parent / "results" / "annotations.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
