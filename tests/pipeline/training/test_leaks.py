"""Nothing that saw a test video touches a model, a scaler, a delay or a gold standard."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch
from planted import DIMENSION, SMALL, make_samples, parts_of, settings_for

from avcues.pipeline.annotations import FeatureValues, Recipe, gold, read, read_labels_metadata, write
from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.errors import InputError, LeakError, SettingsError
from avcues.pipeline.store.parquet import METADATA_KEY, write_table
from avcues.pipeline.training import MUVI, Study, TrainingSettings, prepare
from avcues.pipeline.training.fitting import fit_model
from avcues.pipeline.training.protocol import MAIN
from avcues.pipeline.training.ratings import delay_features, refit_gold_standard
from avcues.pipeline.training.splits import Parts, split

SETTINGS = TrainingSettings(model="lasso", visual=("color", "lighting"), folds=3)


@pytest.mark.parametrize("model", ["lasso", "lstm", "early", "late", "pair"])
def test_a_model_is_the_same_whatever_its_test_videos_are(model: str) -> None:
    """Features and labels of test videos are replaced by others that are a thousand times as large."""
    random = np.random.default_rng(0)
    blocks = {"lasso": ["features"], "lstm": ["audio"], "early": ["features"]}.get(model, ["audio", "visual"])
    names = ["audio"] if model in ("lasso", "lstm") else ["audio", "visual"]
    features = {block: random.normal(size=(12, 20, 4)) for block in blocks}
    labels = {role: random.uniform(-1, 1, (12, 20)) for role in (MAIN, *blocks)}
    others = {block: np.concatenate([values[:9], 1000 * values[9:]]) for block, values in features.items()}
    other_labels = {role: np.concatenate([values[:9], values[9:] - 1]) for role, values in labels.items()}
    settings = settings_for(model, names, replace(SMALL, epochs=3))
    fitted = []
    for seen, told in ((features, labels), (others, other_labels)):
        samples = make_samples(seen, told)
        fitted.append(fit_model(samples, parts_of(samples, 7, 2), DIMENSION, settings)[0])
    one, other = fitted
    for block, scaler in one.scalers.items():
        assert scaler.document() == other.scalers[block].document()
    if model == "lasso":
        assert one.estimator.coefficients.tolist() == other.estimator.coefficients.tolist()
    else:
        for name, weights in one.estimator.tensors().items():
            torch.testing.assert_close(weights, other.estimator.tensors()[name], rtol=0, atol=0)


@pytest.mark.parametrize("protocol", [SMALL, replace(SMALL, validation="half"), MUVI])
def test_every_video_is_in_one_part_of_a_fold(protocol) -> None:
    videos = [f"v{i:02}" for i in range(23)]
    folds = split({MAIN: videos, "audio": videos[5:]}, 5, protocol)
    for parts in folds:
        every = [video_id for part in parts for video_id in part]
        assert sorted(every) == videos
    tested = [video_id for parts in folds for video_id in parts.test]
    assert len(tested) == len(set(tested))
    assert len(tested) == (23 if protocol.validation == "tenth" else sum(len(parts.test) for parts in folds))
    if protocol.validation == "half":
        assert 10 <= len(tested) <= 13


def test_the_same_file_under_two_names_is_refused(planted: Path, tmp_path: Path) -> None:
    copied = tmp_path / "study"
    shutil.copytree(planted, copied)
    for path in (copied / "features").glob("[!_]*/clip01.parquet"):
        table, about = pq.read_table(path), json.loads(pq.read_metadata(path).metadata[METADATA_KEY])
        about["source"]["fingerprint"] = f"{'clip00':0>64}"
        write_table(table.replace_schema_metadata({METADATA_KEY: json.dumps(about)}), path)
    with pytest.raises(LeakError, match=r"clip0[01] .* and clip0[01] .* were made from the same file"):
        prepare(str(copied / "features"), copied / "gold" / "audiovisual.parquet", SETTINGS)


@pytest.mark.parametrize("fitted", ["standardise", "delay"])
def test_labels_that_were_fitted_on_test_videos_are_refused_or_fitted_anew(
    planted: Path, tmp_path: Path, fitted: str
) -> None:
    recipe = Recipe(standardise=True) if fitted == "standardise" else Recipe(delay="auto")
    data = open_dataset(str(planted / "features"), tables=["color", "lighting", "rhythm"])
    made = gold(read(planted / "ann"), recipe, training_videos=data.videos, features=FeatureValues(data))
    labels = tmp_path / "labels.parquet"
    pq.write_table(made.tables["audiovisual"], labels)
    with pytest.raises(
        LeakError, match=r"were fitted on clip0.* which a fold tests: give the ratings with `annotations`"
    ):
        prepare(str(planted / "features"), labels, SETTINGS)
    study = prepare(str(planted / "features"), labels, SETTINGS, annotations=planted / "ann")
    assert any("refitted in every fold" in note for note in study.notes)
    # Ratings of the videos that fold 0 tests are turned upside down: its training labels do not change.
    tested = study.folds[0].test
    other = prepare(
        str(planted / "features"), labels, SETTINGS, annotations=with_other_ratings(planted / "ann", tested, tmp_path)
    )
    assert other.folds == study.folds
    train = study.samples.rows((*study.folds[0].train, *study.folds[0].validation))
    test = study.samples.rows(tested)
    assert labels_of(study, 0, train) == labels_of(other, 0, train)
    assert labels_of(study, 0, test) != labels_of(other, 0, test)
    if fitted == "standardise":
        assert labels_of(study, 1, train) != labels_of(other, 1, train)  # which learns from them


def test_labels_refitted_for_a_model_on_other_tables_are_the_same_gold_standard(planted: Path) -> None:
    """Lags come from the tables and dimensions of the labels, not from those of the model."""
    folder, ratings = str(planted / "features"), read(planted / "ann")
    data = open_dataset(folder, tables=["color", "rhythm"])
    recipe = Recipe(delay="auto", dimensions=("valence",))
    features = FeatureValues(data)
    labels = gold(ratings, recipe, training_videos=data.videos, features=features).tables["audiovisual"]
    about = read_labels_metadata(labels)
    assert about is not None
    assert about["recipe"]["delay_tables"] == ["color", "rhythm"]
    assert about["recipe"]["dimensions"] == ["valence"]
    features = delay_features("labels", about, open_dataset(folder, tables=["lighting"]))
    for_lighting = refit_gold_standard(ratings, "labels", about, data.videos, features)
    assert for_lighting.equals(labels, check_metadata=True)
    unsaid = about | {"recipe": about["recipe"] | {"delay_tables": None}}
    with pytest.raises(InputError, match="does not record from which tables the lags of its raters were estimated"):
        delay_features("labels", unsaid, data)
    other = FeatureValues(open_dataset(folder, tables=["lighting"]))
    with pytest.raises(SettingsError, match="estimates lags from color, rhythm, but the features are of lighting"):
        gold(ratings, Recipe.from_described(about["recipe"]), training_videos=data.videos, features=other)


def test_labels_that_lost_their_metadata_are_still_guarded(planted: Path, tmp_path: Path) -> None:
    data = open_dataset(str(planted / "features"))
    labels = gold(read(planted / "ann"), Recipe(standardise=True), training_videos=data.videos).tables["audiovisual"]
    labels.to_pandas().to_csv(tmp_path / "labels.csv", index=False)
    with pytest.raises(LeakError, match=r"were fitted on clip0.* which a fold tests"):
        prepare(str(planted / "features"), tmp_path / "labels.csv", SETTINGS)
    with pytest.raises(InputError, match="does not record its recipe"):
        prepare(str(planted / "features"), tmp_path / "labels.csv", SETTINGS, annotations=planted / "ann")


def with_other_ratings(ann: Path, videos: tuple[str, ...], place: Path) -> Path:
    """The same ratings but for those of some videos, which are turned round and made half as large."""
    ratings = read(ann)
    values = ratings.ratings["value"]
    turned = pc.if_else(
        pc.is_in(ratings.ratings["video_id"].cast(pa.string()), pa.array(videos)), pc.multiply(values, -0.5), values
    )
    table = ratings.ratings.set_column(ratings.ratings.column_names.index("value"), "value", turned)
    write(replace(ratings, ratings=table), place / "other")
    return place / "other"


def labels_of(study: Study, fold: int, rows: np.ndarray) -> list[float]:
    return study.samples.with_fold_labels(fold).gold["valence"][rows, 0].tolist()


def test_labels_fitted_on_a_test_video_under_another_name_are_refused(planted: Path, tmp_path: Path) -> None:
    labels = gold(read(planted / "ann")).tables["audiovisual"]
    copied = tmp_path / "study"
    shutil.copytree(planted, copied)
    for path in (planted / "features").glob("[!_]*/clip00.parquet"):
        copy = copied / "features" / path.parent.name / "copy.parquet"
        table = pq.read_table(path)
        renamed = table.set_column(0, "video_id", pa.array(["copy"] * len(table)))
        write_table(renamed.replace_schema_metadata(pq.read_metadata(path).metadata), copy)
    about = json.loads(labels.schema.metadata[METADATA_KEY]) | {"fitted_on": {"standardise": ["copy"]}}
    with pytest.raises(LeakError, match="fitted on copy"):
        prepare(str(copied / "features"), labels.replace_schema_metadata({METADATA_KEY: json.dumps(about)}), SETTINGS)


def test_a_fold_that_pretrains_on_a_test_video_is_refused() -> None:
    random = np.random.default_rng(0)
    labels = random.uniform(-1, 1, (10, 20))
    samples = make_samples(
        {name: random.normal(size=(10, 20, 3)) for name in ("audio", "visual")},
        {MAIN: labels, "audio": labels, "visual": labels},
    )
    parts = parts_of(samples, 7, 1)
    settings = settings_for("pair", ["audio", "visual"], replace(SMALL, epochs=1))
    own = Parts(parts.train[:-1], (*parts.validation, parts.test[0]), ())
    with pytest.raises(LeakError, match="v08 is in the pretraining and in the test part"):
        fit_model(samples, parts, DIMENSION, settings, pretraining=own)
    renamed = replace(samples, fingerprints=samples.fingerprints | {"v08": "v03"})
    with pytest.raises(LeakError, match="made from the same file"):
        fit_model(renamed, parts, DIMENSION, settings)
