"""avcues against the usual script and against the floor, on one video and one machine.

    python benchmarks/run.py VIDEO --yolo yolo11n.pt --repeat 3
    python benchmarks/run.py VIDEO --yolo yolo11n.pt --repeat 1 --scaling

Every program runs in a process of its own, one after the other and in turn. Figures are medians (smallest to largest).
Writes benchmark.json and benchmark.md into --out and prints the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import av
import psutil
import pyarrow.parquet as pq
from loop import loop
from rich.console import Console
from rich.table import Table

from avcues.extractors import registry
from avcues.models_cache.cache import CACHE_VARIABLE, cache_dir
from avcues.pipeline.store.provenance import library_versions

HERE = Path(__file__).parent
AVCUES = str(Path(sys.executable).with_name("avcues"))
CHEAP = "emobase,rhythm,color,lighting"
SETS = {  # name: (avcues --features, naive.py --tables); avcues always makes shots
    "without networks": (CHEAP, "emobase,rhythm,color,shots"),
    "all extractors": ("all", "emobase,rhythm,color,shots,scenes,expressions,actions,objects"),
}
PRECISIONS = ("fp32", "bf16", "int8")
PROGRAMS = ("avcues", "avcues bf16", "avcues int8")
PARTS_WITHOUT_NETWORKS = ("decode", "openSMILE")
_LOOK_EVERY_S = 0.2

console = Console()


@dataclass
class Run:
    """One program from start to end.

    Args:
        wall_s: From start to exit.
        processor_s: User and system seconds of all its processes, which other work on the machine distorts less.
        first_table_s: From start to the first finished table.
        peak_mb: Largest sum of the resident memory of its processes; shared pages count for each process.
        seconds: Seconds by stage; avcues sums over its threads.
        video_s: Seconds of avcues for a further video of the same run, with everything loaded; None: other programs.
    """

    wall_s: float
    processor_s: float
    first_table_s: float | None
    peak_mb: float
    seconds: dict[str, float] = field(default_factory=dict)
    video_s: float | None = None


class Bench:
    """The video, the checkpoint, the environment and the scratch folder of all runs."""

    def __init__(self, video: Path, yolo: Path, scratch: Path) -> None:
        self.video, self.yolo, self.scratch = video.resolve(), yolo.resolve(), scratch
        self.environment = {
            **os.environ,
            CACHE_VARIABLE: str(cache_dir()),
            "XDG_CACHE_HOME": str(scratch / "cache"),  # the first run is cold, whatever ran on this machine before
            "YOLO_AUTOINSTALL": "false",
            "YOLO_OFFLINE": "true",
            "YOLO_CONFIG_DIR": str(scratch / "ultralytics"),
        }

    def avcues(
        self,
        features: str,
        *,
        inputs: Path | None = None,
        precision: str = "fp32",
        workers: int | str = 1,
        cores: int | None = None,
        options: Sequence[str] = (),
    ) -> Run:
        """Runs `avcues extract`; the tables stay in the folder `out`.

        Args:
            cores: Number of cores that the run may use; None: all.
        """
        yolo = ["--set", f"objects.variant={self.yolo}"] if features == "all" else []
        command = [AVCUES, "extract", str(inputs or self.video), "--out", str(self.scratch / "out"), "--log-json"]
        command += ["--features", features, "--precision", precision, "--workers", str(workers), *yolo, *options]
        run, _, errors = self._measure(command, cores)
        events = [json.loads(line) for line in errors.splitlines() if line.startswith('{"event"')]
        for event in events:
            if event["event"] == "video":
                run.seconds = event["seconds"]
                run.video_s = event["seconds"]["total"]
        return run

    def further_video_s(self, features: str, precision: str = "fp32") -> float | None:
        """Seconds for the second of two videos in one run."""
        return self.avcues(features, inputs=self.copies(2), precision=precision).video_s

    def copies(self, number: int) -> Path:
        """A folder with the given number of copies of the video."""
        folder = self.scratch / f"videos{number}"
        folder.mkdir(exist_ok=True)
        for i in range(number):
            shutil.copy(self.video, folder / f"{self.video.stem}{i}{self.video.suffix}")
        return folder

    def naive(self, tables: str) -> Run:
        """Runs the usual script."""
        command = [sys.executable, str(HERE / "naive.py"), str(self.video), "--out", str(self.scratch / "out")]
        run, output, _ = self._measure([*command, "--tables", tables, "--yolo", str(self.yolo)])
        run.seconds = json.loads(output.splitlines()[-1])["seconds"]
        return run

    def floor(self) -> dict[str, dict[str, dict[str, float]]]:
        """Seconds of each unavoidable part alone, for the numbers of inputs in the tables in `out`."""
        table = {name: self._table(name) for name in ("timeline", "faces", "actions")}
        counts = {
            "--windows": table["timeline"].num_rows,
            "--faces": table["faces"].num_rows,
            "--clips": sum(table["actions"]["clips"].to_pylist()),
        }
        options = [text for name, count in counts.items() for text in (name, str(count))]
        command = [sys.executable, str(HERE / "floor.py"), str(self.video), "--yolo", str(self.yolo), *options]
        process = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{process.stderr}")
        return json.loads(process.stdout.splitlines()[-1])["parts"]

    def help_s(self) -> float:
        """Time of `avcues --help`."""
        started = time.perf_counter()
        subprocess.run([AVCUES, "--help"], check=True, capture_output=True, env=self.environment)
        return round(time.perf_counter() - started, 3)

    def _table(self, name: str) -> Any:
        return pq.read_table(self.scratch / "out" / name / f"{self.video.stem}.parquet")

    def _measure(self, command: Sequence[str], cores: int | None = None) -> tuple[Run, str, str]:
        out = self.scratch / "out"
        shutil.rmtree(out, ignore_errors=True)
        with (self.scratch / "stdout").open("w") as stdout, (self.scratch / "stderr").open("w") as stderr:
            started, used = time.perf_counter(), processor_s_of_children()
            process = psutil.Popen(command, stdout=stdout, stderr=stderr, env=self.environment)
            if cores is not None:
                process.cpu_affinity(process.cpu_affinity()[:cores])
            first, peak = None, 0
            while not ended(process):
                peak = max(peak, resident_bytes(process))
                if first is None and any(path.suffix in (".parquet", ".csv") for path in out.glob("**/*.*")):
                    first = round(time.perf_counter() - started, 3)
            wall, used = time.perf_counter() - started, processor_s_of_children() - used
        output, errors = ((self.scratch / name).read_text() for name in ("stdout", "stderr"))
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} exited with {process.returncode}:\n{errors}")
        return Run(round(wall, 3), round(used, 3), first, round(peak / 1e6)), output, errors


def processor_s_of_children() -> float:
    """User and system seconds of all child processes that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ended(process: psutil.Popen) -> bool:
    """Waits up to `_LOOK_EVERY_S` for the end of a process; reading its memory more often would slow it down."""
    try:
        process.wait(timeout=_LOOK_EVERY_S)
    except psutil.TimeoutExpired:
        return False
    return True


