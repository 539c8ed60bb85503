"""Throughput of a machine with GPUs, by workers per GPU: hours of video per hour, and how busy the GPUs are.

    python benchmarks/gpu.py VIDEO --yolo yolo11n.pt --videos 64 --workers-per-gpu 1,2,4,8

Each run makes all tables of so many copies of the video. Writes gpu.json, with the utilisation of every second, and
gpu.md into --out and prints the table. Without a GPU, --device cpu shows that it works.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
from rich.table import Table
from run import Bench, console, machine, markdown

HERE = Path(__file__).parent
_QUERY = ("nvidia-smi", "--query-gpu=name,utilization.gpu,memory.used", "--format=csv,noheader,nounits")


class GpuWatch:
    """Looks at all GPUs every second of a `with` block.

    Attributes:
        samples: Seconds since the start, mean utilisation in percent, sum of used memory in MiB.
        names: The GPUs.
    """

    def __init__(self) -> None:
        self.samples: list[tuple[float, float, float]] = []
        self.names: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> GpuWatch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        started = time.monotonic()
        while not self._stop.wait(1):
            try:
                answer = subprocess.run(_QUERY, capture_output=True, text=True, check=True).stdout
            except (OSError, subprocess.CalledProcessError):
                return  # no GPU of this maker
            rows = [[cell.strip() for cell in line.split(",")] for line in answer.splitlines()]
            self.names = [row[0] for row in rows]
            busy, used = (statistics.mean(float(row[1]) for row in rows), sum(float(row[2]) for row in rows))
            self.samples.append((round(time.monotonic() - started, 1), busy, used))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--yolo", type=Path, required=True, help="Checkpoint of Ultralytics YOLO")
    parser.add_argument("--videos", type=int, default=64, help="Copies that each run works on: %(default)s")
    parser.add_argument("--workers-per-gpu", default="1,2,4,8", help="Comma-separated: %(default)s")
    parser.add_argument("--precisions", default="fp32,bf16", help="Comma-separated: %(default)s")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    with av.open(str(arguments.video)) as container:
        hours = arguments.videos * container.duration / av.time_base / 3600
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="avcues-benchmark-") as temporary:
        bench = Bench(arguments.video, arguments.yolo, Path(temporary))
        videos = bench.copies(arguments.videos)
        for precision in arguments.precisions.split(","):
            for workers in arguments.workers_per_gpu.split(","):
                options = ("--device", arguments.device, "--workers-per-gpu", workers)
                with GpuWatch() as gpus:
                    run = bench.avcues("all", inputs=videos, precision=precision, workers="auto", options=options)
                runs.append(
                    {
                        "precision": precision,
                        "workers_per_gpu": int(workers),
                        "wall_s": run.wall_s,
                        "hours_per_hour": round(hours * 3600 / run.wall_s, 2),
                        "peak_mb": run.peak_mb,
                        "gpus": gpus.names,
                        "samples": gpus.samples,
                    }
                )
                console.print(f"{precision}, {workers} a GPU: {runs[-1]['hours_per_hour']} hours per hour")
    facts = machine() | {"gpus": ", ".join(runs[-1]["gpus"]) or "none", "hours of video": round(hours, 3)}
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "gpu.json").write_text(json.dumps({"machine": facts, "runs": runs}, indent=1) + "\n")
    lines = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    (arguments.out / "gpu.md").write_text(f"# Throughput with GPUs\n\n{lines}\n\n{markdown(summary(runs))}\n")
    console.print(summary(runs))


def summary(runs: Sequence[dict[str, Any]]) -> Table:
    """One row per run; a GPU's utilisation is the mean over the whole run, its start included."""
    table = Table(title="By workers per GPU")
    for column in (
        "precision",
        "workers a GPU",
        "wall s",
        "hours of video per hour",
        "GPU busy %",
        "GPU MiB",
        "peak MB",
    ):
        table.add_column(column)
    for run in runs:
        busy = [sample[1] for sample in run["samples"]]
        table.add_row(
            run["precision"],
            str(run["workers_per_gpu"]),
            f"{run['wall_s']:.1f}",
            f"{run['hours_per_hour']:.2f}",
            f"{statistics.mean(busy):.0f}" if busy else "-",
            f"{max(sample[2] for sample in run['samples']):.0f}" if busy else "-",
            f"{run['peak_mb']:.0f}",
        )
    return table


if __name__ == "__main__":
    main()
