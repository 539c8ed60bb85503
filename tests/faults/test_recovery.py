"""A run that is ended at any instant, by anybody, goes on when it is started again, and the result is the same."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pieces
import pytest
from command import avcues, start, tables, temporary_files, wait_until

FEATURES = ("--features", "emobase,color,lighting")


@pytest.fixture(scope="module")
def clips(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    pieces.cut(media("real60.mp4"), folder, 8, seconds=3)
    return folder


@pytest.fixture(scope="module")
def undisturbed(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("undisturbed")
    assert avcues("extract", clips, "-o", out, *FEATURES, "--workers", 2).returncode == 0
    return tables(out)


def test_killed_at_random_instants(clips: Path, undisturbed: dict[str, str], tmp_path: Path, thorough: bool) -> None:
    chance = random.Random(1)
    killed = 0
    for _ in range(20 if thorough else 5):
        run = start("extract", clips, "-o", tmp_path, *FEATURES, "--workers", 2)
        try:
            run.wait(timeout=chance.uniform(1, 5))
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            killed += 1
            run.wait()
        assert tables(tmp_path).items() <= undisturbed.items()
        table_files = sorted(tmp_path.glob("[!_]*/*.parquet"))
        for path in chance.sample(table_files, k=min(2, len(table_files))):
            path.unlink()  # so that there is always work
    assert killed
    done = avcues("extract", clips, "-o", tmp_path, *FEATURES, "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert tables(tmp_path) == undisturbed
    assert temporary_files(tmp_path) == []
    assert avcues("validate", tmp_path).returncode == 0
    records = [json.loads(path.read_text()) for path in (tmp_path / "_status").glob("*.json")]
    assert sorted(record["video_id"] for record in records) == sorted(path.stem for path in clips.iterdir())
    assert {record["state"] for record in records} == {"done"}
    assert all(record["tables"].keys() == {"timeline", "shots", "emobase", "color", "lighting"} for record in records)


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
@pytest.mark.parametrize("workers", [0, 2])
def test_a_signal_ends_the_run_cleanly(
    clips: Path, undisturbed: dict[str, str], tmp_path: Path, number: signal.Signals, code: int, word: str, workers: int
) -> None:
    run = start("extract", clips, "-o", tmp_path, *FEATURES, "--workers", workers)
    wait_until(lambda: list(tmp_path.glob("timeline/*.parquet")))
    run.send_signal(number)
    _, error_output = run.communicate(timeout=30)
    assert run.returncode == code, error_output
    assert f"avcues: {word}; run the same command again to continue" in error_output
    assert "queued or dropped" in error_output
    assert "Traceback" not in error_output
    assert temporary_files(tmp_path) == []
    assert tables(tmp_path).items() <= undisturbed.items()
    assert avcues("extract", clips, "-o", tmp_path, *FEATURES, "--workers", 2).returncode == 0
    assert tables(tmp_path) == undisturbed


def test_a_second_run_on_the_same_folder_is_told_to_wait(clips: Path, tmp_path: Path) -> None:
    first = start("extract", clips, "-o", tmp_path, *FEATURES, "--workers", 1)
    wait_until(lambda: (tmp_path / "_status" / ".owner.json").exists())
    second = avcues("extract", clips, "-o", tmp_path, *FEATURES)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert second.returncode == 2
    assert f"{tmp_path}: another run is at work there (process {first.pid} on " in second.stderr
    # The lock of a run that was killed holds nobody up.
    third = avcues("extract", clips, "-o", tmp_path, "--features", "color", "--workers", 1)
    assert third.returncode == 0, third.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 kB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_full_disk_stops_the_run_and_spoils_nothing(
    clips: Path, undisturbed: dict[str, str], small_disk: Path, workers: int
) -> None:
    done = avcues("extract", clips, "-o", small_disk, *FEATURES, "--workers", workers)
    assert done.returncode == 1
    assert "cannot be written (No space left on device); free some space and run the same command again" in done.stderr
    assert "stopped every other video would fail in the same way" in done.stderr
    assert tables(small_disk).items() <= undisturbed.items()
    assert temporary_files(small_disk) == []
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    assert avcues("extract", clips, "-o", small_disk, *FEATURES, "--workers", workers).returncode == 0
    assert tables(small_disk) == undisturbed


def test_a_feature_that_is_added_touches_no_other_table(
    clips: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    few = sorted(clips.iterdir())[:2]
    assert avcues("extract", *few, "-o", tmp_path, *FEATURES, "--workers", 0).returncode == 0
    times_before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("[!_]*/*.parquet")}
    bytes_before = tables(tmp_path)
    assert avcues("extract", *few, "-o", tmp_path, "--features", "rhythm", "--workers", 0).returncode == 0
    after = tables(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in times_before} == times_before
    assert after.keys() - bytes_before.keys() == {f"rhythm/{path.stem}.parquet" for path in few}
    assert bytes_before.items() <= after.items()


def test_weights_that_vanish_stop_the_run(media: Callable[[str], Path], tmp_path: Path) -> None:
    """Resolved before the work, gone when a worker wants to load them: no video is blamed for long."""
    weights = tmp_path / "weights"
    weights.mkdir()
    shared = Path(os.environ["AVCUES_WEIGHTS_DIR"]) if "AVCUES_WEIGHTS_DIR" in os.environ else None
    if shared is None or not (shared / "squeezenet11_places365.safetensors").exists():
        pytest.skip("no weights were found")
    name = "squeezenet11_places365.safetensors"
    (weights / name).write_bytes((shared / name).read_bytes())
    environment = {
        **os.environ,
        "AVCUES_OFFLINE": "1",
        "AVCUES_WEIGHTS_DIR": str(weights),
        "AVCUES_MODELS_DIR": str(tmp_path / "models"),
    }
    clips = [tmp_path / f"clip{number}.mp4" for number in range(4)]
    for clip in clips:
        clip.write_bytes(media("tiny4.mp4").read_bytes())
    command = ("extract", *clips, "--features", "scenes", "--workers", 1, "-o")
    for attempt, delay_s in enumerate((0.15, 0.4, 0.05, 0.8)):  # between the run's last look at them and the worker's
        out = tmp_path / f"out{attempt}"
        run = start(*command, out, environment=environment)
        wait_until((out / "_status" / ".inputs").exists)
        time.sleep(delay_s)
        (weights / name).unlink()
        _, error_output = run.communicate(timeout=120)
        if run.returncode == 1:
            break
        assert run.returncode in (0, 2), error_output  # nothing was started yet, or the worker had loaded them
        (weights / name).write_bytes((shared / name).read_bytes())
    assert "stopped every other video would fail in the same way: scenes/squeezenet11" in error_output
    (weights / name).write_bytes((shared / name).read_bytes())
    assert avcues(*command, out, environment=environment).returncode == 0