def resident_bytes(process: psutil.Process) -> int:
    """Resident memory of a process and all its descendants."""
    total = 0
    try:
        for member in (process, *process.children(recursive=True)):
            total += member.memory_info().rss
    except psutil.NoSuchProcess:  # a process has just ended
        pass
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--yolo", type=Path, required=True, help="Checkpoint of Ultralytics YOLO")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--scaling", action="store_true", help="Also lengths, numbers of videos and workers")
    parser.add_argument("--scaling-features", default=CHEAP, help="Features of --scaling: %(default)s")
    parser.add_argument("--lengths", default="1,5,30", help="Minutes, for --scaling: %(default)s")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="avcues-benchmark-") as temporary:
        bench = Bench(arguments.video, arguments.yolo, Path(temporary))
        with av.open(str(bench.video)) as container:
            video = {"name": bench.video.name, "seconds": container.duration / av.time_base}
        results: dict[str, Any] = {"machine": machine(), "video": video, "start": start(bench)}
        results |= compare(bench, arguments.repeat)
        if arguments.scaling:
            lengths = [float(minutes) for minutes in arguments.lengths.split(",")]
            results["scaling"] = scaling(bench, arguments.scaling_features, lengths)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "benchmark.json").write_text(json.dumps(results, indent=1) + "\n")
    tables = [totals(results), stages(results), starts(results)]
    if arguments.scaling:
        tables.append(scaling_table(results["scaling"]))
    facts = [f"{name}: {value}" for name, value in results["machine"].items()]
    length = f"{video['name']}, {video['seconds']:.1f} s, {arguments.repeat} repetitions"
    blocks = [f"# Benchmark: {length}", "\n".join(f"- {fact}" for fact in facts), *map(markdown, tables)]
    (arguments.out / "benchmark.md").write_text("\n\n".join(blocks) + "\n")
    for table in tables:
        console.print(table)


