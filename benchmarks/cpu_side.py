"""Processor time beside the networks, which limits the hours of video per hour on a machine with GPUs.

    python benchmarks/cpu_side.py VIDEO
    python benchmarks/cpu_side.py VIDEO --against ../avcues-before

Every network is replaced by a constant of the right shape; the steps before and after it remain. One worker makes all
tables of the video in one thread, so that nothing waits. The figures are processor seconds (user and system) of all its
threads per minute of video, next to those of decoding alone by FFmpeg's libraries in one thread, measured in the same
process right before and after. Stages are timed in another pass, because reading clocks takes time. Starting (imports,
libraries that load on first use) is counted separately. With --against, another copy of avcues is measured in turn.
Writes cpu_side.json and cpu_side.md into --out.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from decoding import decode
from rich.table import Table

HERE = Path(__file__).parent
CHEAP = ("emobase", "rhythm", "color", "lighting")
SETS = {"cheap": CHEAP, "all": (*CHEAP, "expressions", "scenes", "objects", "actions")}
WITHOUT_A_CLOCK = "openSMILE's thread and the rest"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--against", type=Path, help="Root of another copy of avcues, measured in turn with this one")
    parser.add_argument("--cores", default="1,2,8,16", help="Numbers of cores to predict for: %(default)s")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--measure", choices=SETS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.video, arguments.measure)))
        return
    report(arguments)


def measure(video: Path, features: str) -> dict[str, Any]:
    """Processor seconds of one video in this process, which must have just started."""
    if features == "all":
        from constant_networks import replace_networks

        replace_networks()
    from avcues.extractors.compute import Compute
    from avcues.pipeline.extraction import video as extraction
    from avcues.pipeline.extraction.stopwatch import Stopwatch
    from avcues.pipeline.runtime.settings import Settings
    from avcues.pipeline.store.video_input import VideoInput

    options = {
        "scenes": {"variant": "resnet50"},
        "expressions": {"variant": "vgg19", "detector": "yunet"},
        "objects": {"variant": "yolo11n"},
        "actions": {"variant": "i3d_rgb_imagenet"},
    }
    settings = Settings(
        features=SETS[features],
        options=options if features == "all" else {},
        compute=Compute(device="cpu", threads=1),
    )
    extractors = settings.create_extractors()
    for extractor in extractors:
        for module in extractor.imports:
            importlib.import_module(module)
    imports_s = processor_s()
    measurements = extraction.Measurements(extractors=extractors, step=settings.step, compute=settings.compute)

    def once() -> tuple[float, Any]:
        with tempfile.TemporaryDirectory() as out:
            started = processor_s()
            result = extraction.process_video(VideoInput(video.stem, str(video)), measurements, Path(out))
            assert result.state == "done", result.error
            return processor_s() - started, result

    once()  # loads libraries on first use, and lets the networks compute their constants
    decode_s = [clocked(partial(decode, video))]
    total_s, result = once()
    decode_s.append(clocked(partial(decode, video)))
    # Reading a thread's clock is a system call; thousands of them would distort the total.
    extraction.Stopwatch = partial(Stopwatch, time.thread_time)  # type: ignore[misc,assignment]
    clocked_s, result = once()
    minutes = result.duration_s / 60
    stages = {name: s / minutes for name, s in result.seconds.items() if name != "total"}
    stages[WITHOUT_A_CLOCK] = clocked_s / minutes - sum(stages.values())
    return {
        "imports": imports_s,
        "decoding": statistics.mean(decode_s) / minutes,
        "total": total_s / minutes,
        "stages": stages,
    }


def processor_s() -> float:
    """User and system seconds so far of all threads of this process and of children that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def clocked(work: Any) -> float:
    """Processor seconds of a call."""
    started = processor_s()
    work()
    return processor_s() - started


def report(arguments: argparse.Namespace) -> None:
    """Measures all copies and sets in turn, and writes the tables."""
    from run import console, machine, markdown

    copies = {"avcues": HERE.parent} | ({"the other copy": arguments.against.resolve()} if arguments.against else {})
    runs: dict[str, dict[str, list[Any]]] = {name: {copy: [] for copy in copies} for name in SETS}
    for _ in range(arguments.repeat):
        for name in SETS:
            for copy, root in copies.items():
                runs[name][copy].append(in_a_process(root, arguments.video, name))
                console.print(f"{name}, {copy}: {runs[name][copy][-1]['total']:.2f} s a minute", style="dim")
    cores = [int(text) for text in arguments.cores.split(",")]
    tables = [totals(runs, cores), *(stages(name, by_copy) for name, by_copy in runs.items())]
    arguments.out.mkdir(parents=True, exist_ok=True)
    results = {"machine": machine(), "video": arguments.video.name, "runs": runs}
    (arguments.out / "cpu_side.json").write_text(json.dumps(results, indent=1) + "\n")
    facts = "\n".join(f"- {name}: {value}" for name, value in results["machine"].items())
    title = f"# Processor time beside the networks: {arguments.video.name}, {arguments.repeat} repetitions"
    (arguments.out / "cpu_side.md").write_text("\n\n".join([title, facts, *map(markdown, tables)]) + "\n")
    for table in tables:
        console.print(table)


def in_a_process(root: Path, video: Path, name: str) -> dict[str, Any]:
    """One measurement, in a fresh process that imports avcues from the given folder."""
    from avcues.pipeline.runtime.worker_child import ENVIRONMENT

    command = [sys.executable, "-P", str(HERE / "cpu_side.py"), str(video.resolve()), "--measure", name]
    path = {"PYTHONPATH": f"{root}{os.pathsep}{HERE}"}
    environment = os.environ | ENVIRONMENT | path
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=HERE)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{process.stderr}")
    return json.loads(process.stdout.splitlines()[-1])


def totals(runs: dict[str, dict[str, list[Any]]], cores: list[int]) -> Table:
    """Totals of all and of the cheap features, next to decoding alone, and the hours of video per hour that follow."""
    table = Table(title="Processor seconds per minute of video, networks replaced by constants")
    columns = ["features", "code", "all", "decoding alone", "all / decoding", "imports, once"]
    columns += [f"hours of video per hour, {n} cores" for n in cores]
    for column in columns:
        table.add_column(column)
    for name, by_copy in runs.items():
        for copy, results in by_copy.items():
            total = [run["total"] for run in results]
            ratios = [run["total"] / run["decoding"] for run in results]
            cells = [name, copy, spread(total), spread([run["decoding"] for run in results]), spread(ratios)]
            cells.append(spread([run["imports"] for run in results], 1))
            table.add_row(*cells, *(f"{n * 60 / statistics.median(total):.0f}" for n in cores))
    return table


def stages(name: str, by_copy: dict[str, list[Any]]) -> Table:
    """Where the time goes, by stage."""
    table = Table(title=f"By stage, {name} features (processor seconds per minute of video)")
    for column in ("stage", *by_copy):
        table.add_column(column)
    names = dict.fromkeys(stage for results in by_copy.values() for run in results for stage in run["stages"])
    for stage in (*(n for n in names if n != WITHOUT_A_CLOCK), WITHOUT_A_CLOCK):
        cells = []
        for results in by_copy.values():
            seconds = [run["stages"][stage] for run in results if stage in run["stages"]]
            cells.append(spread(seconds) if seconds else "-")
        table.add_row(stage, *cells)
    return table


def spread(values: list[float], digits: int = 2) -> str:
    """Median (smallest to largest)."""
    middle, low, high = (f"{value:.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({low} to {high})"


if __name__ == "__main__":
    main()
