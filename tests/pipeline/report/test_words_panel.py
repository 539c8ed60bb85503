"""The words on the page of a video: the utterance under the cursor, each word at its time, the search."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from browser import Browser
from clips import Clip, click, start_dataset, steady_frames

from avcues.errors import AvcuesError
from avcues.pipeline.extraction.video import process_video
from avcues.pipeline.report import page as page_module
from avcues.pipeline.report.build import build
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store.records import write_record
from avcues.pipeline.store.video_input import VideoInput

try:
    page_module.library()
except AvcuesError as unavailable:
    pytest.skip(str(unavailable), allow_module_level=True)

SRT = (
    "1\n00:00:01,000 --> 00:00:02,500\nHappy <script>alert(1)</script> & glorious\n\n"
    "2\n00:00:04,000 --> 00:00:05,000\nA happy end\n"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words")
    measured = start_dataset(folder / "out", Settings(features=("text",)))
    for name in ("said", "silent"):
        clip = Clip(frames=steady_frames(6, flash=(2, 3)), sounds=[click(6, 1.5)]).write(folder / f"{name}.mkv")
        if name == "said":
            clip.with_name("said.en.srt").write_text(SRT)
        write_record(process_video(VideoInput(name, str(clip)), measured, folder / "out"), folder / "out")
    made = build(folder / "out", workers=1)
    assert made.problems == ()
    return made.open_first.parent


def test_the_utterance_under_the_cursor_is_read_and_searched(report: Path, browser: Browser) -> None:
    browser.open(report / "videos" / "said.html", 1200)
    said: Callable[[], str] = lambda: browser.value("document.querySelector('.panel.words .words').textContent")  # noqa: E731
    assert said() == ""
    browser.value("document.querySelector('.search input').focus()")
    browser.type("happy")
    assert browser.value("document.querySelector('.search output').textContent") == "2 found"
    for expected in ("Happy alert & glorious", "A happy end", "Happy alert & glorious"):
        browser.press("Enter")
        assert said() == expected
    assert "window 2" in browser.value("document.getElementById('now').textContent")
    browser.press("Enter", modifiers=8)
    assert said() == "A happy end"
    assert browser.complaints == []
    assert browser.overflow() == 0


def test_a_video_without_words_says_so(report: Path, browser: Browser) -> None:
    page = report / "videos" / "silent.html"
    assert "<b>Words:</b> the video has no words." in page.read_text()
    browser.open(page, 1200)
    assert browser.value("document.querySelector('.search')") is None
    assert browser.complaints == []
