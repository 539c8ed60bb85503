"""`avcues report --against`: two folders of the same videos on one axis."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from browser import Browser
from clips import start_dataset
from command import avcues

from avcues.errors import AvcuesError
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.extraction.video import process_video
from avcues.pipeline.report import page as page_module
from avcues.pipeline.report.against.build import build_against
from avcues.pipeline.report.against.difference import column_difference
from avcues.pipeline.report.api import report as report_of
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store.layout import table_path
from avcues.pipeline.store.records import write_record
from avcues.pipeline.store.video_input import VideoInput

try:
    page_module.library()
except AvcuesError as unavailable:
    pytest.skip(str(unavailable), allow_module_level=True)

SHADOW = "shadow_proportion"


@pytest.fixture(scope="module")
def folders(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A video measured in two ways, with another threshold of shadow and without colour; and one of one folder."""
    folder = tmp_path_factory.mktemp("against")
    runs = {
        "usual": Settings(features=("color", "lighting")),
        "dark": Settings(features=("lighting",), options={"lighting": {"shadow_threshold": 0.4}}),
    }
    for name, settings in runs.items():
        measured = start_dataset(folder / name, settings)
        for video_id in ("clip", "extra") if name == "usual" else ("clip",):
            source = VideoInput(video_id, str(media("rot90_12.mp4" if video_id == "clip" else "tiny4.mp4")))
            write_record(process_video(source, measured, folder / name), folder / name)
    return folder / "usual", folder / "dark"


def values(folder: Path, column: str) -> np.ndarray:
    stored = pq.read_table(table_path(folder, "lighting", "clip"))[column]
    return stored.cast(pa.float64()).to_numpy()


def words(path: Path) -> str:
    html = re.sub(r"<(script|style).*?</\1>", "", path.read_text(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_page_says_what_is_equal_what_differs_and_what_is_on_one_side(folders: tuple[Path, Path]) -> None:
    done = avcues("report", folders[0], "--against", folders[1], "--workers", "1")
    assert done.returncode == 0, done.stderr
    index = folders[0] / "report" / "against" / "dark" / "index.html"
    assert f"1 page made, without stills; open {index}" in done.stdout
    said = words(index)
    assert "Only in usual: extra." in said and "lighting shadow_threshold 0.18 0.4" in said
    said = words(index.with_name("clip.html"))
    assert re.search(r"Equal in every value: shots \(\d+ columns\), timeline \(\d+ columns\)\.", said)
    assert "Only in usual: color." in said and "Only in dark" not in said
    largest = np.abs(values(folders[1], SHADOW) - values(folders[0], SHADOW))
    assert f"at most {largest.max():.3g} at {largest.argmax() / 2} s" in said
    assert "lighting 2 lighting_key, median_brightness 1 shadow_proportion" in said


@pytest.mark.parametrize("width", [400, 1200])
def test_both_courses_and_their_difference_are_drawn(
    browser: Browser, folders: tuple[Path, Path], tmp_path: Path, width: int
) -> None:
    report = build_against(*folders, ["clip"], report=tmp_path, workers=1)
    assert report.problems == ()
    browser.open(report.open_first, width)
    titles = browser.value("[...document.querySelectorAll('.panel h2')].map(h => h.textContent)")
    assert titles == ["Lighting", "Lighting, difference"]
    for _ in range(6):
        browser.press("ArrowRight")
    read = browser.value(
        "[...document.querySelectorAll('.panel')].map(p => [...p.querySelectorAll('b')].map(b => b.textContent))"
    )
    one, other = (values(folder, SHADOW)[6] for folder in folders)
    assert [float(value) for value in read[0]] == pytest.approx([one, other], rel=5e-3)
    assert float(read[1][0]) == pytest.approx(other - one, rel=5e-3)
    browser.press("h")  # no panel is under the mouse
    browser.value("document.querySelector('.grip').focus()")
    browser.press("h")
    assert browser.value("document.querySelectorAll('.panel:not([hidden])').length") == 0  # both at once
    assert browser.overflow() == 0
    assert browser.complaints == []


def test_equal_folders_are_said_to_be_equal(browser: Browser, folders: tuple[Path, Path], tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folders[0], tmp_path / "copy"))
    page = build_against(folders[0], copy, ["clip"], report=tmp_path / "report", workers=1).open_first
    assert "Nothing differs in the tables that both have" in words(page)
    assert "Nothing, as far as the folders record it" in words(page)
    browser.open(page, 800)
    assert browser.complaints == []


def test_a_difference_counts_what_is_missing_and_ignores_what_is_missing_twice() -> None:
    nan = np.nan
    assert column_difference("x", np.array([1, nan, 3]), np.array([1, nan, 3])) is None
    difference = column_difference("x", np.array([1.0, nan, 3, 4]), np.array([1.0, 2, nan, 4.5]))
    assert difference is not None
    assert (difference.largest, difference.window, difference.missing) == (0.5, 3, 2)
    alone = column_difference("x", np.array([nan, 1.0]), np.array([nan, nan]))
    assert alone is not None and (alone.largest, alone.window, alone.missing) == (0, 1, 1)


def test_folders_that_cannot_be_compared_are_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    whole = start_dataset(tmp_path / "seconds", Settings(features=("lighting",), step=Fraction(1)))
    assert whole is not None
    with pytest.raises(InputError, match=r"its windows last 1 s, but those of .* last 0\.5 s"):
        build_against(folders[0], tmp_path / "seconds")
    with pytest.raises(InputError, match='"extra" is not in both'):
        build_against(*folders, ["extra"])
    with pytest.raises(SettingsError, match="`against`: can only be combined with"):
        report_of(folders[0], against=folders[1], stills="on")
