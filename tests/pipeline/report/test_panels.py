"""The panels of a page: hidden, folded, pinned, moved; what the address keeps; figures, and the page on paper."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import Browser
from clips import start_dataset

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

TITLES = "[...document.querySelectorAll('.panel')].filter(p => !p.hidden).map(p => p.querySelector('h2').textContent)"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def page(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a video with hues, light, motion and shots."""
    out = tmp_path_factory.mktemp("panels")
    measured = start_dataset(out, Settings(features=("color", "lighting", "motion")))
    write_record(process_video(VideoInput("clip", str(media("rot90_12.mp4"))), measured, out), out)
    report = build(out, workers=1)
    assert report.problems == ()
    return out / "report" / "videos" / "clip.html"


def hover(browser: Browser, title: str) -> None:
    """Points at the heading of a panel."""
    x, y = browser.value(
        f"""(heading => {{
          heading.scrollIntoView({{block: 'center'}});
          const {{x, y}} = heading.getBoundingClientRect();
          return [x + 4, y + 4];
        }})([...document.querySelectorAll('.panel h2')].find(h => h.textContent === '{title}'))"""
    )
    browser.mouse("mouseMoved", x, y)


def test_panels_are_moved_folded_pinned_and_hidden_by_keys_and_the_address_keeps_it(
    browser: Browser, page: Path
) -> None:
    browser.open(page, 1200, height=500)
    before = browser.value(TITLES)
    assert before[:3] == ["Shots", "Hue", "Saturation and light"]
    hover(browser, "Hue")
    browser.press("ArrowUp", modifiers=8)
    assert browser.value(TITLES)[:2] == ["Hue", "Shots"]
    hover(browser, "Lighting key")
    browser.press("t")
    assert browser.value(TITLES)[:3] == ["Lighting key", "Hue", "Shots"]
    hover(browser, "Shots")
    browser.press("h")
    hover(browser, "Saturation and light")
    browser.press("f")
    shown = browser.value(TITLES)
    assert shown == ["Lighting key", "Hue", *before[2:3], *before[4:]]
    folded = "document.querySelector('.folded').offsetHeight"
    assert browser.value(folded) < 45
    address = browser.value("location.href")
    browser.visit("about:blank")
    browser.visit(address)
    assert browser.value(TITLES) == shown
    assert browser.value(folded) < 45
    browser.value("window.scrollTo(0, 150)")
    browser.frame()
    pinned, bar = browser.value(
        "[document.querySelector('.pinned').getBoundingClientRect().top, document.getElementById('bar').offsetHeight]"
    )
    assert pinned == pytest.approx(bar, abs=1)
    browser.value("document.querySelector('#hidden button').click()")
    assert "Shots" in browser.value(TITLES)
    assert browser.complaints == []


def test_a_panel_is_arranged_by_its_menu_and_by_dragging(browser: Browser, page: Path) -> None:
    browser.open(page, 800)
    before = browser.value(TITLES)
    browser.value("document.querySelector('[aria-label=\"arrange Hue\"]').focus()")
    browser.press("Enter")
    assert browser.value("document.activeElement.textContent") == "Pin on topT"
    for _ in range(3):
        browser.press("ArrowDown")
    browser.press("Enter")  # move up
    assert browser.value(TITLES)[:2] == ["Hue", "Shots"]
    assert browser.value("document.activeElement.ariaLabel") == "arrange Hue"
    grip = browser.value("document.querySelector('[aria-label=\"arrange Hue\"]').getBoundingClientRect().toJSON()")
    third = browser.value("document.querySelectorAll('.panel')[2].getBoundingClientRect().toJSON()")
    x, y = grip["left"] + 4, grip["top"] + 4
    browser.mouse("mousePressed", x, y, button="left", clickCount=1)
    for to in (y + 20, third["bottom"] - 5):
        browser.mouse("mouseMoved", x, to, button="left", buttons=1)
    browser.mouse("mouseReleased", x, third["bottom"] - 5, button="left", clickCount=1)
    browser.frame()
    assert browser.value(TITLES) == ["Shots", before[2], "Hue", *before[3:]]
    assert browser.value("document.querySelector('#menu').matches(':popover-open')") is False


