"""Clips that a rater rated again are kept apart, and never taken for more ratings of the same kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from avcues.pipeline.annotations import Annotations, gold, import_table, import_tidy, import_wide, read, write
from avcues.pipeline.annotations.importing.add import added
from avcues.pipeline.annotations.ratings.files import REPEATS
from avcues.pipeline.errors import DatasetError, InputError

WINDOWS = 20


def rated_twice(jitter: float = 0.0, *, beside: bool = False) -> pa.Table:
    """Two raters of three clips; each clip twice, one course after the other or row by row beside each other."""
    rng = np.random.default_rng(0)
    rows = []
    for rater in ("anna", "ben"):
        for video in ("x", "y", "z"):
            courses = [
                [(rater, video, 0.5 * k + rng.uniform(0, jitter), rng.normal()) for k in range(WINDOWS)]
                for _ in range(2)
            ]
            rows += [row for moment in (zip(*courses, strict=True) if beside else courses) for row in moment]
    columns = dict(zip(("rater", "video_id", "time", "value"), zip(*rows, strict=True), strict=True))
    return pa.table({name: list(values) for name, values in columns.items()}).append_column(
        "setup", pa.array(["music"] * len(rows))
    ).append_column("dimension", pa.array(["valence"] * len(rows)))  # fmt: skip


def of_rater(table: pa.Table, rater: str, video: str) -> list[float]:
    return [row["value"] for row in table.to_pylist() if (row["rater"], row["video_id"]) == (rater, video)]


@pytest.mark.parametrize("beside", [False, True])
def test_the_second_course_is_a_repetition(beside: bool) -> None:
    table = rated_twice(beside=beside)
    with pytest.raises(InputError, match=r"are the same rating \(anna, x, music, valence, 0.0\).*`repeated`"):
        import_tidy(table)
    study = import_tidy(table, repeated=True)
    every = of_rater(table, "ben", "y")
    first, second = (every[::2], every[1::2]) if beside else (every[:WINDOWS], every[WINDOWS:])
    assert of_rater(study.ratings, "ben", "y") == first
    assert of_rater(study.repeats, "ben", "y") == second
    assert set(study.repeats["repeat"].to_pylist()) == {1}
    assert len(study.exposures) == 6
    assert any("kept apart: ratings of 3 videos that 2 raters gave again (120 rows)" in note for note in study.notes)


def test_two_courses_at_uneven_times_are_not_merged_in_silence() -> None:
    table = rated_twice(jitter=0.3)
    with pytest.raises(InputError, match="row 1: the times of anna, x, music, valence run through the clip twice"):
        import_tidy(table)
    assert len(import_tidy(table, repeated=True).repeats) == 6 * WINDOWS
    shuffled = table.take(np.random.default_rng(0).permutation(len(table)))  # in disorder, but not twice
    once = shuffled.filter(pa.array(np.random.default_rng(1).random(len(table)) < 0.4))
    assert any("times out of order" in note for note in import_tidy(once).notes)


def test_repetitions_are_in_no_gold_standard() -> None:
    table = rated_twice()
    study = import_tidy(table, repeated=True)
    alone = replace(study, repeats=study.repeats.slice(0, 0))
    assert gold(study).tables["music"]["valence"].equals(gold(alone).tables["music"]["valence"])
    assert "not used: 6 repeated ratings (for test-retest reliability)" in gold(study).notes


def test_a_folder_keeps_them(tmp_path: Path) -> None:
    study = import_tidy(rated_twice(), repeated=True)
    write(study, tmp_path)
    assert read(tmp_path).repeats.to_pylist() == study.repeats.to_pylist()
    assert len(read(tmp_path).select(videos=["x"]).repeats) == 2 * WINDOWS
    other = import_tidy(rated_twice().set_column(0, "rater", pa.array(["cleo"] * 240)), repeated=True)
    assert len(added(study, other).repeats) == len(study.repeats) + len(other.repeats)
    (tmp_path / REPEATS).unlink()
    with pytest.raises(DatasetError, match="import them again"):
        read(tmp_path)
    write(import_tidy(rated_twice().slice(0, WINDOWS)), tmp_path)
    assert not (tmp_path / REPEATS).exists()


def test_labels_need_a_column() -> None:
    columns = {"rater": ["a"] * 3, "video_id": ["v"] * 3, "setup": ["s"] * 3, "dimension": ["mood"] * 3}
    table = pa.table(columns | {"label": ["calm", "sad", "calm"]})
    with pytest.raises(InputError, match=r"row 3: a label may be a second choice.*column `repeat`"):
        import_tidy(table, repeated=True)
    study = import_tidy(table.append_column("repeat", pa.array([0, 0, 1])))
    assert study.ratings["label"].to_pylist() == ["calm", "sad"]
    assert study.repeats["label"].to_pylist() == ["calm"]
    with pytest.raises(InputError, match="row 1: repeat is -1; expected 0, 1, 2"):
        import_tidy(table.append_column("repeat", pa.array([-1, 0, 1])))


def test_files_of_one_clip_are_courses(tmp_path: Path) -> None:
    for name, value in (("clip-1", 0.1), ("clip-2", 0.5)):
        (tmp_path / f"{name}.csv").write_text(f"time,anna\n0,{value}\n0.5,0.2\n")
    files = sorted(tmp_path.glob("*.csv"))
    read_wide: Annotations = import_wide(
        files, pattern="{video_id}-{round}", setup="s", dimension="d", range_=(0, 1), repeated=True
    )
    assert not len(read_wide.repeats)  # rounds of their own
    keys = {"video_id": "=clip", "rater": "=anna", "setup": "=s", "dimension": "=d", "time": "time", "value": "anna"}
    study = import_table(files, keys, repeated=True)
    assert study.ratings["value"].to_pylist() == [0.1, 0.2]
    assert study.repeats["value"].to_pylist() == [0.5, 0.2]
