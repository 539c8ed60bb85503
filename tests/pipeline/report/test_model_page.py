"""The page of a model: offline, at any width, with what the figures follow from."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import CHROMIUM, Browser

from models_cache import WeightsError
from pipeline.report import page
from pipeline.report.model_page import build_model_page
from pipeline.training import TrainingSettings, prepare, train
from pipeline.training.settings import Protocol


@pytest.fixture(scope="module")
def model(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        page.library()
    except WeightsError as error:
        pytest.skip(str(error))
    settings = TrainingSettings(
        model="late", audio=("rhythm",), visual=("color",), folds=3, seeds=2, protocol=Protocol(units=8, epochs=3)
    )
    out = tmp_path_factory.mktemp("model") / "late"
    labels = planted / "gold" / "audiovisual.parquet"
    train(prepare(str(planted / "features"), labels, settings, annotations=planted / "ann"), out)
    return build_model_page(out)


def test_it_shows_figures_baselines_raters_and_importance_without_scripts(model: Path) -> None:
    text = model.read_text()
    for wanted in (
        "this model",
        "training mean",
        "time only",
        "rater vs. others",
        "Importance of each table",
        "9 videos",
    ):
        assert wanted in text


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [400, 800, 1400])
def test_it_draws_offline_at_any_width(model: Path, tmp_path: Path, width: int) -> None:
    with Browser(tmp_path / "profile") as browser:
        browser.open(model, width)
        assert browser.value("document.documentElement.scrollWidth") <= width
        drawn = "[...document.querySelectorAll('#course canvas, #scores canvas, #losses canvas')].map(c => c.width > 0)"
        assert browser.value(drawn) == [True] * 3
        shown = "document.querySelector('#now b').textContent"
        best = browser.value(shown)
        press(browser, "ArrowLeft")
        assert browser.value(shown) != best
        press(browser, "ArrowDown")
        assert browser.value("document.querySelector('#dimension').value") == "valence"
        assert browser.requests == []
        assert browser.complaints == []


def press(browser: Browser, key: str) -> None:
    browser.value(f"document.body.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}}))")
