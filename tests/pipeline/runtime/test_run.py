"""The command `avcues extract`, as a user runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from command import avcues, wait_until

WINDOW_TABLES = ("timeline", "emobase", "rhythm", "color", "lighting")
CHEAP = ("--features", "emobase,rhythm,color,lighting")


@pytest.fixture(scope="module")
def tiny(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tables of one 4 s clip."""
    out = tmp_path_factory.mktemp("tiny")
    done = avcues("extract", media("tiny4.mp4"), "--out", out, "--workers", 0, *CHEAP)
    assert done.returncode == 0, done.stderr
    return out


def test_every_table_of_a_minute_has_its_rows(real60) -> None:
    for name in WINDOW_TABLES:
        table = real60.table(name)
        assert table.num_rows == 120
        assert table["window"].to_pylist() == list(range(120))
        assert table["start"].to_pylist() == [k / 2 for k in range(120)]
        assert table["end"].to_pylist() == [k / 2 + 0.5 for k in range(120)]
        assert set(table["video_id"].to_pylist()) == {"real60"}
    assert len(real60.table("emobase").column_names) == 4 + 988
    assert len(real60.table("rhythm").column_names) == 4 + 37


def test_a_good_run_exits_with_0_and_leaves_a_status(tiny: Path) -> None:
    status = json.loads((tiny / "_status" / "tiny4.json").read_text())
    assert status["state"] == "done"
    assert status["windows"] == 8
    assert set(status["tables"]) == {*WINDOW_TABLES, "shots"}
    assert status["seconds"]["total"] > 0
    assert status["peak_memory_bytes"] > 0
    assert avcues("validate", tiny).returncode == 0


def test_tables_say_what_they_were_made_with(tiny: Path) -> None:
    path = tiny / "lighting" / "tiny4.parquet"
    metadata = json.loads(pq.read_metadata(path).metadata[b"avcues"])
    assert metadata["recipe"]["settings"] == {"shadow_threshold": 0.18}
    assert metadata["recipe"]["step"] == "1/2"
    assert metadata["device"] == "cpu"
    assert "Rasheed" in metadata["citation"]
    assert metadata["decoder"].startswith("PyAV")
    assert metadata["columns"][0]["unit"]
    assert pq.read_metadata(path).num_row_groups == 1


def test_running_again_keeps_what_is_there(media: Callable[[str], Path], tmp_path: Path) -> None:
    clip = media("tiny4.mp4")
    assert avcues("extract", clip, "-o", tmp_path, "--features", "color", "--workers", 0).returncode == 0
    tables_before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*.parquet")}
    assert {p.parent.name for p in tables_before} == {"timeline", "shots", "color"}
    assert avcues("extract", clip, "-o", tmp_path, "--features", "rhythm", "--workers", 0).returncode == 0
    for path, (mtime, content) in tables_before.items():
        assert (path.stat().st_mtime_ns, path.read_bytes()) == (mtime, content)
    assert (tmp_path / "rhythm" / "tiny4.parquet").exists()
    done = avcues("validate", tmp_path)
    assert done.returncode == 0, done.stdout


def test_a_feature_added_later_equals_one_made_at_once(
    tiny: Path, media: Callable[[str], Path], tmp_path: Path
) -> None:
    for feature in ("emobase", "lighting"):
        avcues("extract", media("tiny4.mp4"), "-o", tmp_path, "--features", feature, "--workers", 0)
    for feature in ("emobase", "lighting"):
        assert pq.read_table(tmp_path / feature).equals(pq.read_table(tiny / feature))


def test_other_settings_on_the_same_folder_are_refused(tiny: Path, media: Callable[[str], Path]) -> None:
    done = avcues("extract", media("tiny4.mp4"), "-o", tiny, "--step", "1", "--workers", 0, *CHEAP)
    assert done.returncode == 2
    assert '"1/2"' in done.stderr
    assert '"1"' in done.stderr
    other_options = ("--set", "lighting.shadow_threshold=0.2", "--features", "lighting")
    done = avcues("extract", media("tiny4.mp4"), "-o", tiny, *other_options, "--workers", 0)
    assert done.returncode == 2
    assert "lighting settings" in done.stderr


