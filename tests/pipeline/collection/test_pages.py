"""Pages at every width, by day and night, from right to left, and with the keyboard alone."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import axe
import pyarrow.parquet as pq
import pytest
from collecting import FPS_25, Rater, Served, avcues, numbered_clip, serving
from scripted_rater import ScriptedRater

WIDTHS = (400, 800, 1400)
LOOKS = os.environ.get("AVCUES_LOOKS")
"""Folder for pictures of all pages, to be looked at."""
HEBREW = "שלום! כאן מדרגים קטעי וידאו"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """The preset of the study of perspectives, with a plane, in Hebrew where it is easily seen."""
    (tmp_path / "clips").mkdir()
    numbered_clip(tmp_path / "clips" / "a.mp4", FPS_25[:50], beeps=(0.3,), seconds=2)
    shutil.copy(tmp_path / "clips" / "a.mp4", tmp_path / "clips" / "b.mp4")
    for name in ("a", "b"):
        (tmp_path / "clips" / f"{name}.srt").write_text("1\n00:00:00,100 --> 00:00:01,900\nOne line & more\n")
    study = tmp_path / "study"
    avcues("collect", "init", study, "--videos", tmp_path / "clips", "--preset", "perspectives")
    text = (study / "study.toml").read_text()
    plane = '[rating]\nkind = "plane"\nplace = "over"\nx = { name = "pleasure" }\ny = { name = "energy" }\n[practice]'
    text = text.replace('direction = "ltr"', 'direction = "rtl"').replace('"Welcome"', f'"{HEBREW}"')
    text = text.replace("[practice]", plane, 1)
    (study / "study.toml").write_text(text)
    with serving(study) as running:
        yield running


@pytest.fixture
def script(pytestconfig: pytest.Config) -> str:
    """axe; empty where it cannot be had, which a warning says."""
    try:
        return axe.axe_script(pytestconfig.cache.mkdir("axe"))
    except axe.AxeUnavailableError as error:
        warnings.warn(str(error), stacklevel=1)
        return ""


def look(rater: Rater, name: str, script: str = "") -> list[str]:
    """Checks that a page fits at every width, by day and night, and returns what axe finds on it, if there is axe."""
    findings = []
    for width in WIDTHS:
        rater.browser.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        for scheme in ("light", "dark"):
            rater.browser.look(scheme)
            rater.browser.frame()
            assert rater.browser.overflow() == 0, (name, width)
            if script and (width, scheme) in ((400, "dark"), (1400, "light")):
                findings += [f"{name}, {width}: {line}" for line in axe.findings(rater.browser, script)]
            if LOOKS:
                rater.browser.screenshot(Path(LOOKS) / f"{name}-{width}-{scheme}.png")
    return findings


def tab_to(rater: Rater, selector: str) -> None:
    """Moves the focus to an element with Tab alone, and sees that it is outlined there."""
    for _ in range(80):
        rater.browser.press("Tab")
        if rater.browser.value(f"document.activeElement.matches(`{selector}`)"):
            outlined = "(s => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0)"
            assert rater.browser.value(f"{outlined}(getComputedStyle(document.activeElement))")
            return
    raise AssertionError(f"Tab does not reach {selector}")


def test_pages_fit_keep_nobody_out_and_the_keyboard_suffices(
    rater: Rater, served: Served, script: str, tmp_path: Path
) -> None:
    findings: list[str] = []
    rater.browser.visit(served.raters)
    rater.see("button.main")
    findings += look(rater, "join", script)
    rater.browser.press("Enter")  # the focus is on the button
    rater.see("form")
    findings += look(rater, "welcome", script)
    tab_to(rater, "form button.main")
    rater.browser.press("Enter")
    rater.see("audio")
    findings += look(rater, "sound", script)
    for _ in range(3):  # the tones are not counted right, and after three tries one goes on all the same
        tab_to(rater, "[value='0']")
        rater.browser.press(" ", "Space")
        tab_to(rater, "form button.main")
        rater.browser.press("Enter")
        rater.browser.wait("!document.querySelector('form button.main')?.disabled")
    over = clips = 0
    while clips < 8 and not (over and clips > 3):
        rater.browser.wait(
            "document.querySelector('.ready button:not([disabled])') || document.querySelector('blockquote')"
        )
        if rater.browser.value("!!document.querySelector('.ready')"):
            picture = rater.browser.value("!!document.querySelector('video')")
            if picture and not over:
                findings += look(rater, "over", script)
                over += 1
            elif not picture:
                findings += look(rater, "listen", script)
            rater.browser.value("document.querySelector('.ready button').focus()")
            rater.browser.press("Enter")
            rater.browser.wait("document.querySelector('video, audio')?.currentTime > 0")
            rater.browser.call("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight", windowsVirtualKeyCode=39)
            rater.browser.wait("!document.querySelector('.stage')")
            rater.browser.call("Input.dispatchKeyEvent", type="keyUp", key="ArrowRight", windowsVirtualKeyCode=39)
        rater.see("form .labels")
        if clips == 0:
            findings += look(rater, "questions", script)
        for selector in ("[value=joy]", ".pictures input", ".question:nth-of-type(3) .pictures input"):
            tab_to(rater, selector)
            rater.browser.press(" ", "Space")
        tab_to(rater, "form button.main")
        rater.browser.press("Enter")
        rater.browser.wait("!document.querySelector('form')")
        clips += 1
    assert over
    assert not rater.browser.complaints
    ScriptedRater(served.raters, place=lambda time: (time / 2, 0.5)).take_part()
    rater.browser.visit(served.researcher)
    rater.see("select")
    rater.browser.value(
        "(s => {s.selectedIndex = 1; s.dispatchEvent(new Event('change'))})"
        "([...document.querySelectorAll('select')].at(-1))"
    )
    rater.see(".replay h2")
    findings += look(rater, "researcher", script)
    assert findings == []
    assert "2 at work" in rater.browser.value("document.body.innerText")
    avcues("collect", "export", served.folder, "--out", tmp_path / "ann")
    ratings = pq.read_table(tmp_path / "ann" / "ratings.parquet").to_pandas()
    mine = ratings[(ratings["rater"] == "r001") & (ratings["dimension"] == "pleasure")]
    assert mine[mine["time"] == 0.0]["value"].max() < 0.2
    assert mine[mine["time"] == 1.5]["value"].min() > 0.5  # the arrow key was held
