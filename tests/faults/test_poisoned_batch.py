"""A batch in which many videos are bad, some of them in the worst way: the good ones are all done."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pieces
import pytest
import saboteur
from command import AVCUES, avcues
from installed import install

_FEATURES = ("--features", "emobase,color,saboteur")


def _truncated(path: Path, intact: bytes, chance: random.Random) -> None:
    path.write_bytes(intact[: chance.randrange(100, len(intact) // 2)])


def _empty(path: Path, intact: bytes, chance: random.Random) -> None:
    path.write_bytes(b"")


def _random_bytes(path: Path, intact: bytes, chance: random.Random) -> None:
    path.write_bytes(chance.randbytes(len(intact)))


def _wrong_suffix(path: Path, intact: bytes, chance: random.Random) -> None:
    path.write_text("This is a text file.\n" * 100)


def _crash(path: Path, intact: bytes, chance: random.Random) -> None:
    pieces.plain(path, saboteur.CRASH)


def _hang(path: Path, intact: bytes, chance: random.Random) -> None:
    pieces.plain(path, saboteur.HANG)


_CAUSE = {
    _truncated: "MediaError",
    _empty: "MediaError",
    _random_bytes: "MediaError",
    _wrong_suffix: "MediaError",
    _crash: "WorkerDiedError",
    _hang: "TimeLimitError",
}


def test_every_good_video_is_done_and_every_bad_one_recorded_with_its_cause(
    media: Callable[[str], Path], tmp_path: Path, thorough: bool
) -> None:
    count, of_each = (200, 5) if thorough else (20, 1)
    clips = pieces.cut(media("real60.mp4"), tmp_path / "clips", count)
    chance = random.Random(0)
    poisoned = dict(zip(chance.sample(clips, of_each * len(_CAUSE)), list(_CAUSE) * of_each, strict=True))
    for path, poison in poisoned.items():
        poison(path, path.read_bytes(), chance)
    out = tmp_path / "out"
    environment = install(tmp_path / "site", "saboteur", "Saboteur")
    limits = ("--time-limit", 20, "--memory-limit", "4GiB")

    done = avcues(
        "extract",
        tmp_path / "clips",
        "-o",
        out,
        *_FEATURES,
        "--workers",
        2,
        *limits,
        environment=environment,
        timeout=1800,
    )

    assert done.returncode == 1, done.stderr
    records = {path.stem: json.loads(path.read_text()) for path in (out / "_status").glob("*.json")}
    assert records.keys() == {clip.stem for clip in clips}
    expected_causes = {clip.stem: _CAUSE[poisoned[clip]] if clip in poisoned else None for clip in clips}
    assert {video_id: record["error_class"] for video_id, record in records.items()} == expected_causes
    assert all(record["error"].count("\n") == 0 for record in records.values() if record["error"])
    assert f"{count - len(poisoned)} of {count} videos done, {len(poisoned)} failed" in done.stderr
    crashed = next(record["error"] for record in records.values() if record["error_class"] == "WorkerDiedError")
    assert "SIGABRT in process_frames (saboteur.py:" in crashed
    assert avcues("validate", out, environment=environment).returncode == 0

    status = avcues("status", out, "--json", environment=environment)
    assert status.returncode == 1
    groups = Counter()
    for group in json.loads(status.stdout)["failures"]:
        groups[group["error_class"]] += len(group["video_ids"])
    assert groups == Counter(_CAUSE[poison] for poison in poisoned.values())


def test_a_video_that_needs_too_much_memory_is_given_up(tmp_path: Path) -> None:
    environment = install(tmp_path / "site", "saboteur", "Saboteur")
    greedy = pieces.plain(tmp_path / "greedy.mp4", saboteur.EAT)
    modest = pieces.plain(tmp_path / "modest.mp4", (10, 20, 30))
    out = tmp_path / "out"
    done = avcues(
        *("extract", greedy, modest, "-o", out, "--features", "saboteur", "--workers", 1, "--memory-limit", "1500MiB"),
        environment=environment,
    )
    assert done.returncode == 1
    assert "greedy.mp4: needs more than 1.5 GiB of memory; raise --memory-limit to allow that" in done.stderr
    assert json.loads((out / "_status" / "greedy.json").read_text())["error_class"] == "MemoryLimitError"
    assert (out / "saboteur" / "modest.parquet").exists()


def test_by_default_a_video_may_not_need_more_than_the_machine_has(tmp_path: Path) -> None:
    environment = install(tmp_path / "site", "saboteur", "Saboteur")
    greedy = pieces.plain(tmp_path / "greedy.mp4", saboteur.EAT)
    command = (AVCUES, "extract", greedy, "-o", tmp_path / "out", "--features", "saboteur")
    done = subprocess.run(
        # The kernel does not enforce this limit; it tells programs how much memory is theirs.
        ["sh", "-c", 'ulimit -m 1536000 && exec "$@"', "sh", *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment,
    )
    assert done.returncode == 1
    assert "greedy.mp4: needs more than 1.3 GiB of memory; raise --memory-limit to allow that" in done.stderr


def test_memory_that_earlier_videos_left_behind_is_not_counted_against_the_next(tmp_path: Path) -> None:
    environment = install(tmp_path / "site", "saboteur", "Saboteur")
    leaky = [pieces.plain(tmp_path / f"leaky{level}.mp4", (level, level, level)) for level in (210, 230, 250)]
    out = tmp_path / "out"
    done = avcues(
        *("extract", *leaky, "-o", out, "--features", "saboteur", "--workers", 1, "--memory-limit", "1600MiB"),
        environment=environment,
    )
    assert done.returncode == 0, done.stderr
    records = [json.loads(path.read_text()) for path in (out / "_status").glob("*.json")]
    assert sorted(record["retries"] for record in records) == [0, 0, 1]


@pytest.mark.parametrize(("workers", "fault"), [(1, saboteur.BREAK_DEVICE), (0, saboteur.BREAK_NETWORK)])
def test_a_fault_that_sticks_costs_no_other_video_anything(
    tmp_path: Path, workers: int, fault: tuple[int, int, int]
) -> None:
    environment = install(tmp_path / "site", "saboteur", "Saboteur")
    # The largest file comes first, and breaks what the others use.
    first = pieces.plain(tmp_path / "first.mp4", fault)
    first.write_bytes(first.read_bytes() + bytes(50_000))
    intact_clips = [pieces.plain(tmp_path / f"good{number}.mp4", (10 * number, 20, 30)) for number in range(3)]
    done = avcues(
        *("extract", first, *intact_clips, "-o", tmp_path / "out", "--features", "saboteur", "--workers", workers),
        environment=environment,
    )
    assert done.returncode == 1
    assert "3 of 4 videos done, 1 failed" in done.stderr
    records = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "out" / "_status").glob("*.json")}
    assert {name for name, record in records.items() if record["state"] == "done"} == {
        path.stem for path in intact_clips
    }
    assert records["first"]["error_class"] == "RuntimeError"
    assert "first.mp4: RuntimeError: CUDA error: an illegal memory access was encountered second line" in done.stderr
    assert {name: record["retries"] for name, record in records.items()} == {
        **{path.stem: 0 for path in intact_clips},
        "first": 1,
    }


def test_a_fault_that_has_passed_costs_nothing(tmp_path: Path) -> None:
    environment = install(tmp_path / "site", "saboteur", "Saboteur")
    clip = pieces.plain(tmp_path / "clip.mp4", saboteur.CRASH_ONCE)
    command = ("extract", clip, "-o", tmp_path / "out", "--features", "saboteur", "--workers", 1)
    done = avcues(*command, environment=environment | {saboteur.MARK: str(tmp_path / "mark")})
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "_status" / "clip.json").read_text())["retries"] == 1


@pytest.mark.parametrize(("option", "failures"), [(("--fail-fast",), 1), (("--max-failures", 2), 2)])
def test_a_run_stops_after_so_many_failures(
    media: Callable[[str], Path], tmp_path: Path, option: tuple[object, ...], failures: int
) -> None:
    for number in range(6):
        (tmp_path / f"empty{number}.mp4").touch()
    clip = tmp_path / "tiny4.mp4"
    clip.write_bytes(media("tiny4.mp4").read_bytes())
    names = [str(tmp_path / f"empty{number}.mp4") for number in range(6)]
    done = avcues("extract", clip, *names, "-o", tmp_path / "out", "--features", "color", "--workers", 0, *option)
    assert done.returncode == 1
    assert f"stopped after {failures} failure" in done.stderr
    assert f"1 of 7 videos done, {failures} failed, {6 - failures} queued or dropped" in done.stderr
    status = json.loads(avcues("status", tmp_path / "out", "--json").stdout)
    assert len(status["queued"]) == 6 - failures


def test_log_json_is_one_object_per_video(media: Callable[[str], Path], tmp_path: Path) -> None:
    done = avcues(
        *("extract", media("tiny4.mp4"), media("truncated_nomoov.mp4"), "-o", tmp_path / "out"),
        *("--features", "color", "--workers", 1, "--log-json"),
    )
    assert done.stderr == ""
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == ["video", "video", "run"]
    states = {event["video_id"]: event["state"] for event in events[:2]}
    assert states == {"tiny4": "done", "truncated_nomoov": "failed"}
    assert (events[2]["done"], events[2]["failed"]) == (1, 1)


def test_nobody_is_left_behind(media: Callable[[str], Path], tmp_path: Path) -> None:
    environment = {**os.environ, "AVCUES_OFFLINE": "1", "AVCUES_TEST_MARK": tmp_path.name}
    avcues(
        "extract", media("tiny4.mp4"), "-o", tmp_path, "--features", "color", "--workers", 2, environment=environment
    )
    alive = subprocess.run(
        ["pgrep", "-f", "avcues.pipeline.runtime.worker_main"], capture_output=True, text=True, check=False
    ).stdout.split()
    marks = [Path(f"/proc/{pid}/environ").read_bytes() for pid in alive if Path(f"/proc/{pid}/environ").exists()]
    assert not any(tmp_path.name.encode() in mark for mark in marks)
