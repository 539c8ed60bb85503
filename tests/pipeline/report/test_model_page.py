"""The page of a model: offline, at any width, with what the figures follow from."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from browser import Browser

from avcues.models_cache import WeightsError
from avcues.pipeline.report import page
from avcues.pipeline.report.build import build
from avcues.pipeline.report.model_page import model_page
from avcues.pipeline.training import TrainingSettings, evaluate_saved, prepare, train
from avcues.pipeline.training.protocol import Protocol


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
    train(prepare(str(planted / "features"), labels, settings, annotations=planted / "ann"), out, page=model_page)
    return out / "index.html"


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


@pytest.mark.parametrize("width", [400, 800, 1400])
def test_it_draws_offline_at_any_width(browser: Browser, model: Path, width: int) -> None:
    browser.open(model, width)
    assert browser.overflow() == 0
    drawn = "[...document.querySelectorAll('#course canvas, #losses canvas')].map(c => c.width > 0)"
    assert browser.value(drawn) == [True] * 2
    text = "document.querySelector('#now b').textContent"
    best = browser.value(text)
    browser.press("ArrowLeft")
    assert browser.value(text) != best
    browser.press("ArrowDown")
    assert browser.value("document.querySelector('#dimension').value") == "valence"
    assert browser.requests == []
    assert browser.complaints == []


@pytest.mark.parametrize("width", [400, 1400])
def test_it_is_dark_where_the_browser_is(browser: Browser, model: Path, width: int) -> None:
    colours = []
    for scheme in ("light", "dark"):
        browser.look(scheme)
        browser.open(model, width)
        colours.append(mean_colours(browser, "#course canvas", "#losses canvas"))
    assert all(dark < 110 < 200 < light for light, dark in zip(*colours, strict=True)), colours
    browser.look("light")  # the charts follow at once
    browser.frame()
    assert mean_colours(browser, "#course canvas") == pytest.approx(colours[0][:1], abs=1)
    assert browser.overflow() == 0
    assert browser.complaints == []


def mean_colours(browser: Browser, *canvases: str) -> list[float]:
    """How bright charts are over the ground of their page, 0 to 255."""
    return [
        browser.value(
            f"""(canvas => {{
              const sheet = new OffscreenCanvas(canvas.width, canvas.height), ctx = sheet.getContext('2d');
              ctx.fillStyle = getComputedStyle(canvas.closest('.charts')).backgroundColor;
              ctx.fillRect(0, 0, sheet.width, sheet.height);
              ctx.drawImage(canvas, 0, 0);
              const {{data}} = ctx.getImageData(0, 0, sheet.width, sheet.height);
              return data.filter((_, i) => i % 4 < 3).reduce((a, b) => a + b, 0) / data.length * 4 / 3;
            }})(document.querySelector('{selector}'))"""
        )
        for selector in canvases
    ]


def test_its_charts_say_what_they_show_and_all_is_done_with_keys(browser: Browser, model: Path) -> None:
    browser.open(model, 1000)
    said = browser.value("['course', 'losses'].map(id => document.getElementById(id).ariaLabel)")
    id_ = browser.value("document.querySelector('#now b').textContent")
    assert said[0].startswith(f"arousal of {id_}, CCC ") and "prediction from" in said[0]
    assert said[1].startswith("Loss by epoch of 6 fits: ")
    reached = browser.tab_through()
    assert {"dimension", "video", "previous video", "next video"} <= set(reached)


def test_its_videos_lead_to_the_moment_of_the_largest_error(browser: Browser, planted: Path, model: Path) -> None:
    browser.open(model, 1000)
    rows = "[...document.querySelectorAll('#scores tbody tr')]"
    assert browser.value(f"{rows}.filter(r => r.querySelector('a')).length") == 0  # the dataset has no report yet
    report = model.parent.parent / "report"
    build(planted / "features", report=report, workers=2)
    evaluate_saved(model.parent, page=partial(model_page, report=report))
    browser.open(model, 1000)
    of_row = "[r.querySelector('th').textContent, Number(r.cells[1].textContent), r.querySelector('a').hash]"
    listed = browser.value(f"{rows}.map(r => {of_row})")
    out_of_fold = pq.read_table(model.parent / "out_of_fold.parquet").to_pandas()
    arousal = out_of_fold[(out_of_fold.dimension == "arousal") & out_of_fold.without.isna()]
    assert [name for name, _, _ in listed] != sorted(name for name, _, _ in listed)
    assert [ccc for _, ccc, _ in listed] == sorted(ccc for _, ccc, _ in listed)
    for name, _, address in listed:
        mean = arousal[arousal.video_id == name].groupby("window")[["target", "prediction"]].mean()
        worst = (mean.prediction - mean.target).abs().idxmax()
        assert address == f"#at={worst / 2:g}"
    browser.value(f"{rows}[0].querySelector('a').click()")
    browser.wait(f"document.title === '{listed[0][0]} · avcues' && document.documentElement.dataset.ready")
    browser.frame()
    window = round(2 * float(listed[0][2].removeprefix("#at=")))
    assert f"window {window}" in browser.value("document.getElementById('now').textContent")
    assert browser.complaints == []


def test_no_figure_reads_minus_nothing(model: Path) -> None:
    assert not re.search(r"[-−]0\.0+(?![0-9])", re.sub(r"<script.*?</script>", "", model.read_text(), flags=re.DOTALL))
