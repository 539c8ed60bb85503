"""Labels given once per clip: judged over clips; shares of categories end in a softmax."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import audmetric
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from clips import Extracted
from planted_folder import plant
from sklearn import metrics
from typer.testing import CliRunner

from avcues.pipeline.annotations import Recipe, gold, import_tidy, write
from avcues.pipeline.cli.app import app
from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.training import (
    Protocol,
    TrainingSettings,
    compare,
    evaluate_saved,
    load_model,
    predict_video,
    prepare,
    train,
)
from avcues.pipeline.training.categories import ShareLabels, evaluate_shares

LASSO = TrainingSettings(model="lasso", audio=("rhythm",), visual=("color",), folds=3, ablate=True)
SMALL = Protocol(units=8, epochs=10, learning_rate=0.01)


CLIPS = 30


@pytest.fixture(scope="module")
def clip_study(real60: Extracted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of 8 s, each with a label that its picture tells and its sound does not: what viewers felt on average."""
    place = plant(
        real60.out, "real60", tmp_path_factory.mktemp("clips") / "study", {f"clip{i:02}": 16 for i in range(CLIPS)}
    )
    felt = pd.read_parquet(place / "gold" / "visual.parquet").groupby("video_id")["valence"].mean()
    level = felt.rename("liking") / felt.abs().max() * 0.9
    level.to_frame().to_csv(place / "liking.csv")
    shares = np.exp(3 * np.column_stack([level, -level, 0 * level]))
    shares /= shares.sum(axis=1, keepdims=True)
    pd.DataFrame(shares, index=level.index, columns=["mood=calm", "mood=sad", "mood=tense"]).to_csv(
        place / "shares.csv"
    )
    words = pd.Series(np.where(level > 0, "up", "down"), index=level.index, name="emotion")
    words.to_frame().to_csv(place / "words.csv")
    return place


@pytest.fixture(scope="module")
def liking(clip_study: Path) -> Path:
    train(prepare(str(clip_study / "features"), clip_study / "liking.csv", LASSO), clip_study / "model")
    return clip_study / "model"


def figures(model: Path, dimension: str) -> dict:
    return json.loads((model / "metrics.json").read_text())["dimensions"][dimension]


def test_the_headline_is_over_clips(liking: Path) -> None:
    """Before, figures were means over videos of the CCC of constants: 0.000 ± 0.000 for any model."""
    model_figures = figures(liking, "liking")
    table = pd.read_parquet(liking / "out_of_fold.parquet")
    whole = table[table["without"].isna()]
    assert len(whole) == model_figures["model"]["videos"] == CLIPS
    assert whole["window"].isna().all()
    expected = audmetric.concordance_cc(whole["target"], whole["prediction"])
    assert model_figures["kind"] == "clips"
    assert model_figures["model"]["ccc"]["value"] == pytest.approx(expected)
    assert model_figures["model"]["ccc"]["low"] < expected < model_figures["model"]["ccc"]["high"]
    assert model_figures["model"]["rmse"]["value"] == pytest.approx(
        metrics.root_mean_squared_error(whole["target"], whole["prediction"])
    )
    assert expected > 0.5
    assert [*model_figures["baselines"]] == ["train_mean"]


def test_baselines_importance_and_ablation_are_over_clips(liking: Path) -> None:
    model_figures = figures(liking, "liking")
    better = model_figures["baselines"]["train_mean"]["model_is_better_by"]
    assert better["p"] < 0.05  # before, 1
    assert better["difference"] == pytest.approx(
        model_figures["model"]["ccc"]["value"] - model_figures["baselines"]["train_mean"]["ccc"]["value"]
    )
    assert model_figures["importance"]["tables"]["color"] > 0.3  # before, 0
    assert model_figures["ablation"]["color"]["model_is_better_by"]["difference"] > 0.3
    assert model_figures["importance"]["tables"]["color"] > model_figures["importance"]["tables"]["rhythm"]


def test_models_are_compared_over_clips(liking: Path, clip_study: Path, tmp_path: Path) -> None:
    blind = TrainingSettings(model="lasso", audio=("rhythm",), folds=3)
    train(prepare(str(clip_study / "features"), clip_study / "liking.csv", blind), tmp_path / "blind")
    (pair,) = compare([liking, tmp_path / "blind"])["dimensions"]["liking"]["pairs"]
    one, other = (figures(model, "liking")["model"]["ccc"]["value"] for model in (liking, tmp_path / "blind"))
    assert pair["comparison"]["difference"] == pytest.approx(one - other)
    assert pair["comparison"]["p"] < 0.1
    done = CliRunner().invoke(app, ["compare", str(liking), str(tmp_path / "blind")])
    assert "liking, CCC over clips" in done.stdout


