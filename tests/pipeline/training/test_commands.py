"""`avcues train`, `evaluate`, `compare` and `predict`, run as a user runs them."""

from __future__ import annotations

import doctest
import json
import os
import re
import shutil
from pathlib import Path

import audmetric
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from command import avcues
from typer.testing import CliRunner, Result

from avcues.pipeline import training
from avcues.pipeline.cli.app import app
from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.errors import InputError
from avcues.pipeline.prediction.work import PredictionWork
from avcues.pipeline.store.parquet import read_metadata
from avcues.pipeline.store.video_input import VideoInput

FILES = {
    "MODELCARD.md",
    "folds.parquet",
    "history.parquet",
    "importance.parquet",
    "metrics.json",
    "model.json",
    "out_of_fold.parquet",
    "probes.parquet",
    "weights.safetensors",
}
TABLES = ("--audio", "rhythm", "--visual", "color,lighting")
QUICK = ("--folds", 3, "--units", 16, "--epochs", 6, "--learning-rate", 0.003, "--seeds", 1)


def run(*arguments: object) -> Result:
    """The command in this process, which spares the start of another."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def train(planted: Path, out: Path, model: str, *options: object) -> str:
    """Trains on the audiovisual gold standard, and returns what was said."""
    done = run("train", *arguments(planted, out, model), *options)
    assert done.exit_code == 0, done.stderr
    return done.stderr


def arguments(planted: Path, out: Path, model: str) -> list[object]:
    labels = planted / "gold" / "audiovisual.parquet"
    return [planted / "features", "--labels", labels, "--model", model, "--out", out, "--workers", 1]


def pretraining(planted: Path) -> list[object]:
    gold = planted / "gold"
    return ["--pretrain-audio", gold / "music.parquet", "--pretrain-visual", gold / "visual.parquet"]


def figures(model: Path) -> dict:
    return json.loads((model / "metrics.json").read_text())


@pytest.fixture(scope="module")
def late(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with everything that can be asked for."""
    out = tmp_path_factory.mktemp("models") / "late"
    said = train(
        planted, out, "late", *TABLES, *QUICK, "--ablate", "--annotations", planted / "ann", "--dimensions", "valence"
    )
    assert "1 labelled video has 4 windows or fewer, too short for one sequence; left out: short" in said
    assert "fitted   valence without rhythm, fold 1 of 3" in said
    return out


