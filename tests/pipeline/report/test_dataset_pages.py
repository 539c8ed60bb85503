"""What the report shows beyond one page: any column, two videos on one page, and histograms over all videos."""

from __future__ import annotations

import base64
import csv
import gzip
import json
import re
import shutil
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from browser import Browser

from avcues.models_cache import WeightsError
from avcues.pipeline.dataset.catalog import read_catalog
from avcues.pipeline.report import column_files, histograms, page
from avcues.pipeline.report.build import build
from avcues.pipeline.store.layout import table_path

VIDEOS = ["007", "rot90_12", "silent", "sound", "vfr20"]
LOUDNESS, BRIGHTNESS, SHOT_LENGTH = "emobase.pcm_loudness_sma_amean", "lighting.median_brightness", "shots.frames"


@pytest.fixture(scope="module")
def report(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        page.library()
    except WeightsError as error:
        pytest.skip(str(error))
    made = build(finished, report=tmp_path_factory.mktemp("report"), workers=2)
    assert made.problems == ()
    return made.open_first.parent


def values(folder: Path, video_id: str, column: str) -> np.ndarray:
    table, _, name = column.partition(".")
    stored = pq.read_table(table_path(folder, table, video_id), columns=[name])[name].to_pylist()
    return np.array([np.nan if value is None else value for value in stored], float)


def video_page(report: Path, video_id: str) -> Path:
    return report / "videos" / f"{video_id}.html"


def titles(browser: Browser) -> list[str]:
    return list(browser.value("[...document.querySelectorAll('.panel h2')].map(h => h.textContent)"))


def shown(browser: Browser, title: str) -> list[dict[str, str]]:
    """Note and first value of the panels of a title, under the cursor."""
    panels = f"[...document.querySelectorAll('.panel')].filter(p => p.querySelector('h2').textContent === '{title}')"
    first = "p.querySelector('li:not([hidden]) b')?.textContent"
    return list(browser.value(f"{panels}.map(p => ({{note: p.querySelector('p').textContent, value: {first}}}))"))


# Any column of a video


def unpacked(path: Path, windows: int) -> np.ndarray:
    """(windows, columns) of a file of columns."""
    packed = re.fullmatch(r'received\(".*","(.*)"\);\n', path.read_text())
    assert packed is not None
    planes = np.frombuffer(gzip.decompress(base64.b64decode(packed[1])), np.uint8)
    return planes.reshape(4, -1).T.copy().view("<f4").reshape(-1, windows).T


def test_files_beside_a_page_hold_every_column_to_four_digits(
    finished: Path, report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = pq.read_table(table_path(finished, "emobase", "vfr20"))
    names, windows = stored.column_names[4:], stored.num_rows
    expected = stored.select(names).to_pandas().to_numpy()
    whole = unpacked(report / "columns" / "emobase" / "vfr20.0.js", windows)
    np.testing.assert_allclose(whole, expected, rtol=5e-5)
    assert np.isnan(unpacked(report / "columns" / "emobase" / "silent.0.js", 41)).all()  # it has no sound

    monkeypatch.setattr(column_files, "_MAX_VALUES", 300 * windows)
    build(finished, ["vfr20"], report=tmp_path, workers=1)
    parts = [unpacked(tmp_path / "columns" / "emobase" / f"vfr20.{part}.js", windows) for part in range(4)]
    assert [part.shape[1] for part in parts] == [300, 300, 300, 88]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_a_column_is_added_and_removed_by_keys_and_goes_along_to_the_next_video(
    browser: Browser, finished: Path, report: Path
) -> None:
    browser.open(video_page(report, "silent"), 1200)
    before = titles(browser)
    browser.press("a")
    browser.type(BRIGHTNESS)
    browser.press("Enter")
    browser.wait("document.querySelectorAll('.panel').length === " + str(len(before) + 1))
    assert titles(browser) == [*before, "Lighting"]
    browser.press("a")
    browser.type("median of hsv")  # what the same column means
    browser.wait("document.querySelectorAll('#results li').length === 1")
    browser.press("Enter")
    browser.wait("!document.querySelector('dialog[open]')")
    assert titles(browser) == [*before, "Lighting"]
    browser.press("ArrowRight", modifiers=8)
    (panel,) = shown(browser, "Lighting")
    assert float(panel["value"]) == pytest.approx(values(finished, "silent", BRIGHTNESS)[10], abs=6e-4)

    browser.press("n")
    browser.wait("document.title === 'sound · avcues' && document.documentElement.dataset.ready")
    assert "Lighting" in titles(browser)  # null throughout: there is no picture
    browser.press("n")
    browser.wait("document.title === 'vfr20 · avcues' && document.documentElement.dataset.ready")
    assert float(shown(browser, "Lighting")[0]["value"]) == pytest.approx(
        values(finished, "vfr20", BRIGHTNESS)[0], abs=6e-4
    )
    browser.value(f"document.querySelector('[aria-label=\"remove {BRIGHTNESS}\"]').focus()")
    browser.press("Enter")
    assert "Lighting" not in titles(browser)
    assert "column" not in browser.value("location.hash")
    assert browser.complaints == []
    loaded = {unquote(request).partition("/columns/")[2] for request in browser.requests} - {""}
    values_of = {f"lighting/{video_id}.0.js" for video_id in ("silent", "sound", "vfr20")}
    assert {name for name in loaded if "/" in name} == values_of
    assert loaded - values_of == {path.name for path in (report / "columns").glob("*.js")}  # what the columns mean


def test_a_column_goes_along_past_a_video_that_lacks_it(browser: Browser, folder: Path) -> None:
    table_path(folder, "glow", "silent").unlink()
    made = build(folder, workers=1).open_first.parent
    browser.visit(f"{video_page(made, 'rot90_12').resolve().as_uri()}#column=glow.any")
    assert titles(browser).count("Glow") == 2
    browser.press("n")
    browser.wait("document.title === 'silent · avcues' && document.documentElement.dataset.ready")
    assert "Glow" not in titles(browser)
    said = browser.value("document.getElementById('absent_columns').textContent")
    assert said == "There is no column glow.any."
    browser.press("n")
    browser.wait("document.title === 'sound · avcues' && document.documentElement.dataset.ready")
    assert "Glow" in titles(browser)


def test_a_value_of_a_shot_holds_for_all_its_windows(browser: Browser, finished: Path, report: Path) -> None:
    browser.visit(f"{video_page(report, 'rot90_12').resolve().as_uri()}#column={SHOT_LENGTH}")
    shot = pq.read_table(table_path(finished, "timeline", "rot90_12"))["shot"].to_pylist()
    lengths = values(finished, "rot90_12", SHOT_LENGTH)
    for window in range(2):
        assert float(shown(browser, "Shots")[-1]["value"].replace(",", "")) == lengths[shot[window]]
        browser.press("ArrowRight")


def test_embeddings_are_neither_columns_nor_histograms(folder: Path) -> None:
    pinned = json.loads((folder / "dataset.json").read_text())
    pinned["tables"]["scenes_embedding"] = "color"
    (folder / "dataset.json").write_text(json.dumps(pinned))
    shutil.copytree(folder / "color", folder / "scenes_embedding")
    made = build(folder, columns=["scenes_embedding.hue_mean"], workers=1).open_first.parent
    tables = {name.partition(".")[0] for name in found(made / "histograms.js")}
    assert tables == {"timeline", "emobase", "color", "lighting", "glow"}
    assert {path.stem for path in (made / "columns").iterdir()} == tables | {"shots", "motion"}
    assert "Columns of scenes_embedding" in drawn_titles(video_page(made, "007"))


def drawn_titles(path: Path) -> list[str]:
    packed = re.search(r'id="data">(.*?)</script>', path.read_text(), re.DOTALL)
    assert packed is not None
    return [panel["title"] for panel in json.loads(gzip.decompress(base64.b64decode(packed[1])))["panels"]]


def test_a_column_that_is_not_there_is_said_to_be_missing(browser: Browser, report: Path, tmp_path: Path) -> None:
    alone = Path(shutil.copy(video_page(report, "vfr20"), tmp_path / "alone.html"))
    browser.open(alone, 800)
    for typed, answer in (
        ("lighting.nothing", "There is no column"),
        (BRIGHTNESS, "are in files beside the pages"),
    ):
        browser.press("a")
        browser.type(typed)
        browser.press("Enter")
        browser.wait(f"document.querySelector('#search output').textContent.includes('{answer}')")
        browser.value("document.getElementById('search').close()")
        browser.frame()


# Two videos


def compare(browser: Browser, report: Path, *videos: str, width: int = 1200) -> None:
    browser.open(report / "index.html", width)
    for video_id in videos:
        browser.value(f"document.querySelector('[aria-label=\"compare {video_id}\"]').focus()")
        browser.press(" ", "Space")
    browser.press("c")
    browser.wait("location.pathname.endsWith('compare.html') && document.documentElement.dataset.ready")
    browser.frame()


def test_two_videos_are_chosen_on_the_index_and_shown_panel_by_panel(
    browser: Browser, finished: Path, report: Path
) -> None:
    compare(browser, report, "silent", "007", "vfr20")  # the third takes the place of the first
    assert browser.value("document.querySelector('h1').textContent") == "007 and vfr20"
    assert titles(browser)[:8] == [
        title for title in ("Shots", "Hue", "Saturation and light", "Lighting key") for _ in "ab"
    ]
    for window in (0, 5):
        read = shown(browser, "Loudness")
        assert [one["note"].partition(" · ")[0] for one in read] == ["007", "vfr20"]
        stored = [values(finished, video_id, LOUDNESS)[window] for video_id in ("007", "vfr20")]
        assert [float(one["value"]) for one in read] == pytest.approx(stored, rel=5e-3)
        browser.value("document.activeElement.blur()")
        for _ in range(5):
            browser.press("ArrowRight")
    assert browser.complaints == []
    assert browser.requests != []
    assert all(request.startswith(report.resolve().as_uri()) for request in browser.requests)


def test_the_same_panel_of_both_videos_has_the_same_scale(browser: Browser, report: Path) -> None:
    compare(browser, report, "007", "vfr20")
    browser.press("a")
    browser.type(LOUDNESS)
    browser.press("Enter")
    browser.wait("document.querySelectorAll('.panel').length % 2 === 0 && location.hash.includes('column')")
    added = shown(browser, "Emobase")
    assert len(added) == 2
    labels = browser.value(
        "[...document.querySelectorAll('.panel')].slice(-2).map(p => p.querySelector('[role=img]').ariaLabel)"
    )
    assert len(set(labels)) == 2
    own, shared = browser.value(
        f"""Promise.all(['007', 'vfr20'].map(dataOf)).then(async both => {{
          const ends = panels => panels.map(({{series: [{{low, high}}]}}) => [low, high]);
          const panels = await Promise.all(both.map(data => columnPanel({{data, base: ""}}, '{LOUDNESS}')));
          const own = ends(panels);
          return [own, ends(sideBySide(both.map(data => ({{data}})), panels.map(panel => [panel])))];
        }})"""
    )
    assert own[0] != own[1]
    assert shared[0] == shared[1] == [min(own[0][0], own[1][0]), max(own[0][1], own[1][1])]


@pytest.mark.parametrize("width", [400, 1100])
def test_the_same_panel_of_both_videos_has_the_same_height(browser: Browser, folder: Path, width: int) -> None:
    short, long = "007", "a name that does not fit into the column beside the charts"
    for path in folder.glob("*/007.*"):
        shutil.copy(path, path.with_name(long + path.suffix))
    compare(browser, build(folder, [short, long], workers=2).open_first.parent, short, long, width=width)
    heights = browser.value("[...document.querySelectorAll('.panel .u-over')].map(plot => plot.clientHeight)")
    assert len(heights) > 10
    assert heights[::2] == heights[1::2]


def test_choosing_a_column_of_one_video_chooses_it_of_the_other(browser: Browser, report: Path) -> None:
    compare(browser, report, "007", "vfr20")
    selects = "[...document.querySelectorAll('[aria-label=\"column of Glow\"]')]"
    assert browser.value(f"{selects}.map(s => s.selectedIndex)") == [0, 0]
    browser.value(f"{selects}[1].focus()")
    browser.press("ArrowDown")
    assert browser.value(f"{selects}.map(s => s.selectedIndex)") == [1, 1]
    names = "p => p.querySelector('li:not([hidden]) span').textContent"
    panels = "[...document.querySelectorAll('.panel')].filter(p => p.querySelector('h2').textContent === 'Glow')"
    assert browser.value(f"{panels}.map({names})") == ["share.of*all"] * 2


def test_both_videos_are_saved_and_described(browser: Browser, finished: Path, report: Path, tmp_path: Path) -> None:
    browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    compare(browser, report, "007", "vfr20")
    said = browser.value("[...document.querySelectorAll('canvas')].map(c => c.closest('[role=img]')?.ariaLabel)")
    assert all(said)
    browser.press("s")
    for kind in ("csv", "png"):
        browser.value(f"document.getElementById('{kind}').focus()")
        browser.press("Enter")
        until = time.monotonic() + 30
        while not (tmp_path / f"007 and vfr20.{kind}").exists():
            assert time.monotonic() < until, list(tmp_path.iterdir())
            browser.frame()
    with (tmp_path / "007 and vfr20.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for video_id in ("007", "vfr20"):
        stored = [float(row[BRIGHTNESS]) for row in rows if row["video_id"] == video_id]
        assert stored == pytest.approx(values(finished, video_id, BRIGHTNESS), abs=1e-4)
    image = cv2.imread(str(tmp_path / "007 and vfr20.png"))
    assert image is not None and image.shape[1] > 900


def test_a_page_that_is_gone_is_named(browser: Browser, report: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(report, tmp_path / "copy"))
    video_page(copy, "007").unlink()
    browser.open(copy / "compare.html", 1000)
    browser.wait("document.querySelector('.notice.bad')")
    assert "The page of 007 cannot be read" in browser.value("document.querySelector('.notice.bad').textContent")


def test_one_video_is_not_compared(finished: Path, tmp_path: Path) -> None:
    build(finished, ["007"], report=tmp_path, workers=1)
    assert "compare.html" not in (tmp_path / "index.html").read_text()


# Histograms


def found(path: Path) -> dict[str, dict[str, Any]]:
    """The histograms of a report, by column."""
    packed = re.fullmatch(r'distributed\("(.*)"\);\n', path.read_text())
    assert packed is not None
    tables = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    return {f"{of['table']}.{one['name']}": one | {"videos": of["videos"]} for of in tables for one in of["columns"]}


@pytest.mark.parametrize("column", [LOUDNESS, BRIGHTNESS, "color.hue_000", "emobase.F0_sma_max", "timeline.shot"])
def test_histograms_count_the_values_of_all_videos(finished: Path, report: Path, column: str) -> None:
    every = np.concatenate([values(finished, video_id, column) for video_id in VIDEOS])
    known = every[~np.isnan(every)]
    one = found(report / "histograms.js")[column]
    assert (one["videos"], one["count"], one["missing"]) == (5, len(known), len(every) - len(known))
    for name, expected in (("low", known.min()), ("high", known.max()), ("mean", known.mean()), ("sd", known.std())):
        assert one[name] == pytest.approx(expected, rel=1e-5, abs=1e-9)
    # Of an even count, any number between the two in the middle is a median.
    middle = np.sort(known)[[(len(known) - 1) // 2, len(known) // 2]]
    tolerance = np.ptp(known) / 500 + 0.5 * (column == "timeline.shot")
    assert middle[0] - tolerance <= one["median"] <= middle[1] + tolerance
    edges = one["first"] + one["width"] * np.arange(len(one["bars"]) + 1)
    # A value on an edge may count on either side of it.
    margin, tolerance = 1e-5 * one["width"], max(2, 0.01 * len(known))
    for upto, edge in zip(np.cumsum(one["bars"]) + one["below"], edges[1:], strict=True):
        assert (known < edge - margin).sum() - tolerance <= upto <= (known <= edge + margin).sum() + tolerance
    assert sum(one["bars"]) + one["below"] + one["above"] == len(known)
    assert one["below"] + one["above"] <= 0.01 * len(known)
    assert 1 <= len(one["bars"]) <= 40


def test_whole_numbers_have_bars_of_their_own(finished: Path, report: Path) -> None:
    one = found(report / "histograms.js")["timeline.on_screen"]
    every = np.concatenate([values(finished, video_id, "timeline.on_screen") for video_id in VIDEOS])
    assert (one["first"], one["width"], one["bars"]) == (-0.5, 1, [int((every == 0).sum()), int((every == 1).sum())])


def test_histograms_do_not_depend_on_how_many_rows_are_read_at_a_time(
    finished: Path, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histograms, "_BATCH_VALUES", 7 * 72)
    catalog = read_catalog(finished)
    measured = histograms.table_histograms(catalog, VIDEOS, {}, "color").histograms
    anew = {f"color.{one['name']}": one | {"videos": 5} for one in measured["columns"]}
    stored = found(report / "histograms.js")
    assert anew == {name: stored[name] for name in anew}


def test_a_damaged_table_is_left_out_of_the_histograms_and_some_pages_leave_them_as_they_are(
    folder: Path, report: Path
) -> None:
    table_path(folder, "lighting", "silent").write_bytes(b"PAR1 no more")
    stored = build(folder, workers=1).open_first.parent / "histograms.js"
    assert found(stored)[BRIGHTNESS]["videos"] == 4
    before = stored.read_bytes()
    build(folder, ["007"], workers=1)
    assert stored.read_bytes() == before
    assert 'src="histograms.js"' in (stored.parent / "overview.html").read_text()


@pytest.mark.parametrize("width", [400, 1400])
def test_the_overview_draws_the_distribution_of_a_column_that_is_typed(
    browser: Browser, report: Path, width: int
) -> None:
    browser.open(report / "overview.html", width)
    browser.wait("!document.getElementById('histograms').hidden")
    browser.value("document.getElementById('column').select()")
    browser.type(BRIGHTNESS)
    browser.press("Enter")
    one = found(report / "histograms.js")[BRIGHTNESS]
    label = browser.value("document.querySelector('#histogram .bars').ariaLabel")
    assert label.startswith(f"Histogram of {BRIGHTNESS}: ") and f"{one['count']} values of 5 videos" in label
    heights = browser.value(
        "[...document.querySelectorAll('#histogram .bars i')].map(i => i.getBoundingClientRect().height)"
    )
    assert np.array(heights) / max(heights) == pytest.approx(np.array(one["bars"]) / max(one["bars"]), abs=0.01)
    said = browser.value("[...document.querySelectorAll('#histogram td')].map(td => td.textContent)")
    assert said == [str(n) for n in one["bars"]]
    assert browser.overflow() == 0
    browser.value("document.getElementById('column').select()")
    browser.type("no.column")
    browser.press("Enter")
    assert "There is no column no.column" in browser.value("document.querySelector('#histograms output').textContent")
    assert browser.complaints == []
    assert {request.rpartition("/")[2] for request in browser.requests} <= {"histograms.js", "lighting.0.js"}


# Layout and keys


@pytest.mark.parametrize("width", [400, 800, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_two_videos_fit_any_width_by_day_and_at_night(browser: Browser, report: Path, width: int, scheme: str) -> None:
    browser.look(scheme)
    compare(browser, report, "rot90_12", "sound", width=width)
    assert browser.overflow() == 0
    assert browser.complaints == []


@pytest.mark.parametrize(
    ("name", "stops"),
    [
        (
            "index.html",
            [
                "Overview of all videos",
                "filter the videos",
                "column",
                "Add",
                "video",
                "compare 007",
                "Compare two videos",
            ],
        ),
        ("overview.html", ["avcues report", "x", "y", "Swap", "CSV", "correlations", "column", "missing values"]),
        (
            "videos/vfr20.html",
            [
                "avcues report",
                "← Previous",
                "zoom out",
                "Save",
                "keys",
                "arrange Hue",
                "column of Glow",
                "Add a column",
            ],
        ),
        ("compare.html", ["first video", "second video", "zoom in", "arrange Shots", "column of Glow", "Add a column"]),
    ],
)
def test_the_tab_key_reaches_everything_in_order_and_shows_where_it_is(
    browser: Browser, report: Path, name: str, stops: list[str]
) -> None:
    browser.open(report / name, 1000)
    browser.wait("document.documentElement.dataset.ready && !document.querySelector('#histograms[hidden]')")
    reached = iter(browser.tab_through())
    assert all(stop in reached for stop in stops)
