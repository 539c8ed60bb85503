"""How fast a study's server acknowledges the traces of many raters at once, each sent at real time as a page sends it.

    .venv/bin/python benchmarks/collection.py --raters 50 --seconds 60

Every client is a rater who begins a clip, sends a batch of 60 movements, 25 frames and 10 clock readings each second,
and answers at the end. A batch is acknowledged when it is on the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from collecting import FPS_25, PLANE, QUIET, design, numbered_clip, serving

RESULTS = Path(__file__).parent / "results"
MOVES_PER_S, FRAMES_PER_S, CLOCK_PER_S = 60, 25, 10


def events(second: int) -> list[list[object]]:
    """The events of one second, as a page sends them."""
    start = 1000.0 * second
    trace: list[list[object]] = [
        ["m", round(start + i * 1000 / MOVES_PER_S, 2), round(0.5 + 0.4 * np.sin(second + i / 60), 5), 0.5]
        for i in range(MOVES_PER_S)
    ]
    for i in range(FRAMES_PER_S):
        frame_ms = start + i * 1000 / FRAMES_PER_S
        trace.append(
            ["f", round(frame_ms, 2), round(frame_ms + 16.7, 2), second + i / FRAMES_PER_S, second * FRAMES_PER_S + i]
        )
    trace += [["c", round(start + i * 100, 2), second + i / CLOCK_PER_S] for i in range(CLOCK_PER_S)]
    return sorted(trace, key=lambda event: float(event[1]))  # type: ignore[arg-type]


async def rate(base: str, join: str, number: int, seconds: int, answers_s: dict[str, list[float]]) -> tuple[str, int]:
    """One rater; returns the attempt and the number of its batches."""
    tab, attempt = f"tab-of-rater-{number:03}", f"attempt-of-rater-{number:03}"

    async with httpx.AsyncClient(base_url=base, timeout=60, verify=False) as client:  # plain HTTP

        async def post(kind: str, path: str, content: dict[str, object]) -> dict[str, object]:
            began = time.perf_counter()
            answer = await client.post(path, json=content)
            answers_s.setdefault(kind, []).append(time.perf_counter() - began)
            assert answer.status_code == 200, (path, answer.status_code, answer.text)
            return dict(answer.json())

        await asyncio.sleep(number * 0.1)
        rater = f"/r/{(await post('join', join, {'outside': ''}))['rater']}"
        step = await post("next step", f"{rater}/next", {"tab": tab, "device": {}})
        assert step["step"] == "trial", step
        clip = await client.get(f"{rater}/clip/{step['item']}")
        assert clip.status_code == 200
        await asyncio.sleep(2 + (number * 0.618) % 1)  # raters do not begin at the same instant
        start = asyncio.get_running_loop().time()
        for second in range(seconds):
            await asyncio.sleep(max(0.0, start + second + 1 - asyncio.get_running_loop().time()))
            batch = {"tab": tab, "attempt": attempt, "item": step["item"], "number": second, "events": events(second)}
            await post("batch", f"{rater}/batch", batch)
        done = {"tab": tab, "item": step["item"], "attempt": attempt, "batches": seconds, "answers": {}}
        await post("answers", f"{rater}/done", done)
    return attempt, seconds


async def run(raters: str, count: int, seconds: int) -> tuple[dict[str, list[float]], dict[str, int]]:
    parts = urlsplit(raters)
    answers_s: dict[str, list[float]] = {}
    base = f"{parts.scheme}://{parts.netloc}"
    sent = await asyncio.gather(*(rate(base, parts.path, i, seconds, answers_s) for i in range(count)))
    return answers_s, dict(sent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raters", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--folder", type=Path, help="Where the study lies, on the disk that is to be measured.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
        root = Path(temporary)
        (root / "clips").mkdir()
        numbered_clip(root / "clips" / "a.mp4", FPS_25, beeps=(1,), seconds=5)
        study = root / "study"
        study.mkdir()
        assignment = f'rule = "every setup"\nratings_per_cell = {arguments.raters}'
        text = design(root / "clips", setups="av=picture+sound", assignment=assignment, rest=PLANE + QUIET)
        (study / "study.toml").write_text(text)
        with serving(study) as served:
            answers_s, sent = asyncio.run(run(served.raters, arguments.raters, arguments.seconds))
            cpu = subprocess.run(
                ["ps", "-o", "cputimes=,rss=", "-p", str(served.process.pid)], capture_output=True, text=True
            )
            cpu_s, memory_kb = map(int, cpu.stdout.split())
        with sqlite3.connect(study / "study.sqlite") as connection:
            rows = connection.execute("SELECT attempt, number, events FROM batches").fetchall()
            size = (study / "study.sqlite").stat().st_size
        expected = {(attempt, number): events(number) for attempt, count in sent.items() for number in range(count)}
        stored = {(attempt, number): json.loads(text) for attempt, number, text in rows}
        wrong = sum(stored.get(key) != value for key, value in expected.items()) + len(stored.keys() - expected.keys())
    table = ["| request | requests | median ms | 95 % | 99 % | slowest |", "|---|---|---|---|---|---|"]
    figures = {}
    for kind, seconds in answers_s.items():
        ms = np.array(seconds) * 1000
        figures[kind] = [round(float(value), 1) for value in (*np.percentile(ms, [50, 95, 99]), ms.max())]
        table.append(f"| {kind} | {len(ms)} | " + " | ".join(f"{value:.1f}" for value in figures[kind]) + " |")
    summary = [
        f"{arguments.raters} raters at once, {arguments.seconds} s each, clients and server on the same machine.",
        "",
        *table,
        "",
        f"{len(expected)} batches sent, {len(stored)} stored, {wrong} lost, doubled or changed.",
        f"Server: {cpu_s} s of one core, {memory_kb / 1024:.0f} MiB; database {size / 1e6:.1f} MB.",
    ]
    print("\n".join(summary))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "collection.md").write_text("# Collecting ratings\n\n" + "\n".join(summary) + "\n")
    assert not wrong


if __name__ == "__main__":
    main()
