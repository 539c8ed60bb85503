"""axe finds nothing on any page, wide or narrow, by day and at night."""

from __future__ import annotations

import shutil
from pathlib import Path

import axe
import pytest
from browser import Browser

from avcues import report as report_of
from avcues.models_cache import WeightsError
from avcues.pipeline.report import page
from avcues.pipeline.report.against.build import build_against
from avcues.pipeline.report.build import build
from avcues.pipeline.report.emotion import Emotion
from avcues.pipeline.report.model_page import model_page
from avcues.pipeline.training import TrainingSettings, prepare, train
from avcues.pipeline.training.protocol import Protocol

PAGES = ("index.html", "overview.html", "agreement.html", "compare.html", "videos/clip01.html", "model", "shared.html")
PAGES += ("against", "against.html")


@pytest.fixture(scope="module")
def script(pytestconfig: pytest.Config) -> str:
    try:
        page.library()
        return axe.axe_script(pytestconfig.cache.mkdir("axe"))
    except (axe.AxeUnavailableError, WeightsError) as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def pages(planted: Path, script: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every kind of page of a rated dataset."""
    place = tmp_path_factory.mktemp("pages")
    settings = TrainingSettings(
        model="late", audio=("rhythm",), visual=("color",), folds=3, seeds=1, protocol=Protocol(units=8, epochs=2)
    )
    labels = planted / "gold" / "audiovisual.parquet"
    train(
        prepare(str(planted / "features"), labels, settings, annotations=planted / "ann"),
        place / "model",
        page=model_page,
    )
    emotion = Emotion(place / "model" / "out_of_fold.parquet", planted / "ann")
    report = build(planted / "features", report=place / "report", emotion=emotion, workers=2).open_first.parent
    shared = report_of(planted / "features", ["clip01"], share=place / "shared.html").open_first
    other = Path(shutil.copytree(planted / "features", place / "other"))
    shutil.rmtree(other / "lighting")
    against = build_against(planted / "features", other, ["clip01"], report=place / "report", workers=1).open_first
    own = {"model": place / "model" / "index.html", "shared.html": shared}
    own |= {"against": against.with_name("index.html"), "against.html": against}
    return {name: own.get(name, report / name) for name in PAGES}


@pytest.mark.parametrize("name", PAGES)
def test_no_page_keeps_anybody_from_using_it(browser: Browser, pages: dict[str, Path], script: str, name: str) -> None:
    findings = {}
    for scheme, width in (("light", 1200), ("dark", 400)):
        browser.look(scheme)
        browser.open(pages[name], width)
        browser.wait("document.documentElement.dataset.ready || !document.getElementById('data')")
        browser.frame()
        findings[scheme, width] = axe.findings(browser, script)
    assert not any(findings.values()), findings


def test_axe_does_find_what_is_wrong(browser: Browser, script: str, tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text(
        "<!doctype html><title>x</title><main><h1>x</h1><img src='data:,'><input></main>"
    )
    browser.open(tmp_path / "bad.html", 800)
    rules = {line.split()[1] for line in axe.findings(browser, script)}
    assert {"image-alt", "label", "html-has-lang"} <= rules