@pytest.fixture(scope="module")
def lasso(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models") / "lasso"
    train(planted, out, "lasso", *TABLES, "--folds", 3)
    return out


def test_a_model_is_saved_with_everything_that_its_figures_follow_from(late: Path, lasso: Path, planted: Path) -> None:
    assert {path.name for path in late.iterdir()} - {"index.html"} == FILES
    assert {path.name for path in lasso.iterdir()} - {"index.html"} == FILES | {"coefficients.parquet"}
    about = json.loads((late / "model.json").read_text())
    assert {*about["tables"]} == {"rhythm", "color", "lighting"}
    assert (
        about["tables"]["rhythm"]["recipe"]
        == read_metadata(planted / "features" / "rhythm" / "clip00.parquet")["recipe"]
    )
    assert about["blocks"]["audio"]["columns"][-1] == "rhythm.present"
    assert {"scaler", "columns"} == {*about["blocks"]["visual"]}
    assert about["settings"]["seeds"] == 1
    assert about["versions"]["torch"]
    folds = pq.read_table(late / "folds.parquet").to_pylist()
    for fold in range(3):
        assert len({row["video_id"] for row in folds if row["fold"] == fold}) == 9
    assert sorted(row["video_id"] for row in folds if row["part"] == "test") == [f"clip{i:02}" for i in range(9)]


def test_figures_stand_beside_baselines_raters_importance_and_ablation(late: Path, lasso: Path) -> None:
    model_figures = figures(late)["dimensions"]["valence"]
    for name in ("train_mean", "time_only"):
        better = figures(lasso)["dimensions"]["valence"]["baselines"][name]["model_is_better_by"]
        assert better["low"] > 0.1
        assert model_figures["baselines"][name]["model_is_better_by"]["videos"] == 9
    assert model_figures["human"]["series"] == 9 * 4
    assert model_figures["human"]["mean"] > 0.3
    assert {*model_figures["importance"]["tables"]} == {"rhythm", "color", "lighting"}
    assert {*model_figures["importance"]["modalities"]} == {"audio", "visual"}
    assert model_figures["importance"]["modalities"]["visual"] >= model_figures["importance"]["tables"]["color"] - 0.05
    assert {*model_figures["ablation"]} == {"rhythm", "color", "lighting", "all of audio", "all of visual"}
    assert model_figures["importance"]["tables"]["color"] > 0
    assert figures(late)["leaks"] == []
    families = figures(lasso)["dimensions"]["arousal"]["importance"]["families"]
    assert families[0]["family"] in ("hue and saturation", "rhythm")
    card = (late / "MODELCARD.md").read_text()
    assert re.search(r"\| valence \| this model \| 0\.\d{3} ± ", card)
    assert "rater vs. others" in card


def test_a_models_reliance_on_each_modality_stands_beside_the_raters(late: Path, planted: Path, tmp_path: Path) -> None:
    command = ["annotations", "perspectives", planted / "ann", "--dimension", "valence", "--against", "audiovisual"]
    done = avcues(*command, "--model", late, "--out", tmp_path / "p.md")
    assert done.returncode == 0, done.stderr
    rows = {row["modality"]: row for row in json.loads((tmp_path / "p.json").read_text())["model"]}
    assert {name: row["setup"] for name, row in rows.items()} == {"audio": "music", "visual": "visual"}
    lost = figures(late)["dimensions"]["valence"]["importance"]["modalities"]
    assert {name: row["lost"] for name, row in rows.items()} == lost
    assert sum(row["share"] for row in rows.values()) == pytest.approx(1)
    assert sum(row["coefficient_share"] for row in rows.values()) == pytest.approx(1)
    assert rows["audio"]["coefficient"] == pytest.approx(0.5, abs=0.2)  # the raters feel half of either
    assert "| audio | " in (tmp_path / "p.md").read_text()
    done = avcues(*command, "--model", planted, "--out", tmp_path / "q.md")
    assert (done.returncode, "is no folder that avcues train made" in done.stderr) == (2, True)


def test_the_card_repeats_licences_that_bind_the_model(planted: Path, tmp_path: Path) -> None:
    train(planted, tmp_path / "m", "lstm", "--audio", "emobase", *QUICK, "--dimensions", "valence", "--epochs", 1)
    assert "openSMILE: audEERING's research licence, non-commercial" in (tmp_path / "m" / "MODELCARD.md").read_text()


@pytest.mark.parametrize("model", ["lasso", "pair"])
def test_one_thread_or_two_and_one_process_or_two_give_the_same_bytes(
    planted: Path, tmp_path: Path, model: str
) -> None:
    options = [*TABLES, "--dimensions", "valence", *QUICK, "--epochs", 3]
    if model == "pair":
        options += pretraining(planted)
    train(planted, tmp_path / "1", model, *options)
    environment = {**os.environ, "AVCUES_OFFLINE": "1", "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    done = avcues("train", *arguments(planted, tmp_path / "2", model)[:-1], 2, *options, environment=environment)
    assert done.returncode == 0, done.stderr
    for name in ("metrics.json", "weights.safetensors", "out_of_fold.parquet"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name


def test_figures_are_computed_again_from_what_was_saved(late: Path, planted: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(late, tmp_path / "late"))
    before = (copy / "metrics.json").read_bytes()
    (copy / "metrics.json").unlink()
    (copy / "MODELCARD.md").unlink()
    done = run("evaluate", copy, "--annotations", planted / "ann", "--json")
    assert done.exit_code == 0, done.stderr
    assert (copy / "metrics.json").read_bytes() == before
    assert json.loads(done.stdout) == json.loads(before)
    assert (copy / "MODELCARD.md").read_bytes() == (late / "MODELCARD.md").read_bytes()


def test_a_page_that_cannot_be_made_costs_only_the_page_and_no_old_page_stays(late: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(late, tmp_path / "late"))
    (copy / "history.parquet").write_bytes(b"not a table")
    (copy / "index.html").write_text("the page of earlier figures")
    (copy / "metrics.json").unlink()
    done = run("evaluate", copy)
    assert done.exit_code == 0, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("no page")]
    assert line.endswith("; the earlier page was removed, because its figures may differ")
    assert not (copy / "index.html").exists()
    assert (copy / "metrics.json").read_bytes() == (late / "metrics.json").read_bytes()


def test_a_trained_model_is_kept_if_its_page_cannot_be_made(
    planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(folder: Path, *arguments: object, **options: object) -> str:
        raise InputError(f"{folder}: is damaged")

    monkeypatch.setattr("avcues.pipeline.report.page.library", dict)
    monkeypatch.setattr("avcues.pipeline.report.model_page.model_page", damaged)
    said = train(planted, tmp_path / "m", "lasso", *TABLES, "--folds", 3)
    assert f"no page  {tmp_path / 'm'}: is damaged\n" in said
    assert {path.name for path in (tmp_path / "m").iterdir()} == FILES | {"coefficients.parquet"}


def test_models_are_compared_video_by_video(late: Path, lasso: Path) -> None:
    done = run("compare", late, lasso, "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    (pair,) = document["dimensions"]["valence"]["pairs"]
    one, other = (
        {video["video_id"]: video["ccc"] for video in figures(m)["dimensions"]["valence"]["model"]["per_video"]}
        for m in (late, lasso)
    )
    # LASSO predicts the first windows too: only windows of both are compared.
    whole, windows = np.mean([one[v] - other[v] for v in one]), pair["comparison"]["rows"]
    assert (windows, pair["comparison"]["unpaired_rows"]) == (9 * 36, 9 * 4 + 4)
    assert pair["comparison"]["difference"] == pytest.approx(difference_on_common_windows(late, lasso))
    assert pair["comparison"]["difference"] != pytest.approx(whole, abs=1e-3)
    assert pair["comparison"]["videos"] == 9
    assert any("are paired on the 324 windows that both predicted; 40 windows" in note for note in document["notes"])
    # LASSO can use the short video, the network cannot.
    assert any("have different folds" in note for note in document["notes"])


def test_tables_of_models_hold_their_figures(late: Path, lasso: Path, tmp_path: Path) -> None:
    done = run("compare", late, lasso, "--tables", tmp_path)
    assert done.exit_code == 0, done.stderr
    assert "4 tables; 0 kinds of table left out" in done.stderr
    scores = pd.read_csv(tmp_path / "model_scores_course.csv")
    for model in (late, lasso):
        valence = figures(model)["dimensions"]["valence"]["model"]
        for measure in ("rmse", "mse", "ccc", "pearson"):
            row = scores.query("name == @model.name and dimension == 'valence' and measure == @measure").iloc[0]
            assert (row["value"], row["sd"]) == pytest.approx((valence[measure]["mean"], valence[measure]["sd"]))
    raters = scores[scores["name"] == "rater vs. others"].set_index("dimension")
    assert raters["value"]["valence"] == pytest.approx(figures(late)["dimensions"]["valence"]["human"]["mean"])
    families = pd.read_csv(tmp_path / "feature_families.csv").query("dimension == 'valence'")
    expected = figures(lasso)["dimensions"]["valence"]["importance"]["families"]
    assert families["part"].tolist() == [one["family"] for one in expected if one["weight"]]
    assert families["model"].unique().tolist() == ["lasso"]
    text = (tmp_path / "model_scores_course.md").read_text()
    assert "| audiovisual | late" in text
    assert "\\toprule" in (tmp_path / "model_scores_course.tex").read_text()


def test_predictions_are_drawn_over_the_raters_and_the_labels(
    late: Path, lasso: Path, planted: Path, tmp_path: Path
) -> None:
    video_id = figures(late)["dimensions"]["valence"]["model"]["per_video"][2]["video_id"]
    options = ("--figures", tmp_path, "--annotations", planted / "ann", "--video", video_id)
    done = run("compare", late, lasso, *options)
    assert done.exit_code == 0, done.stderr
    numbers = pd.read_csv(tmp_path / f"predictions_{video_id}.csv").query("dimension == 'valence'")
    drawn = numbers.query("what == 'model' and name == 'late'").set_index("time")["value"]
    predicted = pq.read_table(late / "out_of_fold.parquet").to_pandas()
    predicted = predicted[predicted["without"].isna() & (predicted["video_id"] == video_id)]
    expected = predicted.groupby("window")["prediction"].mean()
    assert drawn.tolist() == pytest.approx(expected.tolist())
    assert drawn.index.tolist() == pytest.approx((expected.index * 0.5).tolist())
    ratings = pq.read_table(planted / "ann" / "ratings.parquet").to_pandas()
    ratings = ratings.query("video_id == @video_id and setup == 'audiovisual' and dimension == 'valence'")
    raters = numbers.query("what == 'rater'").set_index(["name", "time"])["value"].sort_index()
    assert raters.tolist() == pytest.approx(ratings.set_index(["rater", "time"])["value"].sort_index().tolist())


def test_a_video_that_was_not_predicted_is_named(late: Path, tmp_path: Path) -> None:
    done = run("compare", late, "--figures", tmp_path, "--video", "nobody")
    assert done.exit_code == 2
    assert "--video nobody: not every model predicted it" in done.stderr


def difference_on_common_windows(*models: Path) -> float:
    """The mean difference of CCC per video, from the files, in pandas."""
    frames = []
    for model in models:
        frame = pd.read_parquet(model / "out_of_fold.parquet")
        frame = frame[frame["without"].isna() & (frame["dimension"] == "valence")]
        frames.append(frame.set_index(["video_id", "window"])[["target", "prediction"]])
    joined = frames[0].join(frames[1], how="inner", lsuffix="_0", rsuffix="_1")
    per_video = [
        audmetric.concordance_cc(of_video["target_0"], of_video["prediction_0"])
        - audmetric.concordance_cc(of_video["target_1"], of_video["prediction_1"])
        for _, of_video in joined.groupby("video_id")
    ]
    return float(np.mean(per_video))


def test_a_saved_model_predicts_the_same_in_another_process_and_on_workers(
    late: Path, planted: Path, tmp_path: Path
) -> None:
    model = training.load_model(late)
    data = open_dataset(str(planted / "features"), tables=model.settings.tables)
    here = {video_id: training.predict_video(model, data, video_id) for video_id in data.videos}
    for workers in (0, 2):
        out = tmp_path / f"{workers}.parquet"
        done = avcues("predict", late, planted / "features", "--out", out, "--workers", workers)
        assert done.returncode == 0, done.stderr
        assert "the model was trained on 10 of these 10 videos: how well it predicts them says little" in done.stderr
        table = pq.read_table(out)
        assert table.column_names == ["video_id", "window", "start", "end", "valence"]
        of_clip = table.filter(table["video_id"].to_numpy(zero_copy_only=False) == "clip03")
        assert of_clip["valence"].to_pylist() == here["clip03"]["valence"].to_pylist()
        assert of_clip["valence"].to_pylist()[:5][:4] == [None] * 4
        assert of_clip["valence"].null_count == 4
        short = table.filter(table["video_id"].to_numpy(zero_copy_only=False) == "short")
        assert short["valence"].null_count == 4
        assert pq.read_metadata(out).num_row_groups == 1
    assert (tmp_path / "0.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()


def test_a_prediction_reports_progress_at_each_step(lasso: Path, planted: Path) -> None:
    model = training.load_model(lasso)
    data = open_dataset(str(planted / "features"), tables=model.settings.tables)
    reports: list[str] = []
    work = PredictionWork(model=model, dataset=data)
    result = work.process(VideoInput("clip00", "clip00"), lambda video_id, done_s, total_s: reports.append(video_id))
    assert result.state == "done"
    assert reports == ["clip00"] * (2 + len(model.dimensions))  # at the start, of the tables, of each dimension


def test_features_of_another_recipe_are_refused_with_every_difference(
    late: Path, planted: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(late, tmp_path / "other"))
    about = json.loads((other / "model.json").read_text())
    about["tables"]["color"]["recipe"] |= {"version": 99, "precision": "int8"}
    (other / "model.json").write_text(json.dumps(about))
    features = Path(shutil.copytree(planted / "features", tmp_path / "features"))
    shutil.rmtree(features / "lighting")
    done = run("predict", other, features, "--out", tmp_path / "p.parquet")
    assert done.exit_code == 2
    version, precision, missing = done.stderr.strip().splitlines()
    assert 'color precision: the model was trained with "int8", this folder has null' in precision
    assert "color version: the model was trained with 99, this folder has 1" in version
    assert "lighting: the model reads this table, but it is missing; add it with avcues extract" in missing
    assert not (tmp_path / "p.parquet").exists()


def test_a_video_that_cannot_be_read_costs_no_other_video_anything(late: Path, planted: Path, tmp_path: Path) -> None:
    features = Path(shutil.copytree(planted / "features", tmp_path / "features"))
    (features / "color" / "clip02.parquet").write_bytes(b"not a table")
    done = run("predict", late, features, "--out", tmp_path / "p.parquet")
    assert done.exit_code == 1
    assert re.search(r"failed +clip02: .*cannot be read", done.stderr)
    assert len(set(pq.read_table(tmp_path / "p.parquet")["video_id"].to_pylist())) == 9


def test_the_script_s_protocol_leaks_and_says_so_and_each_choice_can_be_replaced(planted: Path, tmp_path: Path) -> None:
    options = [*TABLES, *QUICK, "--epochs", 1, "--dimensions", "valence", *pretraining(planted), "--protocol", "muvi"]
    said = train(planted, tmp_path / "muvi", "pair", *options)
    assert "pretrain=shared: the branches" in said
    assert "whether raters of the labels for pretraining also rated test videos is unknown" in said
    assert len(figures(tmp_path / "muvi")["leaks"]) == 2
    chosen = json.loads((tmp_path / "muvi" / "model.json").read_text())["settings"]["protocol"]
    assert chosen["split"], chosen["validation"] == ("kfold", "half")
    replaced = {
        "split": "hashed",
        "validation": "tenth",
        "scaling": "standard",
        "scoring": "video",
        "keep": "best",
        "pretrain": "matched",
        "block": "paper",
        "loss": "ccc",
    }
    for name, value in replaced.items():
        options += [f"--{name}", value]
    said = train(planted, tmp_path / "own", "pair", *options)
    assert "not comparable" not in said
    assert figures(tmp_path / "own")["leaks"] == []
    chosen = json.loads((tmp_path / "own" / "model.json").read_text())["settings"]["protocol"]
    assert {name: chosen[name] for name in replaced} == replaced


@pytest.mark.parametrize("heads", ["rater", "setup"])
def test_single_raters_are_learned_by_heads_of_their_own(planted: Path, tmp_path: Path, heads: str) -> None:
    options = ["--targets", "raters", "--heads", heads, "--annotations", planted / "ann", "--dimensions", "valence"]
    train(planted, tmp_path / "m", "late", *TABLES, *QUICK, *options)
    model_figures = figures(tmp_path / "m")["dimensions"]["valence"]
    assert {one["rater"] for one in model_figures["raters"]["per_rater"]} >= (
        {"r0", "r1", "r2", "r3"} if heads == "rater" else {"r0 (music)", "r0 (visual)", "r0 (audiovisual)"}
    )
    assert model_figures["raters"]["own_head_is_better_by"]["over"] == "raters"
    table = pd.read_parquet(tmp_path / "m" / "out_of_fold.parquet")
    table = table[(table["dimension"] == "valence") & table["without"].isna()]
    of_videos = [  # against the mean of raters
        audmetric.concordance_cc(video["target"], video["prediction"]) for _, video in table.groupby("video_id")
    ]
    assert model_figures["model"]["ccc"]["mean"] == pytest.approx(np.mean(of_videos))
    model = training.load_model(tmp_path / "m")
    data = open_dataset(str(planted / "features"), tables=model.settings.tables)
    table = training.predict_video(model, data, "clip00")
    assert table.column_names[4:] == ["valence", "valence_std"]
    assert table["valence_std"].to_pylist()[10] > 0


def test_soft_labels_are_learned_on_their_own_scale(planted: Path, tmp_path: Path) -> None:
    shares = [f"clip{i:02},{0.1 * i:.1f}" for i in range(9)]
    (tmp_path / "soft.csv").write_text("\n".join(["video_id,mood=calm", *shares]) + "\n")
    options = [
        "--labels",
        tmp_path / "soft.csv",
        "--model",
        "lstm",
        "--visual",
        "color",
        *QUICK,
        "--label-range",
        "0,1",
        "--workers",
        1,
    ]
    done = run("train", planted / "features", *options, "--out", tmp_path / "m")
    assert done.exit_code == 0, done.stderr
    assert [*figures(tmp_path / "m")["dimensions"]] == ["mood=calm"]
    predicted = pq.read_table(tmp_path / "m" / "out_of_fold.parquet")["prediction"].to_numpy()
    assert (predicted >= 0).all()
    assert (predicted <= 1).all()


WRONG = {
    "no labels": (["--labels", "{place}/none.csv"], "none.csv: no such file of labels"),
    "foreign labels": (["--labels", "{place}/foreign.csv"], "labels none of the dataset's videos"),
    "no video_id": (["--labels", "{place}/nameless.csv"], "has no column video_id"),
    "text labels": (["--labels", "{place}/words.csv"], "has no numeric column to predict, only valence"),
    "out of scale": (
        ["--labels", "{place}/large.csv"],
        "give the scale of the labels with --label-range, lowest and highest",
    ),
    "unknown dimension": (["--dimensions", "valense"], 'has no label "valense"; did you mean "valence"?'),
    "unknown table": (["--audio", "emobass"], "emobass"),
    "too many folds": (["--folds", "20"], "label 20 or more, or use fewer folds"),
    "bad range": (["--label-range", "1"], "expected LOW,HIGH, such as -1,1"),
    "one modality": (["--model", "late", "--visual", ""], "--visual is empty"),
    "two modalities": (["--model", "lstm"], "reads one modality"),
    "no isolated ratings": (["--model", "pair"], "needs ratings of the isolated modalities"),
    "needless pretraining": (
        ["--pretrain-audio", "{place}/foreign.csv"],
        "lasso is not pretrained; of the built-in models, only pair is",
    ),
    "no ratings": (["--model", "late", "--targets", "raters"], "give their ratings with --annotations"),
    "odd units": (["--units", "3"], "--units 3: expected an even number"),
    "out in the dataset": (["--out", "{features}/model"], "lies in the dataset"),
    "out is something else": (["--out", "{features}/../gold"], "exists and is not a model"),
    "order": (["--split", "kfold", "--video-order", "{place}/foreign.csv"], "--video-order: lacks clip00"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_input_is_one_helpful_line(planted: Path, tmp_path: Path, what: str) -> None:
    (tmp_path / "foreign.csv").write_text("video_id,time,valence\nnowhere,0,0.5\n")
    (tmp_path / "nameless.csv").write_text("video,valence\nclip00,0.5\n")
    (tmp_path / "words.csv").write_text("video_id,time,valence\n" + "".join(f"clip{i:02},0,high\n" for i in range(9)))
    (tmp_path / "large.csv").write_text("video_id,time,valence\n" + "".join(f"clip{i:02},0,{i}\n" for i in range(9)))
    options, expected = WRONG[what]
    options = [option.format(place=tmp_path, features=planted / "features") for option in options]
    usual = {
        "--labels": planted / "gold" / "audiovisual.parquet",
        "--model": "lasso",
        "--audio": "rhythm",
        "--visual": "color",
        "--out": tmp_path / "m",
    }
    chosen = usual | dict(zip(options[::2], options[1::2], strict=True))
    done = run("train", planted / "features", *[part for option in chosen.items() for part in option])
    assert done.exit_code == 2
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.strip().splitlines() if not line.startswith("note")]
    assert expected in line
    assert not (tmp_path / "m").exists()


def test_a_folder_that_is_no_model_is_named(planted: Path) -> None:
    for command in (["evaluate"], ["compare"], ["predict"]):
        more = [planted / "gold"] if command == ["compare"] else []
        more = [planted / "features", "--out", planted / "p.parquet"] if command == ["predict"] else more
        done = run(*command, planted / "ann", *more)
        assert done.exit_code == 2
        (line,) = done.stderr.strip().splitlines()
        assert "a folder that avcues train made" in line


def test_public_names_are_documented_and_their_examples_run() -> None:
    assert doctest.testmod(training).failed == 0
    for name in training.__all__:
        assert getattr(training, name).__doc__ or name in ("CLEAN", "MUVI")