def start(bench: Bench) -> dict[str, Any]:
    """Time of --help, and the first run of all, which converts networks."""
    results = {
        "help_s": [bench.help_s() for _ in range(5)],
        "cold": asdict(announced("cold start", bench.avcues("all"))),
    }
    announced("first librosa of the usual script, not counted", bench.naive("rhythm"))
    return results


def compare(bench: Bench, repetitions: int) -> dict[str, Any]:
    """All programs in turn."""
    runs: dict[str, dict[str, list[Any]]] = {name: {program: [] for program in ("naive", *PROGRAMS)} for name in SETS}
    floors = []
    for repetition in range(1, repetitions + 1):
        for name, (features, tables) in SETS.items():
            runs_of_set, label = runs[name], f"{repetition}/{repetitions} {name}"
            runs_of_set["naive"].append(asdict(announced(f"{label}: naive", bench.naive(tables))))
            for program in PROGRAMS if features == "all" else PROGRAMS[:1]:
                precision = precision_of(program)
                further_s = bench.further_video_s(features, precision)
                run = announced(f"{label}: {program}", bench.avcues(features, precision=precision))
                runs_of_set[program].append(asdict(replace(run, video_s=further_s)))
        floors.append(bench.floor())
        console.print(f"{repetition}/{repetitions} floor: {floor_s(floors[-1], 'all extractors', 'fp32'):.1f} s")
    return {
        "runs": {name: {k: v for k, v in runs_of_set.items() if v} for name, runs_of_set in runs.items()},
        "floor": floors,
    }


def scaling(bench: Bench, features: str, lengths: Sequence[float]) -> list[dict[str, Any]]:
    """Longer videos, and several with one and two workers."""
    rows = []
    long = bench.scratch / f"long{bench.video.suffix}"
    for minutes in lengths:
        loop(bench.video, long, minutes)
        run = announced(f"{minutes:g} min", bench.avcues(features, inputs=long))
        rows.append({"what": f"1 video of {minutes:g} min", "workers": 1, **asdict(run)})
    long.unlink()
    for videos, workers, cores in ((1, 1, 1), (8, 1, 1), (1, 1, 2), (8, 1, 2), (2, 2, 2), (8, 2, 2)):
        run = bench.avcues(features, inputs=bench.copies(videos), workers=workers, cores=cores)
        announced(f"{videos} videos, {workers} workers, {cores} cores", run)
        rows.append({"what": f"{videos} videos, {cores} cores", "workers": workers, **asdict(run)})
    return rows


def precision_of(program: str) -> str:
    """The precision of one of `PROGRAMS`."""
    return program.partition(" ")[2] or "fp32"


def announced(label: str, run: Run) -> Run:
    """Prints a line about a run, and returns it."""
    console.print(f"{label}: {run.wall_s:.1f} s, {run.peak_mb:.0f} MB")
    return run


def floor_s(parts: dict[str, dict[str, Any]], name: str, precision: str) -> float:
    """Sum of the parts in a precision; each network counts with its fastest precision allowed in such a run."""
    chosen = parts.values() if name == "all extractors" else [parts[part] for part in PARTS_WITHOUT_NETWORKS]
    allowed = PRECISIONS[: PRECISIONS.index(precision) + 1]
    return sum(min(part[faster]["seconds"] for faster in allowed if faster in part) for part in chosen)


