"""Videos changed at random: whatever comes of each, the run goes on and what it writes is sound."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pieces
from command import avcues

SEED = 7


def mutate(intact: bytes, foreign: bytes, chance: random.Random) -> bytes:
    """Flips bits, cuts pieces out, repeats pieces, or puts one file's beginning before another's rest."""
    data = bytearray(intact)
    kind = chance.choice(("flip", "flip header", "cut", "repeat", "splice", "truncate", "zeros"))
    start = chance.randrange(len(data))
    length = chance.randrange(1, 2000)
    if kind == "flip":
        for _ in range(chance.randrange(1, 200)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif kind == "flip header":
        for _ in range(chance.randrange(1, 20)):
            at = chance.randrange(-3000, 200)  # the index of an MP4 file is at its end
            data[at] ^= 1 << chance.randrange(8)
    elif kind == "cut":
        del data[start : start + length]
    elif kind == "repeat":
        data[start:start] = data[start : start + length]
    elif kind == "splice":
        data = bytearray(foreign[: chance.randrange(len(foreign))]) + data[start:]
    elif kind == "truncate":
        del data[start:]
    else:
        data[start : start + length] = bytes(min(length, len(data) - start))
    return bytes(data)


def test_mutated_videos_crash_nothing(media: Callable[[str], Path], tmp_path: Path, thorough: bool) -> None:
    count = 500 if thorough else 60
    intact = [path.read_bytes() for path in pieces.cut(media("real60.mp4"), tmp_path / "good", 20)]
    intact.append(media("tiny4.mp4").read_bytes())
    chance = random.Random(SEED)
    (tmp_path / "clips").mkdir()
    for number in range(count):
        suffix = chance.choice(("mp4", "mkv", "ts", "avi")) if chance.random() < 0.2 else "mp4"
        content = mutate(chance.choice(intact), chance.choice(intact), chance)
        (tmp_path / "clips" / f"mutant{number:03d}.{suffix}").write_bytes(content)
    out = tmp_path / "out"
    done = avcues(
        *("extract", tmp_path / "clips", "-o", out, "--features", "emobase,rhythm,color,lighting", "--workers", 2),
        timeout=3600,
    )
    assert done.returncode in (0, 1), done.stderr
    records = [json.loads(path.read_text()) for path in (out / "_status").glob("*.json")]
    assert len(records) == count
    assert {record["error_class"] for record in records} <= {None, "MediaError"}, [
        record["error"] for record in records if record["error_class"] not in (None, "MediaError")
    ]
    assert sum(record["state"] == "done" for record in records) > count / 5
    checked = avcues("validate", out)
    assert checked.returncode == 0, checked.stdout
