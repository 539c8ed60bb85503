"""The views of all videos: the list with sortable columns, and the overview of the dataset."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from browser import Browser

from avcues.models_cache import WeightsError
from avcues.pipeline.report import index, overview, page
from avcues.pipeline.report.build import Report, build
from avcues.pipeline.report.emotion import Emotion
from avcues.pipeline.report.overview import correlations
from avcues.pipeline.report.summaries import ColumnSummary, TableSummary
from avcues.pipeline.store.layout import table_path

LOUDNESS = "emobase.pcm_loudness_sma_amean"
VIDEOS = [*(f"clip{i:02}" for i in range(9)), "short"]


@pytest.fixture(scope="module")
def report(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of ten rated videos whose features hold what raters felt."""
    try:
        page.library()
    except WeightsError as error:
        pytest.skip(str(error))
    made: Report = build(
        planted / "features",
        report=tmp_path_factory.mktemp("overview"),
        emotion=Emotion(annotations=planted / "ann"),
        workers=2,
    )
    assert made.problems == ()
    return made.open_first.parent


def held(path: Path) -> dict[str, Any]:
    packed = re.search(r'id="data">(.*?)</script>', path.read_text(), re.DOTALL)
    assert packed is not None
    return dict(json.loads(gzip.decompress(base64.b64decode(packed[1]))))


def values(planted: Path, column: str) -> dict[str, np.ndarray]:
    table, _, name = column.partition(".")
    read = {video_id: pq.read_table(table_path(planted / "features", table, video_id))[name] for video_id in VIDEOS}
    return {video_id: np.array(column.to_pylist(), float) for video_id, column in read.items()}


def rated(planted: Path, name: str) -> dict[str, np.ndarray]:
    table = pq.read_table(planted / "gold" / "audiovisual.parquet").to_pandas()
    return {video_id: of.sort_values("window")[name].to_numpy() for video_id, of in table.groupby("video_id")}


def shown(browser: Browser) -> list[str]:
    return list(browser.value("[...document.querySelectorAll('#videos tbody tr')].map(r => r.dataset.name)"))


# Numbers


def test_ratings_loudness_and_coverage_of_each_video_are_those_of_the_tables(planted: Path, report: Path) -> None:
    rows = {row["video_id"]: row["values"] for row in held(report / "index.html")["rows"]}
    for video_id, loudness in values(planted, LOUDNESS).items():
        assert rows[video_id]["loudness"] == pytest.approx(np.nanmean(loudness), rel=1e-4)
        assert rows[video_id]["sound"] == pytest.approx(
            values(planted, "timeline.audio_coverage")[video_id].mean(), 1e-4
        )
    for video_id, arousal in rated(planted, "arousal").items():
        assert rows[video_id]["ratings.arousal (audiovisual)"] == pytest.approx(np.nanmean(arousal), rel=1e-3, abs=1e-4)


def test_the_files_of_means_hold_the_mean_of_every_column_in_every_video(planted: Path, report: Path) -> None:
    about = json.loads((report / "means" / "about.json").read_text())
    assert about["videos"] == VIDEOS
    (file,) = [file for file in about["files"] if file["table"] == "rhythm"]
    packed = re.fullmatch(r'received\(".*","(.*)"\);\n', (report / file["file"]).read_text())
    assert packed is not None
    planes = np.frombuffer(gzip.decompress(base64.b64decode(packed[1])), np.uint8)
    means = planes.reshape(4, -1).T.copy().view("<f4").reshape(-1, len(VIDEOS))
    for name in ("tempo_bpm", "onset_count", "chroma_03"):
        stored = values(planted, f"rhythm.{name}")
        expected = [np.nan if np.isnan(of).all() else np.nanmean(of) for of in stored.values()]
        np.testing.assert_allclose(means[file["columns"].index(name)], expected, rtol=1e-4)


def test_correlations_are_pearsons_of_the_rows_that_have_both() -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(5, 2, (40, 3)), random.normal(0, 1, (40, 2))
    x[:7, 0], x[:, 2], y[30:, 1] = np.nan, 4.2, np.nan
    r, n = correlations(x, y)
    assert n.tolist() == [[33, 23], [40, 30], [40, 30]]
    for i in range(2):
        for j in range(2):
            both = ~np.isnan(x[:, i]) & ~np.isnan(y[:, j])
            assert r[i, j] == pytest.approx(np.corrcoef(x[both, i], y[both, j])[0, 1], abs=1e-12)
    assert np.isnan(r[2]).all()