def totals(results: dict[str, Any]) -> Table:
    """Whole runs beside each other."""
    table = Table(title="Whole runs")
    for column in (
        "tables",
        "program",
        "wall s",
        "processor s",
        "x real time",
        "peak MB",
        "naive / it",
        "floor s",
        "it / floor",
    ):
        table.add_column(column)
    table.add_column("a further video s")
    table.add_column("a further video / floor")
    for name, programs in results["runs"].items():
        naive = [run["wall_s"] for run in programs["naive"]]
        for program, runs in programs.items():
            wall = [run["wall_s"] for run in runs]
            precision = precision_of(program)
            floors = [floor_s(parts, name, precision) for parts in results["floor"]]
            table.add_row(
                name,
                program,
                spread(wall),
                spread([run["processor_s"] for run in runs]),
                spread([results["video"]["seconds"] / s for s in wall]),
                spread([run["peak_mb"] for run in runs], digits=0),
                spread([a / b for a, b in zip(naive, wall, strict=True)], digits=2),
                spread(floors),
                spread([a / b for a, b in zip(wall, floors, strict=True)], digits=2),
                spread(further := [run["video_s"] for run in runs if run["video_s"] is not None]),
                spread([a / b for a, b in zip(further, floors, strict=False)], digits=2),
            )
    return table


def stages(results: dict[str, Any]) -> Table:
    """Seconds of each stage of the runs with all extractors, and of the parts of the floor."""
    programs = {name: [run["seconds"] for run in runs] for name, runs in results["runs"]["all extractors"].items()}
    for precision in PRECISIONS:
        programs[f"floor {precision}"] = [
            {
                FLOOR_STAGES.get(part, part): times[precision]["seconds"]
                for part, times in parts.items()
                if precision in times
            }
            for parts in results["floor"]
        ]
    table = Table(title="Stages, all extractors (seconds; avcues' run at once and are summed over its threads)")
    for column in ("stage", *programs):
        table.add_column(column)
    for stage in dict.fromkeys(stage for runs in programs.values() for run in runs for stage in run):
        cells = [[run[stage] for run in runs if stage in run] for runs in programs.values()]
        table.add_row(stage, *(spread(cell, digits=2) if cell else "-" for cell in cells))
    return table


FLOOR_STAGES = {"openSMILE": "emobase", "face detector": "expressions: faces"}


def starts(results: dict[str, Any]) -> Table:
    """How long it takes until something happens."""
    warm = results["runs"]["all extractors"]["avcues"]
    table = Table(title="Start")
    for column in ("what", "s"):
        table.add_column(column)
    table.add_row("avcues --help", spread(results["start"]["help_s"], digits=2))
    table.add_row("cold start, all extractors, whole run", f"{results['start']['cold']['wall_s']:.1f}")
    table.add_row("warm start, all extractors, whole run", spread([run["wall_s"] for run in warm]))
    for name, programs in results["runs"].items():
        for program, runs in programs.items():
            times = [run["first_table_s"] for run in runs if run["first_table_s"] is not None]
            table.add_row(f"first table, {name}, {program}", spread(times))
    return table


def scaling_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Lengths, numbers of videos and workers."""
    table = Table(title="Scaling")
    for column in ("what", "workers", "wall s", "the last video s", "peak MB"):
        table.add_column(column)
    for row in rows:
        cells = (row["what"], str(row["workers"]), f"{row['wall_s']:.1f}", f"{row['video_s']:.1f}")
        table.add_row(*cells, f"{row['peak_mb']:.0f}")
    return table


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Median, and smallest to largest if there are several."""
    if not values:
        return "-"
    text = f"{statistics.median(values):.{digits}f}"
    return text if len(values) == 1 else f"{text} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def markdown(table: Table) -> str:
    """The same table in Markdown."""
    rows = [[str(column.header) for column in table.columns], ["---"] * len(table.columns)]
    rows += [list(row) for row in zip(*(column.cells for column in table.columns), strict=True)]
    return f"## {table.title}\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows)


def machine() -> dict[str, Any]:
    """The machine and the versions that the figures depend on."""
    import importlib.metadata

    cpu = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    by_extractor = (library_versions(registry.create(name), "cpu") for name in registry.names())
    versions = {name: version for libraries in by_extractor for name, version in libraries.items()} | {
        name: importlib.metadata.version(name) for name in ("torch", "openvino", "ultralytics-opencv-headless")
    }
    return {
        "processor": cpu,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


if __name__ == "__main__":
    main()
