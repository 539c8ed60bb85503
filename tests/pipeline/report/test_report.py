"""`avcues report`: what the pages say, and how they behave in a real browser."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
from collections.abc import Callable
from fractions import Fraction
from html import unescape
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from browser import Browser
from clips import start_dataset
from command import avcues
from killed import killed_at
from tiling import tile_dataset

from avcues.errors import AvcuesError
from avcues.extractors.protocol import Column, Table
from avcues.extractors.registry import create
from avcues.pipeline.dataset.validate import validate
from avcues.pipeline.extraction.accumulators import rows_from_columns
from avcues.pipeline.extraction.video import process_video
from avcues.pipeline.report import page
from avcues.pipeline.report.build import build
from avcues.pipeline.report.page import library as page_library
from avcues.pipeline.report.thumbnails import HEIGHT_PX, MAX_THUMBNAILS, merge_shots
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store.documents import write_json
from avcues.pipeline.store.layout import table_path
from avcues.pipeline.store.parquet import shot_table, window_table, write_table
from avcues.pipeline.store.records import failed_result, write_record
from avcues.pipeline.store.video_input import VideoInput
from avcues.pipeline.timeline import Grid, Shot

try:
    page.library()
except AvcuesError as unavailable:
    pytest.skip(str(unavailable), allow_module_level=True)

ODD_ID = """<img src=x onerror="document.title='run'"> & 'it'"""
GRID = Grid(Fraction(1, 2))
OBJECTS = Table(
    name="objects",
    row="window",
    columns=(
        *(
            Column(name=f"count_{name}", unit="count", meaning="detections", dtype="int16")
            for name in ("person", "tie")
        ),
        *(Column(name=f"score_{name}", unit="probability", meaning="best score") for name in ("person", "tie")),
    ),
)
MOOD = Table(
    name="crowd_mood",
    row="window",
    columns=(
        Column(name="applause <b>", unit="dB", meaning="level of applause & cheers", low=0),
        Column(name="singing", unit="1", meaning="whether the crowd sings", dtype="bool"),
        Column(name="chant", unit="category", meaning="what it sings", dtype="string"),
    ),
)
"""A table of somebody else's extractor."""