def test_a_link_leads_to_a_moment(browser: Browser, page: Path) -> None:
    browser.open(page, 1200)
    for _ in range(9):
        browser.press("ArrowRight")
    browser.press("+")
    browser.wait("location.hash.includes('view=')")
    address, said = browser.value("[location.href, document.getElementById('now').textContent]")
    assert "at=4.5" in address and "window 9" in said
    browser.visit("about:blank")
    browser.visit(address)
    assert browser.value("document.getElementById('now').textContent") == said
    browser.visit("about:blank")
    browser.visit(f"{page.resolve().as_uri()}#at=7.2&view=nonsense")
    assert "window 14" in browser.value("document.getElementById('now').textContent")
    browser.value("location.hash = '#at=2'")
    browser.wait("document.getElementById('now')?.textContent.includes('window 4')")
    assert browser.complaints == []


@pytest.mark.parametrize("width", [400, 800, 1400])
def test_the_question_mark_shows_every_key_at_every_width(browser: Browser, page: Path, width: int) -> None:
    browser.open(page, width)
    browser.press("?")
    said = browser.value("[...document.querySelectorAll('#keys th')].map(th => th.textContent)")
    assert {"← →", "+", "0", "T", "F", "H", "Shift + ↑ ↓", "A", "S", "?"} <= set(said)
    box = browser.value("document.getElementById('keys').getBoundingClientRect().toJSON()")
    assert box["left"] >= 0 and box["right"] <= width and browser.overflow() == 0
    browser.press("ArrowRight")  # the page behind waits
    assert "window 0" in browser.value("document.getElementById('now').textContent")
    browser.value("document.querySelector('#keys .close').click()")
    browser.value("document.getElementById('help').click()")
    assert browser.value("document.getElementById('keys').open")


# Figures


def saved(browser: Browser, folder: Path, *kinds: str) -> list[Path]:
    browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    for kind in kinds:
        browser.value(f"document.getElementById('{kind}').click()")
    until = time.monotonic() + 30
    while not all(list(folder.glob(f"*.{kind}")) for kind in kinds):
        assert time.monotonic() < until, list(folder.iterdir())
        browser.frame()
    return [next(folder.glob(f"*.{kind}")) for kind in kinds]


def test_a_figure_of_chosen_panels_is_light_and_stands_alone(browser: Browser, page: Path, tmp_path: Path) -> None:
    browser.look("dark")
    browser.open(page, 1200)
    ground = browser.value("getComputedStyle(document.body).backgroundColor")
    browser.press("s")
    browser.value(
        """for (const input of document.querySelectorAll('#save fieldset input'))
          input.checked = ['hue', 'lighting-key'].includes(input.value);
        document.getElementById('width').value = '85';
        document.getElementById('width').dispatchEvent(new Event('change', {bubbles: true}))"""
    )
    svg, pdf, table = saved(browser, tmp_path, "svg", "pdf", "csv")
    assert browser.value("getComputedStyle(document.body).backgroundColor") == ground
    root = ET.fromstring(svg.read_text("utf-8"))
    assert float(root.get("width", "")) == pytest.approx(85 / 25.4 * 96, abs=0.1)
    said = [text.text for text in root.iter(f"{SVG}text")]
    assert "Hue" in said and "Lighting key" in said and "Shots" not in said and "0:10" in said
    links = re.findall(r'(?:href|src)="([^"#]*)', svg.read_text("utf-8"))
    assert links and all(link.startswith("data:") for link in links)
    (title,) = [text for text in root.iter(f"{SVG}text") if text.text == "Hue"]
    assert title.get("fill") == "#1d2430" and root.find(f"{SVG}rect").get("fill") == "#fff"  # type: ignore[union-attr]
    header = table.read_text("utf-8").splitlines()[0].split(",")
    assert header[:5] == ["video_id", "window", "start", "end", "color.hue_mean"]
    assert {"color.hue_000", "color.hue_350", "lighting.lighting_key"} <= set(header)
    content = pdf.read_bytes()
    at = int(re.search(rb"startxref\n(\d+)", content)[1])  # type: ignore[index]
    assert content[at : at + 4] == b"xref" and content.count(b" obj\n") == content[at:].count(b" 00000 n ")
    if shutil.which("gs") is None:
        pytest.skip("no Ghostscript, which draws the PDF, is installed")
    image = drawn(pdf, tmp_path)
    assert image.shape[1] == pytest.approx(85 / 25.4 * 72, abs=1)
    assert np.median(image) == 255 and len(np.unique(image.reshape(-1, 3), axis=0)) > 100


