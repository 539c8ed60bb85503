"""Videos that belong together stay together, in folds and in intervals; a study's own partition is used as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from planted import DIMENSION, make_samples, settings_for
from typer.testing import CliRunner

from avcues.pipeline.annotations import Recipe, gold, read, write_gold
from avcues.pipeline.cli.app import app
from avcues.pipeline.errors import LeakError
from avcues.pipeline.training.cross_validation import fit_jobs, run_job
from avcues.pipeline.training.disjoint_parts import check_disjoint
from avcues.pipeline.training.evaluate import Predictions, evaluate_clips
from avcues.pipeline.training.protocol import CLEAN, MAIN
from avcues.pipeline.training.splits import apparent_groups, partitioned, split

FILMS = 30


def test_pieces_of_a_film_are_not_split_between_training_and_test() -> None:
    """Labels are chance by film, and so are features: whoever has seen a piece of a film knows its label."""
    random = np.random.default_rng(0)
    film = np.repeat(np.arange(FILMS), 3)
    features = random.normal(size=(FILMS, 1, 30))[film] + 0.1 * random.normal(size=(len(film), 6, 30))
    labels = np.repeat(random.uniform(-1, 1, FILMS)[film][:, None], 6, axis=1)
    samples = make_samples({"features": features}, {MAIN: labels})
    groups = {video_id: f"film {film[i]}" for i, video_id in enumerate(samples.videos)}
    settings = settings_for("lasso", ["audio"], unit="clip", seeds=1)
    by_video = ccc_over_clips(samples, settings, split({MAIN: samples.videos}, 5, CLEAN))
    by_film = ccc_over_clips(samples, settings, split({MAIN: samples.videos}, 5, CLEAN, groups=groups))
    assert by_video > 0.8
    assert by_film < 0.2


def ccc_over_clips(samples, settings, folds) -> float:
    outcomes = [run_job(job, samples, folds, settings) for job in fit_jobs(settings, len(folds))]
    rows, values = (
        np.concatenate([getattr(outcome, name) for outcome in outcomes]) for name in ("rows", "predictions")
    )
    predictions = Predictions(
        videos=tuple(samples.videos[i] for i in samples.videos_and_windows(rows)[0]),
        rows=tuple(np.array([i]) for i in range(len(rows))),
        folds=(0,) * len(rows),
        targets=samples.gold[DIMENSION][rows, 0],
        values=values[:, 0],
    )
    return evaluate_clips([predictions])["ccc"]["value"]


@pytest.mark.parametrize("how", ["hashed", "kfold"])
def test_groups_of_any_size_are_in_one_part_and_tested_once(how: str) -> None:
    from dataclasses import replace

    videos = [f"v{i:02}" for i in range(40)]
    groups = {video_id: f"g{int(np.sqrt(i))}" for i, video_id in enumerate(videos[:36])}  # 1, 3, 5, ... videos
    folds = split({MAIN: videos}, 4, replace(CLEAN, split=how), groups=groups)
    for parts in folds:
        assert sorted(v for part in parts for v in part) == videos
        check_disjoint(parts.named(), groups=groups)
    assert sorted(v for parts in folds for v in parts.test) == videos
    with pytest.raises(LeakError, match=r"v0[12] .* belong to the group g1: a group belongs to one part"):
        check_disjoint({"training": ["v01"], "test": ["v02"]}, groups=groups)


def test_folds_without_groups_are_as_before() -> None:
    videos = [f"v{i:02}" for i in range(23)]
    assert split({MAIN: videos}, 5, CLEAN) == split({MAIN: videos}, 5, CLEAN, groups={v: v for v in ()})
    assert [len(parts.test) for parts in split({MAIN: videos}, 5, CLEAN)] == [5, 5, 5, 4, 4]


@pytest.mark.parametrize(
    ("videos", "stems"),
    [
        (["film_01", "film_02", "show_01", "show_02", "show_03"], {"film", "show"}),
        (["Ses01F_impro01_F000", "Ses01F_impro01_F001", "Ses01F_impro02_F000", "Ses01F_impro02_F001"], None),
        (["a-clip1", "a-clip2", "b-clip1", "b-clip2"], {"a", "b"}),
        ([f"clip{i:02}" for i in range(9)], set()),
        ([f"video_{i}" for i in range(9)], set()),
        (["dQw4w9WgXcQ", "9bZkp7q19f0", "kJQP7kiw5Fk", "3tmd-ClpJxA"], set()),
    ],
)
def test_ids_that_look_like_pieces_of_longer_videos_are_noticed(videos: list[str], stems: set[str] | None) -> None:
    groups = set(apparent_groups(videos))
    assert groups == stems if stems is not None else len(groups) == 2


def test_a_partition_is_one_fold_and_gets_validation_videos_where_it_has_none() -> None:
    videos = [f"v{i:02}" for i in range(30)]
    partition = {v: "TRAIN" if i < 20 else "devel" if i < 25 else "test" for i, v in enumerate(videos)}
    parts = partitioned({MAIN: videos}, partition)
    assert (parts.train, parts.validation, parts.test) == (tuple(videos[:20]), tuple(videos[20:25]), tuple(videos[25:]))
    without = partitioned({MAIN: videos}, {v: "test" if p == "test" else "train" for v, p in partition.items()})
    assert len(without.validation) == 3
    assert without.test == parts.test


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.stderr
    return done.stderr


def test_labels_fitted_on_the_training_part_lead_into_a_partition(planted: Path, tmp_path: Path) -> None:
    """Before, labels that were fitted on anything always ended in a LeakError, or in a refit."""
    train = [f"clip{i:02}" for i in range(6)]
    lines = [f"{v},train" for v in train] + ["clip06,dev", "clip07,test", "clip08,test"]
    (tmp_path / "partition.csv").write_text("video_id,part\n" + "\n".join(lines) + "\n")
    ratings = read(planted / "ann")
    write_gold(gold(ratings, Recipe(standardise=True), training_videos=train), tmp_path / "gold")
    said = run(
        "train", planted / "features", "--labels", tmp_path / "gold" / "audiovisual.parquet", "--model", "lasso",
        "--visual", "color", "--partition", tmp_path / "partition.csv", "--out", tmp_path / "m", "--workers", 1,
    )  # fmt: skip
    assert "folds    6/1/2 videos for training/validation/test" in said
    assert "the partition does not name 1 video; left out: short" in said


def test_groups_come_from_a_file_or_a_column_and_intervals_are_over_them(planted: Path, tmp_path: Path) -> None:
    groups = {f"clip{i:02}": f"film{i // 2}" for i in range(9)}
    (tmp_path / "groups.csv").write_text("video_id,film\n" + "".join(f"{v},{g}\n" for v, g in groups.items()))
    labels = "".join(f"{v},{0.1 * i},{g}\n" for i, (v, g) in enumerate(groups.items()))
    (tmp_path / "labels.csv").write_text("video_id,liking,film\n" + labels)
    base = ["train", planted / "features", "--labels", tmp_path / "labels.csv", "--model", "lasso", "--visual", "color"]
    base += ["--dimensions", "liking", "--folds", 3, "--workers", 1]
    for i, how in enumerate((tmp_path / "groups.csv", "film")):
        said = run(*base, "--groups", how, "--out", tmp_path / f"m{i}")
        assert "5 groups of 9 videos; all figures are over groups" in said
    one, other = ((tmp_path / f"m{i}" / "metrics.json").read_text() for i in range(2))
    assert one == other
    assert '"groups": 5' in one