def test_what_goes_with_a_rating_is_found_between_and_inside_videos(planted: Path, report: Path) -> None:
    related = held(report / "overview.html")["related"]["ratings.arousal (audiovisual)"]
    felt = rated(planted, "arousal")
    for name, r in related["within"][:5]:
        x, y = [], []
        for video_id, column in values(planted, name).items():
            part = np.column_stack([column, felt[video_id][: len(column)]])
            part = part[~np.isnan(part).any(axis=1)]
            x.append(part[:, 0] - part[:, 0].mean())
            y.append(part[:, 1] - felt[video_id].mean())
        y = [of - of.mean() for of in y]
        assert r == pytest.approx(np.corrcoef(np.concatenate(x), np.concatenate(y))[0, 1], abs=2e-3), name
    assert abs(related["within"][0][1]) > 0.5  # the planted latents
    name, r = related["between"][0]
    means = [np.nanmean(column) for column in values(planted, name).values()]
    assert r == pytest.approx(np.corrcoef(means, [felt[video_id].mean() for video_id in VIDEOS])[0, 1], abs=2e-3)
    assert 0.5 < related["chance"] <= 1  # ten videos and a thousand columns: much is chance


def test_a_video_that_stands_out_is_named_with_its_columns() -> None:
    random = np.random.default_rng(0)
    means = random.normal(10, 1, (12, 4)).astype(np.float32)
    means[7, 2] = 99
    columns = tuple(ColumnSummary(name=f"c{i}", unit="Hz", meaning="") for i in range(4))
    table = TableSummary(table="t", columns=columns, means=means, missing=np.zeros_like(means), within={}, windows={})
    videos = [f"v{i}" for i in range(12)]
    dataset = overview.OverviewData(
        title="d", videos=videos, tables=[table], targets={}, files=[], videos_with_page={"v7"}
    )
    text = overview.render(dataset)
    first = re.search(
        r'id="unusual".*?<tbody><tr><th scope="row">(.*?)</th><td class="number">1</td>(.*?)</tr>', text, re.DOTALL
    )
    assert first is not None
    assert first[1] == '<a href="videos/v7.html">v7</a>' and "t.c2 <b>99</b>" in first[2]


# The list


def test_the_list_sorts_by_ratings_and_by_the_mean_of_any_column_and_keeps_that_in_the_address(
    browser: Browser, planted: Path, report: Path
) -> None:
    browser.open(report / "index.html", 1400)
    browser.value("document.querySelector('[data-sort^=\"ratings.arousal\"]').click()")
    felt = {video_id: np.nanmean(of) for video_id, of in rated(planted, "arousal").items()}
    assert shown(browser) == sorted(VIDEOS, key=lambda video_id: felt[video_id])
    browser.value("document.getElementById('column').focus()")
    browser.type("rhythm.tempo_bpm")
    browser.press("Enter")
    browser.wait("document.querySelector('[data-sort=\"rhythm.tempo_bpm\"]')")
    tempo = {
        video_id: np.nanmean(of) if not np.isnan(of).all() else -1
        for video_id, of in values(planted, "rhythm.tempo_bpm").items()
    }
    order = shown(browser)
    assert [tempo[video_id] for video_id in order] == sorted(tempo.values(), reverse=True)
    address = browser.value("location.href")
    browser.visit("about:blank")
    browser.visit(address)
    browser.wait("document.querySelector('[data-sort=\"rhythm.tempo_bpm\"]')")
    assert shown(browser) == order
    browser.value("document.querySelector('[aria-label=\"remove rhythm.tempo_bpm\"]').click()")
    assert "tempo" not in browser.value("location.hash + document.querySelector('#videos thead').textContent")
    browser.value("document.getElementById('column').focus()")
    browser.type("no.column")
    browser.press("Enter")
    browser.wait("document.querySelector('#columns output').textContent === 'There is no column no.column.'")
    assert browser.complaints == []


def row(i: int) -> dict[str, Any]:
    return {
        "video_id": f"v{i:04}",
        "source": "a.mp4",
        "state": "done",
        "error": "",
        "left_out": [],
        "damage": "",
        "duration_s": 60.0,
        "shots": i % 40,
        "cover": "data:,",
        "strip": "",
        "expressions": {},
        "page": True,
        "values": {} if i == 1234 else {"loudness": (i * 7919) % 3001 / 3001},
    }