def drawn(pdf: Path, folder: Path, dpi: int = 72) -> np.ndarray:
    """The first page of a PDF as pixels."""
    command = ["gs", "-q", "-dSAFER", "-dPDFSTOPONERROR", "-sDEVICE=png16m", "-dLastPage=1", f"-r{dpi}"]
    done = subprocess.run(
        [*command, "-o", str(folder / "drawn.png"), str(pdf)], capture_output=True, text=True, check=True
    )
    assert done.stdout + done.stderr == ""
    image = cv2.imread(str(folder / "drawn.png"))
    assert image is not None
    return np.asarray(image)


def test_the_lines_of_a_figure_have_the_values_of_the_table(browser: Browser, page: Path) -> None:
    browser.open(page, 1200)
    points, low, high, height, values = browser.value(
        """unpack(byId('data').textContent).then(({panels, windows, step}) => {
          const panel = panels.find(({title}) => title === 'Lighting key');
          const view = {min: 0, max: windows * step, step, windows};
          const marks = lineMarks(panel, 0, fieldOf(view, 1000, 100)).filter(({kind}) => kind === 'line');
          return [marks.flatMap(({points}) => points), ...linesOf(panel, 0).range, 100, panel.series[0].values];
        })"""
    )
    heights = [(1 - (y / height)) * (high - low) + low for _, y in points[::2]]
    assert heights == pytest.approx(values, abs=1e-6)


def test_on_paper_each_chart_is_a_whole_figure_in_light_colours(browser: Browser, page: Path, tmp_path: Path) -> None:
    browser.look("dark")
    browser.visit("about:blank")
    browser.visit(f"{page.resolve().as_uri()}#hide=shots&view=2-8")
    printed = base64.b64decode(browser.call("Page.printToPDF", preferCSSPageSize=True)["data"])
    assert browser.value("document.querySelectorAll('#paper figure').length") == 0  # gone again
    (tmp_path / "page.pdf").write_bytes(printed)
    if shutil.which("gs") is None:
        pytest.skip("no Ghostscript, which draws the PDF, is installed")
    image = drawn(tmp_path / "page.pdf", tmp_path, dpi=60)
    assert np.median(image) == 255
    margin = image[:, : image.shape[1] // 25]
    assert (margin == 255).all()
    rows = (image < 200).any(axis=(1, 2))
    assert rows[: len(rows) // 2].mean() > 0.3  # plots from the top on
    text = subprocess.run(
        ["gs", "-q", "-dSAFER", "-sDEVICE=txtwrite", "-o", "-", str(tmp_path / "page.pdf")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert text.count("Lighting key") == 1 and "0:02.0 to 0:08.0" in text and "How it was measured" in text
    assert "Shots" not in text and "Add a column" not in text


def test_a_figure_is_printed_alone_on_paper_of_its_size_with_its_fonts(
    browser: Browser, page: Path, tmp_path: Path
) -> None:
    browser.open(page, 1200)
    browser.value("window.print = () => {}")  # the dialog of the system
    browser.press("s")
    browser.value("document.querySelectorAll('#save fieldset input').forEach((input, i) => input.checked = i === 2)")
    browser.value("document.getElementById('print').click()")
    printed = base64.b64decode(browser.call("Page.printToPDF", preferCSSPageSize=True)["data"])
    (width, _) = page_sizes(printed)[0]
    assert len(page_sizes(printed)) == 1
    assert width == pytest.approx(180 / 25.4 * 72, abs=1)
    assert b"/FontFile2" in printed
    whole = base64.b64decode(browser.call("Page.printToPDF", preferCSSPageSize=True)["data"])
    assert len(page_sizes(whole)) > 1  # the page again


def page_sizes(pdf: bytes) -> list[tuple[float, float]]:
    """Width and height of each page in points."""
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    return [(float(width), float(height)) for width, height in boxes]
