"""The pages of `avcues report`: playing, downloads, keys, and how they look at night."""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from browser import Browser
from clips import start_dataset

from avcues.errors import AvcuesError
from avcues.pipeline.errors import InputError
from avcues.pipeline.extraction.video import process_video
from avcues.pipeline.report import page as page_module
from avcues.pipeline.report.build import build
from avcues.pipeline.report.thumbnails import shot_pieces
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store.layout import table_path
from avcues.pipeline.store.records import write_record
from avcues.pipeline.store.video_input import VideoInput

try:
    page_module.library()
except AvcuesError as unavailable:
    pytest.skip(str(unavailable), allow_module_level=True)

STEP = 0.5


@pytest.fixture(scope="module")
def folder(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three measured videos beside their files, one with a name that an address cannot hold as it is."""
    folder = tmp_path_factory.mktemp("controls")
    (folder / "my films").mkdir()
    measured = start_dataset(folder / "out", Settings(features=("lighting",)))
    for video_id, name in (("a", "tiny4.mp4"), ("b #1?", "rot90_12.mp4"), ("c", "noaudio20.mp4")):
        source = Path(shutil.copy(media(name), folder / "my films" / f"{video_id}.mp4"))
        write_record(process_video(VideoInput(video_id, str(source)), measured, folder / "out"), folder / "out")
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> Path:
    made = build(folder / "out", media=folder / "my films", workers=1)
    assert made.problems == ()
    return made.open_first.parent


def page(report: Path, video_id: str) -> Path:
    return report / "videos" / f"{video_id}.html"


def window(browser: Browser) -> int:
    return int(browser.value("document.getElementById('now').textContent.match(/window (\\d+)/)[1]"))


# Playing


def test_the_cursor_and_the_video_move_each_other(browser: Browser, report: Path) -> None:
    browser.open(page(report, "b #1?"), 1200)
    browser.wait("document.getElementById('media').readyState > 1")
    for _ in range(7):
        browser.press("ArrowRight")
    browser.wait("!media.seeking && Math.abs(media.currentTime - 3.5) < 0.1")
    assert window(browser) == 7
    browser.press(" ", "Space")
    browser.wait("media.currentTime > 5")
    browser.press(" ", "Space")
    browser.frame()
    assert browser.value("[media.paused, document.getElementById('play').textContent]") == [True, "Play"]
    assert window(browser) == browser.value(f"Math.floor(media.currentTime / {STEP})") >= 10
    assert {request.rpartition("/")[2] for request in browser.requests} == {"b%20%231%3F.mp4"}
    assert browser.complaints == []


def test_while_it_plays_only_a_click_moves_it(browser: Browser, folder: Path, report: Path) -> None:
    browser.open(page(report, "c"), 1200)
    box = browser.value("document.querySelector('.panel .u-over').getBoundingClientRect().toJSON()")
    windows = pq.read_metadata(table_path(folder / "out", "lighting", "c")).num_rows
    at = {k: box["left"] + box["width"] * k / windows for k in (10.5, 30.5)}
    browser.mouse("mouseMoved", at[10.5], box["top"] + 20)
    browser.wait("!media.seeking && Math.abs(media.currentTime - 5.25) < 0.1")
    browser.press(" ", "Space")
    browser.wait("media.currentTime > 5.5")
    browser.mouse("mouseMoved", at[30.5], box["top"] + 20)
    browser.frame()
    assert window(browser) < 30
    for kind in ("mousePressed", "mouseReleased"):
        browser.mouse(kind, at[30.5], box["top"] + 20, button="left", clickCount=1)
    browser.wait("!media.seeking && media.currentTime > 15.2")
    browser.value("media.pause()")


def test_a_file_that_was_moved_leaves_the_charts_and_a_line(browser: Browser, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    copy = tmp_path / "copy"
    first = build(copy / "out", ["a"], media=copy / "my films").open_first
    (copy / "my films" / "a.mp4").unlink()
    browser.open(first, 1200)
    browser.wait("document.querySelector('.notice')")
    assert "cannot play a.mp4" in browser.value("document.querySelector('.notice').textContent")
    assert not browser.value("document.getElementById('play').checkVisibility()")


def test_a_gif_moves_as_an_image_and_has_no_play(browser: Browser, tmp_path: Path) -> None:
    gif = tmp_path / "films" / "wave.gif"
    gif.parent.mkdir()
    with av.open(str(gif), "w") as container:
        stream = container.add_stream("gif", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb8"
        for k in range(20):
            image = np.full((48, 64, 3), 12 * k, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode())
    measured = start_dataset(tmp_path / "out", Settings(features=("lighting",)))
    write_record(process_video(VideoInput("wave", str(gif)), measured, tmp_path / "out"), tmp_path / "out")
    browser.open(build(tmp_path / "out", ["wave"], media=gif.parent, workers=1).open_first, 1000)
    browser.wait("document.getElementById('moving').naturalWidth === 64")
    assert browser.value("[document.getElementById('play'), document.getElementById('media')]") == [None, None]
    browser.press(" ", "Space")
    assert browser.overflow() == 0
    assert browser.complaints == []
    browser.press("ArrowRight")
    assert window(browser) == 1


def test_without_media_nothing_is_asked_for_or_offered(browser: Browser, folder: Path, tmp_path: Path) -> None:
    browser.open(build(folder / "out", ["a"], report=tmp_path, workers=1).open_first, 1200)
    assert browser.value("document.querySelectorAll('#media, #play').length") == 0
    assert browser.requests == []
    assert "media-src" not in page(tmp_path, "a").read_text()


# Pages


def test_keys_lead_from_video_to_video(browser: Browser, report: Path) -> None:
    browser.open(page(report, "a"), 1200)
    assert browser.value("document.querySelectorAll('nav [rel=prev]').length") == 0
    for key, title in (("n", "b #1?"), ("n", "c"), ("p", "b #1?")):
        browser.press(key)
        browser.wait(f"document.title === '{title} · avcues' && document.documentElement.dataset.ready")


def saved(browser: Browser, kind: str, folder: Path) -> Path:
    """The file that a button saves."""
    browser.value(f"document.getElementById('{kind}').click()")
    until = time.monotonic() + 30
    while not (found := list(folder.glob(f"c_*.{kind}"))):
        assert time.monotonic() < until, list(folder.iterdir())
        browser.frame()
    return found[0]


def test_what_is_seen_is_saved_as_a_table_and_a_picture(
    browser: Browser, folder: Path, report: Path, tmp_path: Path
) -> None:
    browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.open(page(report, "c"), 1200)
    browser.press("+")
    browser.press("s")
    table, picture = (saved(browser, kind, tmp_path) for kind in ("csv", "png"))
    rows = list(csv.DictReader(table.open(newline="")))
    stored = pq.read_table(table_path(folder / "out", "lighting", "c"))["lighting_key"].to_pylist()
    assert 20 <= len(rows) <= 21
    assert list(rows[0])[:4] == ["video_id", "window", "start", "end"]
    for row in rows:
        assert float(row["start"]) == STEP * int(row["window"])
        assert float(row["lighting.lighting_key"]) == pytest.approx(stored[int(row["window"])], rel=5e-4)
    image = cv2.imread(str(picture))
    assert image is not None and image.shape[1] == pytest.approx(3 * 180 / 25.4 * 96, abs=2)
    assert len({tuple(colour) for colour in image[::4, ::4].reshape(-1, 3).tolist()}) > 20


@pytest.mark.parametrize("width", [400, 800, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_legible_by_day_and_at_night(browser: Browser, report: Path, width: int, scheme: str) -> None:
    browser.look(scheme)
    for path in (page(report, "c"), report / "index.html"):
        browser.open(path, width)
        browser.frame()
        assert browser.overflow() == 0
        ink, ground = (
            sum(browser.value(f"getComputedStyle(document.body).{name}.match(/[0-9]+/g).slice(0, 3).map(Number)"))
            for name in ("color", "backgroundColor")
        )
        assert (ground < 150 and ink > 600) if scheme == "dark" else (ground > 600 and ink < 150)
        assert browser.complaints == []
    assert browser.value("[...document.querySelectorAll('[data-sort]')].filter(b => b.offsetWidth).length") == 6


def test_every_chart_says_what_it_shows(browser: Browser, report: Path) -> None:
    browser.open(page(report, "c"), 1200)
    said = browser.value("[...document.querySelectorAll('canvas')].map(c => c.closest('[role=img]')?.ariaLabel)")
    assert all(said)
    assert any(one.startswith("Lighting key over time. ") and "mean 0." in one for one in said)


def test_long_shots_have_several_pictures() -> None:
    assert shot_pieces([(0, 3), (3, 5)]) == [(0, 3), (3, 5)]
    assert shot_pieces([(0, 12), (12, 13)]) == [(0, 4), (4, 8), (8, 12), (12, 13)]
    assert len(shot_pieces([(0, 7200)])) == 24
    assert shot_pieces([]) == []


def test_any_column_becomes_a_panel(browser: Browser, folder: Path, tmp_path: Path) -> None:
    made = build(folder / "out", ["c"], report=tmp_path, columns=["lighting.*"], workers=1)
    browser.open(made.open_first, 1200)
    titles = "[...document.querySelectorAll('.panel h2')].map(h => h.textContent)"
    before = browser.value(titles)
    assert "Columns of lighting" in before
    all_panels = "[...document.querySelectorAll('.panel')]"
    panels = f"{all_panels}.filter(p => p.querySelector('h2').textContent === 'Columns of lighting')"
    browser.value(f"{panels}[0].querySelector('[aria-label^=another]').click()")
    browser.wait("document.querySelector('#search[open] input').value === 'lighting.'")
    browser.type("shadow")
    browser.press("Enter")
    browser.wait(f"{all_panels}.length === {len(before) + 1}")
    stored = pq.read_table(table_path(folder / "out", "lighting", "c"))["shadow_proportion"]
    text = browser.value(f"{all_panels}.at(-1).querySelector('li b').textContent")
    assert float(text) == pytest.approx(stored[0].as_py(), rel=5e-3, abs=1e-3)
    assert browser.complaints == []


def test_a_pattern_that_no_column_fits_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="matches no numeric column"):
        build(folder / "out", columns=["lighting.nothing[1]"])