def test_three_thousand_videos_are_listed_a_hundred_at_a_time(browser: Browser, tmp_path: Path) -> None:
    index.write_index(tmp_path, "many", [row(i) for i in range(3000)], agreement=None, overview=None)
    browser.open(tmp_path / "index.html", 1200)
    assert shown(browser) == [f"v{i:04}" for i in range(100)]
    assert browser.value("document.querySelector('#pager span').textContent") == "1–100 of 3,000"
    browser.value("document.querySelector('[data-sort=loudness]').click()")
    order = sorted(range(3000), key=lambda i: (i == 1234, (i * 7919) % 3001))
    assert shown(browser) == [f"v{i:04}" for i in order[:100]]
    browser.value("document.getElementById('later').click()")
    assert shown(browser) == [f"v{i:04}" for i in order[100:200]]
    browser.visit("about:blank")
    browser.visit(f"{(tmp_path / 'index.html').as_uri()}#sort=loudness&page=30")
    browser.wait("document.querySelectorAll('#videos img').length === 100")
    assert shown(browser)[-1] == "v1234"  # without a value: last
    browser.value(
        "const box = document.getElementById('find'); box.value = 'v29'; box.dispatchEvent(new Event('input'))"
    )
    assert (
        len(shown(browser)) == 100
        and browser.value("document.getElementById('match-count').textContent") == "100 of 3000"
    )
    assert browser.value("document.getElementById('pager').hidden")
    assert browser.complaints == []


# The overview


def test_any_two_columns_are_drawn_against_each_other(browser: Browser, planted: Path, report: Path) -> None:
    browser.visit(f"{(report / 'overview.html').resolve().as_uri()}#x=rhythm.onset_count&y=lighting.lighting_key")
    browser.wait("document.querySelectorAll('#plot circle').length === 11")  # and the ring
    x, y = (
        [np.nanmean(of) for of in values(planted, name).values()]
        for name in ("rhythm.onset_count", "lighting.lighting_key")
    )
    said = browser.value("document.getElementById('fit').textContent")
    assert f"Pearson’s r {np.corrcoef(x, y)[0, 1]:.2f}" in said.replace("-0.00", "0.00")
    assert said in browser.value("document.getElementById('plot').ariaLabel").replace("; ", "")
    browser.value("document.getElementById('plot').focus()")
    browser.press("End")
    last = VIDEOS[int(np.argmax(x))]
    assert browser.value("document.querySelector('#now b').textContent") == last
    browser.press("Enter")
    browser.wait(f"document.title === '{last} · avcues' && document.documentElement.dataset.ready")
    assert browser.complaints == []


def test_a_feature_that_goes_with_a_rating_is_shown_against_it(browser: Browser, report: Path) -> None:
    browser.open(report / "overview.html", 1200)
    browser.value("document.querySelector('#within button').click()")
    name = browser.value("document.querySelector('#within button').textContent")
    browser.wait(f"document.getElementById('plot').ariaLabel.includes({json.dumps(name)})")
    assert browser.value("document.getElementById('y').value") == held(report / "overview.html")["targets"][0]
    browser.value("document.querySelector('#matrix td[data-at]').click()")
    browser.wait(
        "document.getElementById('plot').ariaLabel.startsWith(document.querySelector('#matrix tbody th').textContent)"
    )
    assert browser.complaints == []


def test_ratings_have_histograms(report: Path) -> None:
    packed = re.fullmatch(r'distributed\("(.*)"\);\n', (report / "histograms.js").read_text())
    assert packed is not None
    tables = {of["table"]: of for of in json.loads(gzip.decompress(base64.b64decode(packed[1])))}
    arousal = {one["name"]: one for one in tables["ratings"]["columns"]}["arousal (audiovisual)"]
    assert (
        arousal["videos"] == 10 and arousal["count"] == sum(arousal["bars"]) + arousal["below"] + arousal["above"] > 300
    )


@pytest.mark.parametrize("width", [400, 800, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_and_the_overview_fit_any_width_by_day_and_at_night(
    browser: Browser, report: Path, width: int, scheme: str
) -> None:
    browser.look(scheme)
    for name in ("index.html", "overview.html"):
        browser.open(report / name, width)
        browser.frame()
        assert browser.overflow() == 0
    assert browser.complaints == []
