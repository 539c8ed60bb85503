"""When each stage of a run of all tables works, on one video, and for how long cores are idle.

    python benchmarks/trace.py VIDEO --yolo yolo11n.pt --precision int8

The video is processed twice in this process, as in a worker: networks are loaded in the first run and ready in the
second. For each stage the trace shows when it first and last worked, in seconds from the start, and for how long; then
for how long no thread, or only one, worked. Nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from avcues.extractors.compute import Compute
from avcues.pipeline.extraction import video as extraction
from avcues.pipeline.extraction.stopwatch import Stopwatch
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.runtime.weights import resolve_weights
from avcues.pipeline.store.video_input import VideoInput

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
Interval = tuple[str, float, float, bool]
"""Stage, start, end, and whether the stage was outermost in its thread."""


class Trace(Stopwatch):
    """A stopwatch that also records when each stage worked."""

    intervals: list[Interval] = []
    _depth = threading.local()

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        outer = not getattr(self._depth, "stages", 0)
        self._depth.stages = getattr(self._depth, "stages", 0) + 1
        started = time.perf_counter()
        try:
            with super().__call__(stage):
                yield
        finally:
            self._depth.stages -= 1
            self.intervals.append((stage, started, time.perf_counter(), outer))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--yolo", type=Path, required=True)
    parser.add_argument("--precision", choices=("fp32", "bf16", "int8"), default="fp32")
    arguments = parser.parse_args()
    compute = Compute(device="cpu", precision=arguments.precision, threads=CORES)
    chosen = Settings(options={"objects": {"variant": str(arguments.yolo)}}, compute=compute)
    settings, _ = resolve_weights(chosen, None, lambda *_: None)
    extraction.Stopwatch = Trace  # type: ignore[misc]
    measurements = settings.measurements()
    for run in ("networks are loaded", "networks are ready"):
        Trace.intervals = []
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as out:
            result = extraction.process_video(VideoInput("video", str(arguments.video)), measurements, Path(out))
        assert result.state == "done", result.error
        ended = time.perf_counter()
        Console().print(table(f"{run}: {ended - started:.1f} s", started))
        idle, alone = idle_s(started, ended)
        Console().print(
            f"no core works: {idle:.2f} s; one core alone: {alone:.2f} s; threads: {threading.active_count()}"
        )


def table(title: str, started: float) -> Table:
    """When each stage worked."""
    rows = Table(title=title)
    for column in ("stage", "first", "last", "seconds"):
        rows.add_column(column)
    stages = {stage: [(a, b) for name, a, b, _ in Trace.intervals if name == stage] for stage, *_ in Trace.intervals}
    for stage, times in sorted(stages.items(), key=lambda stage_times: stage_times[1][0]):
        first, last = min(a for a, _ in times) - started, max(b for _, b in times) - started
        rows.add_row(stage, f"{first:.2f}", f"{last:.2f}", f"{sum(b - a for a, b in times):.2f}")
    return rows


def idle_s(started: float, ended: float) -> tuple[float, float]:
    """Seconds in which no stage worked, and in which exactly one did."""
    outermost = [(a, b) for _, a, b, is_outer in Trace.intervals if is_outer]
    edges = sorted([(a, 1) for a, _ in outermost] + [(b, -1) for _, b in outermost])
    working, since, idle, alone = 0, started, 0.0, 0.0
    for time_, change in (*edges, (ended, 0)):
        idle += (time_ - since) * (working == 0)
        alone += (time_ - since) * (working == 1)
        working, since = working + change, time_
    return idle, alone


if __name__ == "__main__":
    main()
