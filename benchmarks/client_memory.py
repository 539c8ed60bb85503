"""How the memory of the process that the user starts grows with the number of videos.

    python benchmarks/client_memory.py --videos 2000             # real, tiny sound files
    python benchmarks/client_memory.py --videos 100000 --absent  # a list of missing files: instant failures

Prints one JSON object: resident memory in MB after 5 % of the videos and at its largest, and the growth between them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import numpy as np
import psutil

AVCUES = str(Path(sys.executable).with_name("avcues"))


def write_list(folder: Path, videos: int, absent: bool) -> Path:
    """A list of videos; the first always exists, because a list without any existing file is refused."""
    sound = folder / "sound.wav"
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(np.random.default_rng(0).normal(0, 2000, 8000).astype("<i2").tobytes())
    lines = [f"video{n},{'absent.wav' if absent and n else 'sound.wav'}" for n in range(videos)]
    (folder / "list.csv").write_text("\n".join(["video_id,path", *lines]) + "\n")
    return folder / "list.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=2000)
    parser.add_argument("--absent", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        video_list = write_list(folder, arguments.videos, arguments.absent)
        out = folder / "out"
        command = [AVCUES, "extract", str(video_list), "-o", str(out), "--features", "emobase"]
        log = (folder / "log").open("wb")
        started = time.perf_counter()
        run = subprocess.Popen([*command, "--workers", str(arguments.workers)], stderr=log)
        client = psutil.Process(run.pid)
        early, largest = 0, 0
        while run.poll() is None:
            try:
                resident = client.memory_info().rss
            except psutil.NoSuchProcess:
                break
            largest = max(largest, resident)
            if not early and (folder / "log").read_bytes().count(b"\n") > arguments.videos / 20:
                early = resident
            time.sleep(0.5)
        last = (folder / "log").read_text().strip().splitlines()[-1].partition(":")[0]
    figures = {
        "videos": arguments.videos,
        "absent": arguments.absent,
        "exit_code": run.wait(),
        "summary": last,
        "seconds": round(time.perf_counter() - started, 1),
        "early_mb": round(early / 1e6, 1),
        "largest_mb": round(largest / 1e6, 1),
        "growth_mb": round((largest - early) / 1e6, 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