@pytest.fixture(scope="module")
def dataset(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three videos that were measured, one of them with every table, and one that failed."""
    out = tmp_path_factory.mktemp("dataset")
    measured = start_dataset(out, Settings(features=("emobase", "rhythm", "color", "lighting")))
    odd = VideoInput(ODD_ID, str(media("tiny4.mp4")))
    for video in (
        VideoInput("rot90_12", str(media("rot90_12.mp4"))),
        VideoInput("sound", str(media("audioonly60.m4a"))),
        odd,
    ):
        write_record(process_video(video, measured, out), out)
    broken = VideoInput("broken", str(media("truncated_nomoov.mp4")))
    write_record(failed_result(broken, AvcuesError("it is cut <off>")), out)
    add_tables(out, "rot90_12")
    return out


def add_tables(out: Path, video_id: str) -> None:
    """The tables of the networks and of somebody else, with made-up values."""
    random = np.random.default_rng(0)
    windows = pq.read_metadata(table_path(out, "timeline", video_id)).num_rows
    shots = pq.read_table(table_path(out, "shots", video_id)).to_pylist()
    about = json.loads(pq.read_metadata(table_path(out, "lighting", video_id)).metadata[b"avcues"])
    pinned = json.loads((out / "dataset.json").read_text())
    for feature, table in (
        ("expressions", create("expressions").tables[0]),
        ("scenes", create("scenes").tables[0]),
        ("objects", OBJECTS),
        ("actions", create("actions").tables[0]),
        ("crowd", MOOD),
    ):
        pinned["recipes"][feature] = {
            **about["recipe"],
            "extractor": feature,
            "weights": {f"{feature}/small": "0" * 64},
        }
        pinned["tables"][table.name] = feature
        rows = rows_from_columns(
            table, {c.name: made_up(c, random, len(shots) if table.row == "shot" else windows) for c in table.columns}
        )
        metadata = about | {"recipe": pinned["recipes"][feature]}
        if table.row == "shot":
            spans = [Shot(Fraction(shot["start"]), Fraction(shot["end"]), 1) for shot in shots]
            made = shot_table(rows, video_id, GRID, spans, windows, metadata)
        else:
            made = window_table(rows, video_id, GRID, windows, metadata)
        write_table(made, table_path(out, table.name, video_id))
    write_json(pinned, out / "dataset.json")


def made_up(column: Column, random: np.random.Generator, rows: int) -> np.ndarray:
    """Random values; no face and no mood in the windows 4 to 7."""
    if column.dtype == "string":
        return np.array([f"{column.name} {k}" for k in range(rows)], object)
    if column.dtype != "float32":
        return random.integers(0, 2, rows).astype(column.dtype)
    values = random.random(rows)
    if column.meaning.startswith("probability of") or column in MOOD.columns:
        values[4:8] = np.nan
    return values / 7 if "largest face" in column.meaning else values


@pytest.fixture(scope="module")
def report(dataset: Path) -> Path:
    made = build(dataset, stills="on", workers=2)
    assert made.problems == ()
    return made.open_first.parent


def page(report: Path, video_id: str) -> Path:
    return report / "videos" / f"{video_id}.html"


def drawn(path: Path) -> dict[str, Any]:
    """What a page draws."""
    packed = re.search(r'id="data">(.*?)</script>', path.read_text(), re.DOTALL)
    assert packed is not None
    return dict(json.loads(gzip.decompress(base64.b64decode(packed[1]))))


def words(path: Path) -> str:
    """What a page says, without its scripts."""
    html = re.sub(r"<(script|style).*?</\1>", "", path.read_text(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def titles(path: Path) -> list[str]:
    return [panel["title"] for panel in drawn(path)["panels"]]


# What is on a page


def test_every_table_has_its_panel_and_absent_ones_have_none(report: Path) -> None:
    sound = ["Loudness", "Pitch", "Rhythm"]
    assert titles(page(report, "sound")) == sound
    assert "Hue, Saturation and light, Lighting key: no value in any window; the file has no picture." in words(
        page(report, "sound")
    )
    everything = ["Hue", "Saturation and light", "Lighting key", "Loudness", "Pitch", "Expression"]
    everything += ["Scenes", "Objects", "Actions", "Rhythm", "Crowd mood"]
    assert titles(page(report, "rot90_12")) == everything


def test_values_are_those_of_the_tables_and_missing_ones_are_gaps(dataset: Path, report: Path) -> None:
    series = {s["column"]: s for panel in drawn(page(report, "rot90_12"))["panels"] for s in panel["series"]}
    for column in ("color.saturation_mean", "expressions.happy", "emobase.pcm_loudness_sma_amean"):
        table, _, name = column.partition(".")
        stored = pq.read_table(table_path(dataset, table, "rot90_12"))[name].to_pylist()
        assert series[column]["values"] == [None if v is None else pytest.approx(v, rel=5e-4, abs=1e-9) for v in stored]
    assert series["expressions.happy"]["values"][4:8] == [None] * 4
    assert 0 not in series["emobase.F0_sma_max"]["values"]
    assert None in series["emobase.F0_sma_max"]["values"]


def test_somebody_elses_table_is_drawn_from_its_own_description(report: Path) -> None:
    panel = drawn(page(report, "rot90_12"))["panels"][-1]
    assert panel["pick_one"]
    assert [(s["name"], s["unit"], s["meaning"]) for s in panel["series"]] == [
        ("applause <b>", "dB", "level of applause & cheers"),
        ("singing", "", "whether the crowd sings"),
    ]


def test_a_page_says_what_it_was_measured_with_and_what_is_damaged(
    media: Callable[[str], Path], report: Path, tmp_path: Path
) -> None:
    said = words(page(report, "rot90_12"))
    assert "rot90_12.mp4" in said and "turned by 90°" in said and "shadow_threshold 0.18" in said and "small" in said
    measured = start_dataset(tmp_path, Settings(features=("lighting",)))
    result = process_video(VideoInput("cut", str(media("truncated60.mp4"))), measured, tmp_path)
    result.left_out["scenes"] = "its weights are missing"
    write_record(result, tmp_path)
    said = words(page(build(tmp_path).open_first.parent, "cut"))
    assert re.search(r"Damaged: \d+\.\d s lost at the end, .*video packets missing", said)
    assert "Left out: scenes" in said and "its weights are missing" in said


# Pictures


def test_each_shot_has_upright_pictures_of_its_middle(media: Callable[[str], Path], report: Path) -> None:
    film = drawn(page(report, "rot90_12"))["film"]
    images = [cv2.imdecode(np.frombuffer(base64.b64decode(t["jpeg"].partition(",")[2]), np.uint8), 1) for t in film]
    assert sum(piece["cut"] for piece in film) == 5
    assert {image.shape for image in images} == {(HEIGHT_PX, 54, 3)}  # 1280 x 720, turned
    assert len({t["jpeg"] for t in film}) == len(film)
    player = cv2.VideoCapture(str(media("rot90_12.mp4")))  # turns frames itself
    differences = []
    for piece, image in zip(film, images, strict=True):
        player.set(cv2.CAP_PROP_POS_MSEC, 500 * (piece["start"] + piece["end"]))
        frame = cv2.resize(player.read()[1], (54, HEIGHT_PX), interpolation=cv2.INTER_AREA)
        ways = (frame, frame[::-1, ::-1], frame[::-1], frame[:, ::-1])
        differences.append([np.abs(image.astype(int) - way).mean() for way in ways])
    right, *wrong = np.mean(differences, axis=0)
    assert right < min(wrong) / 3, differences


def test_many_shots_share_pictures() -> None:
    shots = [(k / 2, k / 2 + 0.5) for k in range(5000)]
    stretches = merge_shots(shots)
    assert len(stretches) == MAX_THUMBNAILS
    assert (stretches[0][0], stretches[-1][1]) == (0, 2500)
    assert all(start <= shot[0] < shot[1] <= end for start, end, shot in stretches)
    assert [end for _, end, _ in stretches[:-1]] == [start for start, _, _ in stretches[1:]]


def test_a_video_that_is_gone_leaves_its_shots_and_a_line_that_says_so(
    media: Callable[[str], Path], dataset: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(dataset, tmp_path / "copy"))
    status = json.loads((copy / "_status" / "rot90_12.json").read_text())
    write_json(status | {"source": "/gone/rot90_12.mp4"}, copy / "_status" / "rot90_12.json")
    gone = build(copy, ["rot90_12"]).open_first
    assert {t["jpeg"] for t in drawn(gone)["film"]} == {""}
    assert "No pictures: /gone/rot90_12.mp4 was not found; name its folder with --media." in words(gone)
    assert all(
        t["jpeg"] for t in drawn(build(copy, ["rot90_12"], media=media("rot90_12.mp4").parent).open_first)["film"]
    )
    shutil.copy(media("tiny4.mp4"), tmp_path / "rot90_12.mp4")
    other = build(copy, ["rot90_12"], media=tmp_path).open_first
    assert "is not the file from which the tables were made" in words(other)


# The index


def test_the_index_lists_every_video_with_what_became_of_it(report: Path) -> None:
    assert "4 videos 1:16 in total 1 not done" in words(report / "index.html")
    html = (report / "index.html").read_text()
    rows = {row["video_id"]: row for row in drawn(report / "index.html")["rows"]}
    assert len(rows) == 4 and len(re.findall(r'<a href="(videos/[^"]+)"', html)) == 3  # for those without JavaScript
    assert (rows["broken"]["state"], rows["broken"]["error"]) == ("failed", "it is cut <off>")
    assert (rows["sound"]["look"], rows["rot90_12"]["look"]) == (False, True)
    pictures = (report / "pictures" / "0.js").read_text()
    assert pictures.count("data:image/png") == 2  # colours of the two with a picture
    assert rows["sound"]["values"].keys() >= {"sound", "loudness"} and "picture" not in rows["sound"]["values"]


def test_pages_of_some_videos_leave_the_rest_of_the_index_as_it_was(dataset: Path, tmp_path: Path) -> None:
    first = build(dataset, report=tmp_path, workers=1).open_first
    before = first.read_text()
    assert build(dataset, ["sound"], report=tmp_path).open_first == page(tmp_path, "sound")
    assert first.read_text() == before


def test_a_damaged_table_costs_no_other_video_its_page(dataset: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(dataset, tmp_path / "copy"))
    path = table_path(copy, "color", "rot90_12")
    data = bytearray(path.read_bytes())
    data[100 : len(data) // 3] = bytes(len(data) // 3 - 100)
    path.write_bytes(data)
    table_path(copy, "emobase", "sound").write_bytes(b"PAR1 no more")
    made = build(copy, workers=1)
    assert made.pages == 2
    assert len(made.problems) == 1 and made.problems[0].startswith("rot90_12: its page could not be made")
    assert "The table emobase cannot be read" in words(page(copy / "report", "sound"))


def test_a_report_is_made_whole_or_not_at_all(dataset: Path, tmp_path: Path) -> None:
    page_library()  # downloaded before the process is forked
    report = tmp_path / "report"
    build(dataset, ["sound"], report=report, workers=1)
    former, states = contents(report), []
    for operation in range(10, 10_000, 40):
        killed = killed_at(
            operation, lambda: build(dataset, ["sound"], report=report, columns=["lighting.*"], workers=1)
        )
        states.append(contents(report) == former)
        if not killed:
            break
    changed = states.index(False)
    assert changed == len(states) - 1 or not any(states[changed:])
    assert len(states) > 2
    assert contents(report) != former
    assert [path.name for path in tmp_path.iterdir()] == ["report"]
    build(dataset, ["rot90_12"], report=report, workers=1)
    assert {path.stem for path in (report / "videos").glob("*.html")} == {"sound", "rot90_12"}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_report_is_no_breach_of_the_dataset(dataset: Path, report: Path) -> None:
    assert not any("report" in breach for breach in validate(dataset).breaches)


# The command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{dataset}", "rot90"], 'has no video "rot90"; did you mean "rot90_12"?'),
        (["{dataset}", "broken"], '"broken" has no tables to show (it is cut <off>)'),
        (["{dataset}", "--media", "nowhere"], "--media nowhere: no such folder"),
        (["{dataset}", "--out", "/proc/pages"], "cannot be written"),
        (["."], "has no dataset.json; name a folder that avcues extract made"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(dataset: Path, arguments: list[str], message: str) -> None:
    done = avcues("report", *[argument.format(dataset=dataset) for argument in arguments])
    assert done.returncode == 2
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


def test_the_command_names_what_to_open(dataset: Path, tmp_path: Path) -> None:
    done = avcues("report", dataset, "sound", "--out", tmp_path, "--stills", "none")
    said = f"1 page made, without stills; open {page(tmp_path, 'sound')}\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


# In a browser


@pytest.mark.parametrize("width", [400, 800, 1600])
@pytest.mark.parametrize("video_id", ["rot90_12", "sound", ODD_ID])
def test_a_page_opens_without_network_errors_or_sideways_scrolling(
    browser: Browser, report: Path, video_id: str, width: int
) -> None:
    browser.open(page(report, video_id), width)
    browser.frame()
    assert browser.value("document.title") == f"{video_id} · avcues"
    assert browser.overflow() == 0
    expected = [*(["Shots"] if video_id != "sound" else []), *titles(page(report, video_id))]
    assert browser.value("[...document.querySelectorAll('.panel h2')].map(h => h.textContent)") == expected
    assert browser.value("document.querySelectorAll('.panel canvas').length") == len(expected)
    assert (browser.requests, browser.complaints) == ([], [])


def value_of(browser: Browser, panel: str, series: str) -> str:
    """What stands beside a series."""
    named = "[...{}].find(it => it.querySelector('{}').textContent === '{}')"
    panels = named.format("document.querySelectorAll('.panel')", "h2", panel)
    lines = named.format(f"{panels}.querySelectorAll('li')", "span", series)
    return str(browser.value(f"{lines}.querySelector('b').textContent"))


def plot_box(browser: Browser) -> dict[str, float]:
    return dict(browser.value("document.querySelector('.panel .u-over').getBoundingClientRect().toJSON()"))


@pytest.mark.parametrize("width", [400, 1200])
def test_the_values_under_the_cursor_are_those_of_its_window(
    browser: Browser, dataset: Path, report: Path, width: int
) -> None:
    browser.open(page(report, "rot90_12"), width)
    box, windows = plot_box(browser), 25
    saturation = pq.read_table(table_path(dataset, "color", "rot90_12"))["saturation_mean"].to_pylist()
    for window in (0, 11, 24):
        browser.mouse("mouseMoved", box["left"] + box["width"] * (window + 0.5) / windows, box["top"] + 20)
        browser.frame()
        assert f"window {window}" in browser.value("document.getElementById('now').textContent")
        assert float(value_of(browser, "Saturation and light", "saturation")) == pytest.approx(
            saturation[window], abs=6e-4
        )
    browser.mouse("mouseMoved", box["left"] + box["width"] * 5.5 / windows, box["top"] + 20)
    browser.frame()
    assert value_of(browser, "Expression", "happy") == "–"


def seen(browser: Browser) -> list[float]:
    """Windows at the ends of what is seen, by pointing at them."""
    box, ends = plot_box(browser), []
    for x in (box["left"] + 1, box["right"] - 1):
        browser.mouse("mouseMoved", x, box["top"] + 20)
        browser.frame()
        ends.append(int(re.search(r"window (\d+)", browser.value("document.getElementById('now').textContent"))[1]))
    return ends


def test_dragging_zooms_in_and_a_double_click_shows_everything(browser: Browser, report: Path) -> None:
    browser.open(page(report, "sound"), 1200)
    assert seen(browser) == [0, 119]
    box = plot_box(browser)
    at = {k: box["left"] + box["width"] * k / 120 for k in (30.5, 40, 60.5)}
    browser.mouse("mousePressed", at[30.5], box["top"] + 20, button="left", clickCount=1)
    browser.mouse("mouseMoved", at[40], box["top"] + 20, button="left", buttons=1)
    browser.mouse("mouseReleased", at[60.5], box["top"] + 20, button="left", clickCount=1)
    browser.frame()
    assert seen(browser) == [30, 60]
    browser.mouse("mouseWheel", at[40], box["top"] + 20, deltaX=box["width"] / 3, deltaY=0)
    browser.frame()
    assert seen(browser) == [40, 70]
    for count in (1, 2):
        browser.mouse("mousePressed", at[40], box["top"] + 20, button="left", clickCount=count)
        browser.mouse("mouseReleased", at[40], box["top"] + 20, button="left", clickCount=count)
    browser.frame()
    assert seen(browser) == [0, 119]


def test_a_gap_is_blank(browser: Browser, report: Path) -> None:
    browser.open(page(report, "rot90_12"), 1200)
    browser.frame()
    blank = browser.value(
        """[2, 5.5, 12].map(window => {
          const panel = document.querySelector('.panel.stack'), canvas = panel.querySelector('canvas');
          const over = panel.querySelector('.u-over'), x = over.offsetLeft + over.offsetWidth * window / 25;
          const column = canvas.getContext('2d').getImageData(x, over.offsetTop + over.offsetHeight - 12, 1, 8).data;
          return column.every((v, i) => i % 4 === 3 || v === 0 || v > 220);
        })"""
    )
    assert blank == [False, True, False]


def test_two_hours_stay_responsive(browser: Browser, dataset: Path, tmp_path: Path) -> None:
    tile_dataset(dataset, tmp_path, "rot90_12", 14400 // 25)
    path = build(tmp_path, ["rot90_12"]).open_first
    assert drawn(path)["windows"] == 14400
    assert path.stat().st_size < 4 << 20
    browser.open(path, 1400)
    assert browser.value("document.documentElement.dataset.ready * 1") < 10_000
    box = plot_box(browser)
    started = browser.value("performance.now()")
    for _ in range(5):
        browser.mouse("mouseWheel", box["left"] + 500, box["top"] + 20, deltaX=0, deltaY=-100, modifiers=2)
        browser.frame()
    assert browser.value("performance.now()") - started < 5_000
    assert "means of" in browser.value("document.getElementById('now').textContent")


def test_the_index_is_filtered_and_sorted_in_the_browser(browser: Browser, report: Path) -> None:
    for width in (400, 1200):
        browser.open(report / "index.html", width)
        assert browser.overflow() == 0
    rows = "[...document.querySelectorAll('#videos tbody tr')].filter(r => !r.hidden).map(r => r.dataset.name)"
    browser.value("document.querySelector('[data-sort=duration]').click()")
    assert browser.value(rows) == [ODD_ID, "rot90_12", "sound", "broken"]  # whose length is not known
    browser.value(
        "const box = document.getElementById('find'); box.value = 'CUT failed'; box.dispatchEvent(new Event('input'))"
    )
    assert browser.value(rows) == ["broken"]
    assert browser.value("document.getElementById('match-count').textContent") == "1 of 4"
    browser.value("box.value = ''; box.dispatchEvent(new Event('input'))")
    link = browser.value(
        "[...document.querySelectorAll('#videos a')].map(a => a.href).find(h => h.includes('onerror'))"
    )
    browser.visit(link)
    assert browser.value("document.querySelector('h1').textContent") == ODD_ID
    assert browser.complaints == []
