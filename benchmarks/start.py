"""How long avcues takes to start: processor time of the command and of its worker, and wall time.

    python benchmarks/start.py VIDEO
    python benchmarks/start.py VIDEO --against ../avcues-before

Extracts colour from a short video, by one worker and in the command's own process, and shows the help. Figures are
processor seconds (user and system) of the command, of its worker, and seconds on the clock. With --against, another
copy of avcues is measured in turn. Writes start.md into --out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from cpu_side import spread
from rich.table import Table

HERE = Path(__file__).parent
_TIMED = """
import atexit, json, resource, sys, time
started = time.perf_counter()
report = sys.argv.pop(1)

def write() -> None:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = [*(u.ru_utime + u.ru_stime for u in used), time.perf_counter() - started]
    with open(report, "w") as file:
        json.dump(seconds, file)

atexit.register(write)
from avcues.pipeline.cli.app import main
main()
"""
FIGURES = ("command, processor", "worker, processor", "clock")


def main() -> None:
    from run import console, machine, markdown

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--against", type=Path, help="Root of another copy of avcues, measured in turn with this one")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    copies = {"avcues": HERE.parent} | ({"the other copy": arguments.against.resolve()} if arguments.against else {})
    extraction = ["extract", str(arguments.video.resolve()), "--features", "color"]
    commands = {
        "extract, one worker": [*extraction, "--workers", "1"],
        "extract, no worker": [*extraction, "--workers", "0"],
        "--help": ["--help"],
    }
    seconds: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for repetition in range(arguments.repeat + 1):
        for name, command in commands.items():
            for copy, root in copies.items():
                measured = timed(root, command)
                if repetition:  # the first compiles the modules
                    seconds[name, copy].append(measured)
    table = Table(title="Seconds from start to end")
    for column in ("what", "code", *FIGURES):
        table.add_column(column)
    for (name, copy), runs in seconds.items():
        table.add_row(name, copy, *(spread(list(figure)) for figure in zip(*runs, strict=True)))
    arguments.out.mkdir(parents=True, exist_ok=True)
    facts = "\n".join(f"- {name}: {value}" for name, value in machine().items())
    title = f"# Starting: {arguments.video.name}, {arguments.repeat} repetitions"
    (arguments.out / "start.md").write_text("\n\n".join([title, facts, markdown(table)]) + "\n")
    console.print(table)


def timed(root: Path, command: list[str]) -> list[float]:
    """The `FIGURES` of one command of the copy of avcues in a folder."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "seconds.json"
        options = ["--out", f"{folder}/out"] if command[0] == "extract" else []
        process = subprocess.run(
            [sys.executable, "-P", "-c", _TIMED, str(report), *command, *options],
            env=os.environ | {"PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{process.stderr}")
        return list(json.loads(report.read_text()))


if __name__ == "__main__":
    main()
