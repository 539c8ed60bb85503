"""A model of one's own is one class in one file: trained, judged, saved, shown and used like the built-in ones."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avcues.pipeline.cli.app import app
from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.training import load_model, predict_video
from avcues.pipeline.training.models import registry


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model of `ridge_model`, as if its package were installed."""
    point = importlib.metadata.EntryPoint("ridge", "ridge_model:Ridge", registry.ENTRY_POINTS)

    def entry_points(group: str, name: str | None = None) -> list[importlib.metadata.EntryPoint]:
        return [point] if group == registry.ENTRY_POINTS and name in (None, "ridge") else []

    monkeypatch.setattr(registry.importlib.metadata, "entry_points", entry_points)
    registry.model_names.cache_clear()
    yield
    registry.model_names.cache_clear()
    registry.estimator_class.cache_clear()


def test_an_installed_model_is_used_like_a_built_in_one(installed: None, planted: Path, tmp_path: Path) -> None:
    labels = planted / "gold" / "audiovisual.parquet"
    options = ["--labels", labels, "--model", "ridge", "--audio", "rhythm", "--visual", "color", "--folds", 3]
    command = ["train", planted / "features", *options, "--ablate", "--out", tmp_path / "m", "--workers", 1]
    done = CliRunner().invoke(app, [str(part) for part in command])
    assert done.exit_code == 0, done.stderr
    assert "CCC lost when fitted without a table" in done.stderr
    card = (tmp_path / "m" / "MODELCARD.md").read_text()
    assert "Ridge regression on the features of the same window. It predicts arousal and valence" in card
    assert "ridge for arousal and valence" in (tmp_path / "m" / "index.html").read_text()
    model = load_model(tmp_path / "m")
    data = open_dataset(str(planted / "features"), tables=model.settings.tables)
    assert predict_video(model, data, "clip00")["valence"].null_count == 0


def test_an_unknown_model_is_refused_with_the_names_of_all(planted: Path, tmp_path: Path) -> None:
    command = [
        "train",
        planted / "features",
        "--labels",
        tmp_path / "l.csv",
        "--model",
        "laso",
        "--out",
        tmp_path / "m",
    ]
    done = CliRunner().invoke(app, [str(part) for part in command])
    assert done.exit_code == 2
    expected = 'there is no such model; did you mean "lasso"?; expected lasso, lstm, early, late, pair'
    assert expected in done.stderr
