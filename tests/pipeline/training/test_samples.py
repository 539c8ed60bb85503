"""What a model reads: missing values, constant columns, texts, rows of shots, videos that are too short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from planted import DIMENSION, make_samples, parts_of, settings_for

from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.errors import DatasetError
from avcues.pipeline.training.fitting import fit_model
from avcues.pipeline.training.models.gradient_descent import loss_of
from avcues.pipeline.training.protocol import MAIN
from avcues.pipeline.training.samples import feature_matrix, model_columns
from avcues.pipeline.training.scaling import fit_scaler

COLUMNS = ["a.x", "a.y", "a.flat", "a.present"]
VALUES = np.array([[1, 5, 7, 1], [3, np.nan, 7, 0], [np.nan, 9, 7, 0], [100, 100, 8, 1]], np.float32)


@pytest.mark.parametrize(("kind", "low"), [("standard", -1), ("minmax", 0)])
def test_scaling_is_fitted_on_training_rows_and_fills_gaps_with_their_mean(kind: str, low: float) -> None:
    scaler = fit_scaler(VALUES, np.array([0, 1, 2]), COLUMNS, kind)
    assert scaler.columns == ("a.x", "a.y", "a.present")
    assert scaler.constant_columns == ("a.flat",)
    scaled = scaler.apply(VALUES, COLUMNS)
    assert np.isfinite(scaled).all()
    assert scaled[:2, 0].tolist() == [low, 1]
    middle = 0 if kind == "standard" else 0.5
    assert scaled[2, 0] == scaled[1, 1] == pytest.approx(middle)
    assert scaled[3, 0] > 20  # a row of a test video does not move the scale


def test_tables_give_numbers_and_a_column_that_says_where_values_are_missing(finished: Path) -> None:
    data = open_dataset(str(finished), tables=["color", "motion", "glow"], incomplete="nulls")
    names = model_columns(data, ["color", "motion", "glow"])
    assert "motion.kind" not in names  # a text
    assert {"motion.change", "glow.any", "color.present", "motion.present", "glow.present"} < {*names}
    table = data.read("vfr20")
    values = feature_matrix(table, names)
    assert values.shape == (table.num_rows, len(names))
    # Rows of shots stand on the grid.
    change = dict(enumerate(pq.read_table(finished / "motion" / "vfr20.parquet")["change"].to_pylist()))
    shot = pq.read_table(finished / "timeline" / "vfr20.parquet")["shot"].to_pylist()
    assert values[:, names.index("motion.change")].tolist() == [change[one] for one in shot]
    sound = feature_matrix(data.read("sound"), names)
    assert not sound[:, names.index("color.present")].any()
    assert np.isnan(sound[:, names.index("color.colourfulness")]).all()


def test_missing_features_and_labels_never_reach_a_loss() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(12, 20, 5))
    features[random.random(features.shape) < 0.3] = np.nan
    features[3] = np.nan  # a training video without a single value
    labels = np.where(random.random((12, 20)) < 0.5, np.nan, random.uniform(-1, 1, (12, 20)))
    for model in ("lasso", "lstm"):
        block = "features" if model == "lasso" else "audio"
        samples = make_samples({block: features}, {MAIN: labels})
        fitted, inputs = fit_model(samples, parts_of(samples, 8, 2), DIMENSION, settings_for(model, ["audio"]))
        rows = samples.labelled_rows(samples.videos[10:], samples.gold[DIMENSION], fitted.history)
        assert np.isfinite(fitted.predict(inputs, rows)).all()
        assert all(np.isfinite(epoch.train) for losses in fitted.estimator.losses.values() for epoch in losses)


@pytest.mark.parametrize("kind", ["mse", "ccc"])
def test_a_missing_label_neither_counts_nor_has_a_gradient(kind: str) -> None:
    predicted = torch.tensor([[0.1], [0.5], [0.9], [0.4]], requires_grad=True)
    labels = torch.tensor([[0.0], [float("nan")], [1.0], [0.2]])
    loss = loss_of(predicted, labels, kind)
    known = [0, 2, 3]
    assert loss.item() == pytest.approx(loss_of(predicted[known], labels[known], kind).item())
    loss.backward()
    assert predicted.grad is not None
    assert predicted.grad.isfinite().all()
    assert predicted.grad[1] == 0


def test_ccc_loss_is_one_less_ccc() -> None:
    import audmetric

    random = np.random.default_rng(0)
    target, prediction = random.normal(size=(2, 50)).astype(np.float32)
    loss = loss_of(torch.from_numpy(prediction)[:, None], torch.from_numpy(target)[:, None], "ccc")
    assert loss.item() == pytest.approx(1 - audmetric.concordance_cc(target, prediction), abs=1e-5)


def test_the_window_after_the_fourth_is_the_first_to_be_predicted() -> None:
    samples = make_samples({"audio": np.zeros((2, 118, 1))}, {MAIN: np.zeros((2, 118))})
    rows = samples.labelled_rows(samples.videos, samples.gold[DIMENSION], (4, 1))
    assert len(rows) == 2 * 114
    assert samples.videos_and_windows(rows)[1][:2].tolist() == [4, 5]


def test_a_table_of_texts_alone_is_an_error(finished: Path) -> None:
    data = open_dataset(str(finished), columns=["motion.kind"])
    with pytest.raises(DatasetError, match="motion: has no numeric column that a model could read"):
        model_columns(data, ["motion"])