def test_bad_videos_do_not_harm_good_ones(media: Callable[[str], Path], tmp_path: Path) -> None:
    videos, out = tmp_path / "videos", tmp_path / "out"
    videos.mkdir()
    (videos / "good.mp4").write_bytes(media("tiny4.mp4").read_bytes())
    (videos / "nomoov.mp4").write_bytes(media("truncated_nomoov.mp4").read_bytes())
    (videos / "empty.mp4").touch()
    (videos / "text.mp4").write_text("no video\n" * 100)
    empty_folder = tmp_path / "nothing here"
    empty_folder.mkdir()
    done = avcues("extract", videos, empty_folder, tmp_path / "missing.mp4", "-o", out, "--workers", 2, *CHEAP)
    assert done.returncode == 1
    for name in ("nomoov", "empty", "text", "missing", "nothing here"):
        lines = [line for line in done.stderr.splitlines() if line.startswith("failed") and f"/{name}" in line]
        assert len(lines) == 1, (name, done.stderr)
    assert "Traceback" not in done.stderr
    assert pq.read_table(out / "color").num_rows == 8
    assert json.loads((out / "_status" / "empty.json").read_text())["error_class"] == "MediaError"
    # An id that is also a word of the message is not cut out of it.
    assert "MediaError: is empty (0 bytes)" in avcues("status", out).stdout
    assert avcues("validate", out).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/no/such/clip.mp4"], "no such file"),
        (["{clip}", "--features", "colr"], 'did you mean "color"'),
        (["{clip}", "--step", "half"], "expected seconds"),
        (["{clip}", "--step", "0.25"], "multiple of"),
        (["{clip}", "--step", "0"], "or more"),
        (["", "--features", "color"], "an argument is empty"),
        (["{clip}", "--features", "faces"], "comes with expressions"),
        (["{clip}", "--device", "mps", "--features", "color"], "no such device"),
        (["{clip}", "--out", "{clip}"], "must be a folder"),
        (["{clip}", "--audio-rate", "22050"], "whole number of samples"),
        (["{clip}", "--set", "shots.detectr=content"], 'did you mean "detector"'),
        (["{clip}", "--set", "shots.detector=magic"], "adaptive"),
        (["{clip}", "--set", "lighting.shadow_threshold=nan"], "finite"),
        (["{clip}", "--workers", "many"], "expected a number"),
        (["{clip}", "--out", "/proc/nope"], "cannot be written"),
        (["{clip}", "--variant", "scenes=resnet5", "--features", "scenes"], 'did you mean "resnet50"'),
        (["{clip}", "--variant", "scenes=resnet50", "--features", "color"], 'options are set for "scenes"'),
        (["{clip}", "--variant", "objects=yolo11n", "--features", "objects"], "avcues models import yolo11n.pt"),
        (["{clip}", "--device", "cuda", "--weights-dir", "/no/such/folder"], "no such folder"),
    ],
)
def test_wrong_settings_are_one_line_and_start_nothing(
    media: Callable[[str], Path], tmp_path: Path, arguments: list[str], message: str
) -> None:
    out = tmp_path / "out"
    filled = [argument.format(clip=media("tiny4.mp4")) for argument in arguments]
    filled += [] if "--features" in filled else CHEAP
    filled += [] if "--out" in filled else ["--out", str(out)]
    done = avcues("extract", *filled)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert re.search(message, done.stderr)
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_list_names_ids_and_paths_relative_to_itself(media: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").write_bytes(media("tiny4.mp4").read_bytes())
    (tmp_path / "list.csv").write_text("video_id,path\n007,clips/a.mp4\nlost,clips/b.mp4\n")
    out = tmp_path / "out"
    done = avcues("extract", tmp_path / "list.csv", "-o", out, "--features", "lighting", "--workers", 0)
    assert done.returncode == 1
    assert [p.name for p in (out / "lighting").iterdir()] == ["007.parquet"]
    assert json.loads((out / "_status" / "lost.json").read_text())["state"] == "failed"


def test_two_videos_of_one_id_are_refused(media: Callable[[str], Path], tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "clip.mp4").write_bytes(media("tiny4.mp4").read_bytes())
    done = avcues("extract", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "out")
    assert done.returncode == 2
    assert '"clip" is the id of 2 videos' in done.stderr


def test_processes_and_this_process_make_the_same_bytes(
    tiny: Path, media: Callable[[str], Path], tmp_path: Path
) -> None:
    assert avcues("extract", media("tiny4.mp4"), "-o", tmp_path, "--workers", 1, *CHEAP).returncode == 0
    for path in tiny.rglob("*.parquet"):
        assert (tmp_path / path.relative_to(tiny)).read_bytes() == path.read_bytes(), path


def test_everything_leaves_out_loudly_what_cannot_be_had(media: Callable[[str], Path], tmp_path: Path) -> None:
    # An empty cache and no network: only what needs no weights can be made.
    environment = {**os.environ, "AVCUES_OFFLINE": "1", "AVCUES_MODELS_DIR": str(tmp_path / "cache")}
    environment.pop("AVCUES_WEIGHTS_DIR", None)
    command = [str(Path(sys.executable).with_name("avcues")), "extract", str(media("tiny4.mp4"))]
    out = tmp_path / "out"
    done = subprocess.run(
        [*command, "-o", str(out), "--workers", "0"], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    for feature in ("expressions", "scenes", "objects", "actions"):
        (line,) = [line for line in done.stderr.splitlines() if line.startswith(f"left out {feature}")]
        assert "avcues models import" in line
    assert set(json.loads((out / "_status" / "tiny4.json").read_text())["left_out"]) == {
        *("expressions", "scenes", "objects", "actions")
    }
    assert avcues("validate", out).returncode == 0


def test_the_record_keeps_what_earlier_runs_found(media: Callable[[str], Path], tmp_path: Path) -> None:
    status = tmp_path / "_status" / "truncated60.json"
    records = []
    for features in ("color", "color", "color,emobase"):
        done = avcues("extract", media("truncated60.mp4"), "-o", tmp_path, "--features", features, "--workers", 0)
        assert done.returncode == 0, (features, done.stderr)
        records.append(json.loads(status.read_text()))
    missing = [record["damage"]["video_packets_missing"] for record in records]
    assert missing[0] > 500
    assert missing == missing[:1] * 3
    rows = [record["tables"] for record in records]
    assert rows[0] == rows[1] == {name: rows[2][name] for name in ("shots", "timeline", "color")}
    assert rows[2]["emobase"] == rows[0]["color"]
    lost_s = [record["lost_s"] for record in records]
    assert lost_s[0] == pytest.approx(60 - rows[0]["color"] / 2, abs=1)
    assert lost_s == lost_s[:1] * 3
    assert f"truncated60 {lost_s[0]:.1f} s" in avcues("status", tmp_path).stdout


def test_odd_file_names_do_not_stop_the_others(media: Callable[[str], Path], tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    content = media("tiny4.mp4").read_bytes()
    for name in ("good one.mp4", "._good one.mp4", "ünï.mp4"):
        (videos / name).write_bytes(content)
    (videos / os.fsdecode(b"caf\xe9.mp4")).write_bytes(content)
    out = tmp_path / "out"
    done = avcues("extract", videos, "x" * 300 + ".mp4", "-o", out, "--features", "lighting", "--workers", 0)
    assert done.returncode == 1, done.stderr
    assert sorted(p.stem for p in (out / "lighting").iterdir()) == ["good one", "ünï"]
    assert "cannot name a table" in done.stderr
    assert "Traceback" not in done.stderr


def test_overwriting_some_features_does_not_forget_the_others(tiny: Path, media, tmp_path: Path) -> None:
    clip, features = media("tiny4.mp4"), ("--features", "color,lighting")
    assert avcues("extract", clip, "-o", tmp_path, *features, "--workers", 0).returncode == 0
    only = ("--features", "color", "--overwrite", "--workers", 0)
    assert avcues("extract", clip, "-o", tmp_path, *only).returncode == 0
    assert set(json.loads((tmp_path / "dataset.json").read_text())["recipes"]) == {"shots", "color", "lighting"}
    done = avcues("extract", clip, "-o", tmp_path, *only, "--step", "0.2")
    assert done.returncode == 2
    assert "lighting" in done.stderr
    link = tmp_path / "other.mp4"
    link.symlink_to(clip)
    assert avcues("extract", link, "-o", tmp_path, *features, "--workers", 0).returncode == 0
    done = avcues("extract", clip, "-o", tmp_path, *features, "--overwrite", "--step", "0.2", "--workers", 0)
    assert done.returncode == 2
    assert "1 videos that this run would not overwrite (other, ...)" in done.stderr
    done = avcues("extract", clip, link, "-o", tmp_path, *features, "--overwrite", "--step", "0.2", "--workers", 0)
    assert done.returncode == 0, done.stderr
    assert avcues("validate", tmp_path).returncode == 0


def test_overwriting_shots_leaves_nothing_that_depends_on_them(media, tmp_path: Path) -> None:
    clip, other_settings = media("tiny4.mp4"), ("--set", "shots.detector=content", "--overwrite", "--workers", 0)
    first = ("--features", "motion,color", "--workers", 0)
    assert avcues("extract", clip, "-o", tmp_path, *first).returncode == 0
    tables_before = {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")}
    done = avcues("extract", clip, "-o", tmp_path, "--features", "shots", *other_settings)
    assert done.returncode == 2
    assert "(motion needs shots)" in done.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.parquet")} == tables_before
    done = avcues("extract", clip, "-o", tmp_path, "--features", "motion", *other_settings)
    assert done.returncode == 0, done.stderr
    mixed = ("--set", "shots.detector=content", "--downmix", "mean", "--overwrite", "--workers", 0)
    done = avcues("extract", clip, "-o", tmp_path, "--features", "shots", *mixed)
    assert done.returncode == 0, done.stderr  # sound has no shots


@pytest.mark.parametrize("workers", [0, 2])
def test_an_interrupt_is_one_line_and_the_next_run_goes_on(media, tmp_path: Path, workers: int) -> None:
    command = [str(Path(sys.executable).with_name("avcues")), "extract", str(media("real60.mp4")), "-o", str(tmp_path)]
    command += ["--features", "color", "--workers", str(workers)]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_until((tmp_path / "dataset.json").exists)
    time.sleep(0.5)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: the whole group
    _, output = running.communicate(timeout=60)
    assert running.returncode == 130, output
    assert "Traceback" not in output
    assert "run the same command again" in output
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert avcues("validate", tmp_path).returncode == 0


def test_version_and_help() -> None:
    assert avcues("--version").stdout.startswith("avcues ")
    assert "--features" in avcues("extract", "--help").stdout