def test_a_clip_gets_one_prediction(liking: Path, clip_study: Path) -> None:
    model = load_model(liking)
    data = open_dataset(str(clip_study / "features"), tables=model.settings.tables)
    table = predict_video(model, data, "clip03")
    assert table.to_pydict() | {"liking": None} == {
        "video_id": ["clip03"], "window": [None], "start": [0.0], "end": [8.0], "liking": None
    }  # fmt: skip


@pytest.mark.parametrize(("name", "dimension"), [("shares", "mood"), ("words", "emotion")])
def test_shares_end_in_a_softmax_and_are_judged_as_categories(
    clip_study: Path, tmp_path: Path, name: str, dimension: str
) -> None:
    settings = TrainingSettings(model="lstm", visual=("color",), folds=3, seeds=1, protocol=SMALL)
    train(prepare(str(clip_study / "features"), clip_study / f"{name}.csv", settings), tmp_path / "m")
    model_figures = figures(tmp_path / "m", dimension)
    table = pd.read_parquet(tmp_path / "m" / "out_of_fold.parquet")
    labels, predicted = (
        table.pivot_table(index="video_id", columns="dimension", values=v) for v in ("target", "prediction")
    )
    assert predicted.sum(axis=1).to_numpy() == pytest.approx(np.ones(CLIPS))
    truth, guess = labels.to_numpy().argmax(axis=1), predicted.to_numpy().argmax(axis=1)
    model = model_figures["model"]
    assert model["uar"]["value"] == pytest.approx(metrics.balanced_accuracy_score(truth, guess))
    assert model["accuracy"]["value"] == pytest.approx(metrics.accuracy_score(truth, guess))
    present = sorted(set(truth))
    assert model["f1"]["value"] == pytest.approx(metrics.f1_score(truth, guess, labels=present, average="macro"))
    assert np.sum(model["confusion"]) == CLIPS
    card = (tmp_path / "m" / "MODELCARD.md").read_text()
    assert "- Clips of 4 windows or fewer get no prediction" in card
    assert "windows of a video get no prediction" not in card
    second = evaluate_saved(tmp_path / "m")["dimensions"][dimension]
    assert second["model"]["uar"] == model["uar"]


def test_ties_have_no_category_and_are_counted() -> None:
    labels = ShareLabels(
        names=("a", "b"), videos=("v0", "v1", "v2", "v3"), shares=np.array([[1, 0], [0.5, 0.5], [0, 1], [0, 1]])
    )
    predicted = np.array([[0.9, 0.1], [0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])
    evaluated = evaluate_shares(labels, [predicted])
    assert evaluated["without_one_largest_share"] == 1
    assert evaluated["uar"]["value"] == pytest.approx((1 + 0.5) / 2)
    expected = metrics.log_loss([0, 0, 1, 1, 1], predicted[[0, 1, 1, 2, 3]], sample_weight=[1, 0.5, 0.5, 1, 1])
    assert evaluated["cross_entropy"]["value"] == pytest.approx(expected)


def test_ratings_of_clips_are_learned_by_a_head_per_rater(clip_study: Path, tmp_path: Path) -> None:
    level = pd.read_csv(clip_study / "liking.csv")
    random = np.random.default_rng(0)
    rows = [
        {"rater": f"r{i}", "video_id": v, "setup": "audiovisual", "dimension": "liking", "value": np.clip(x + o, -1, 1)}
        for i in range(3)
        for v, x, o in zip(level["video_id"], level["liking"], random.normal(0, 0.2, len(level)), strict=True)
    ]
    write(import_tidy(pa.Table.from_pylist(rows), range_=(-1, 1)), tmp_path / "ann")
    settings = TrainingSettings(model="lstm", visual=("color",), folds=3, seeds=1, targets="raters", protocol=SMALL)
    study = prepare(str(clip_study / "features"), clip_study / "liking.csv", settings, annotations=tmp_path / "ann")
    assert any("3 raters rated both training and test videos" in note for note in study.notes)
    assert any("liking.csv: it is unknown on which videos these labels were fitted" in note for note in study.notes)
    # Labels know their raters, so that the ratings need not be given.
    labels = gold(import_tidy(pa.Table.from_pylist(rows), range_=(-1, 1)), Recipe(method="mean")).tables["audiovisual"]
    settings = replace(settings, model="lasso", targets="gold")
    notes = prepare(str(clip_study / "features"), labels, settings).notes
    assert any("3 raters rated both training and test videos" in note for note in notes)
    assert not any("it is unknown" in note for note in notes)
    train(study, tmp_path / "m")
    model_figures = figures(tmp_path / "m", "liking")
    assert [entry["rater"] for entry in model_figures["raters"]["per_rater"]] == ["r0", "r1", "r2"]
    assert model_figures["raters"]["series"] == 3
    assert model_figures["human"]["series"] == 3
    assert model_figures["human"]["mean"] > 0.7
