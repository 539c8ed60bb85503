"""Whether the time of commands per video is independent of the number of videos, and how much memory they take.

    python benchmarks/scale.py VIDEO [--counts 10,300,3000]

The folders hold copies of the tables of a clip of four seconds under other ids, as `avcues extract` would make them,
and hard links to its file. Prints a row per command: processor milliseconds per video, without the time for the first
ten videos, and peak memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from avcues.pipeline.store.documents import write_json
from avcues.pipeline.store.layout import record_path, table_path
from avcues.pipeline.store.parquet import write_table
from avcues.pipeline.store.records import read_record, remember_requested
from avcues.pipeline.store.stamps import stamp

AVCUES = str(Path(sys.executable).with_name("avcues"))
FEATURES = ("--features", "lighting")
FEWEST = 10


def make_folder(video: Path, folder: Path, videos: int) -> None:
    """Makes `folder/clips` and `folder/features` with a number of videos."""
    clips, features = folder / "clips", folder / "features"
    clips.mkdir(parents=True)
    first = clips / "clip00000.mp4"
    cut = ("-v", "error", "-t", "4", "-i", str(video), "-c", "copy", str(first))
    subprocess.run(["ffmpeg", *cut], check=True)
    run("extract", clips, "--out", features, *FEATURES, "--workers", 0)
    ids = [f"clip{number:05}" for number in range(videos)]
    for video_id in ids[1:]:
        os.link(first, clips / f"{video_id}.mp4")
    before = read_record(features, ids[0])
    for name in before["tables"]:
        path = table_path(features, name, ids[0])
        table, metadata = pq.read_table(path), pq.read_metadata(path).metadata
        for video_id in ids[1:]:
            renamed = table.set_column(0, "video_id", pa.array([video_id] * len(table), pa.string()))
            write_table(renamed.replace_schema_metadata(metadata), table_path(features, name, video_id))
    for video_id in ids:
        source = clips / f"{video_id}.mp4"
        stamps = before["stamps"] | {"media": stamp(source)}
        stamps["tables"] = {
            name: [*(stamp(table_path(features, name, video_id)) or ()), mark[-1]]
            for name, mark in before["stamps"]["tables"].items()
        }
        record = before | {"video_id": video_id, "source": str(source.resolve()), "stamps": stamps, "checksums": {}}
        write_json(record, record_path(features, video_id))
    remember_requested(ids, features)


# A small process starts the command, because memory used before `exec` counts towards the child's peak.
_MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def run(*arguments: object) -> tuple[float, float]:
    """Processor seconds and peak memory in MB of a command and its children."""
    command = [sys.executable, "-c", _MEASURE, AVCUES, *map(str, arguments)]
    code, seconds, peak = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.split()
    if int(code):
        raise RuntimeError(f"{arguments} ended with {int(code)}")
    return float(seconds), int(peak) / 1000


def commands(folder: Path) -> dict[str, tuple[object, ...]]:
    features, extract = folder / "features", ("extract", folder / "clips", "--out", folder / "features", *FEATURES)
    return {
        "align to one file": ("align", features, "--out", folder / "rows.parquet"),
        "align to a folder": ("align", features, "--out", folder / "rows"),
        "validate": ("validate", features),
        "status": ("status", features),
        "report": ("report", features, "--out", folder / "report", "--stills", "none", "--workers", 1),
        "extract --dry-run": (*extract, "--dry-run"),
        "extract, nothing to do": (*extract, "--workers", 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--counts", default="300,3000")
    parser.add_argument("--only", default="", help="Commands that begin with this.")
    options = parser.parse_args()
    fixed: dict[str, float] = {}
    print("| command | videos | ms a video | peak memory, MB |\n|---|---|---|---|")
    for videos in (FEWEST, *map(int, options.counts.split(","))):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            make_folder(options.video, folder, videos)
            for name, command in commands(folder).items():
                if not name.startswith(options.only):
                    continue
                seconds, peak = run(*command)
                if videos == FEWEST:
                    fixed[name] = seconds
                else:
                    added_ms = (seconds - fixed[name]) / (videos - FEWEST) * 1000
                    print(f"| {name} | {videos:,} | {added_ms:.2f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    main()
