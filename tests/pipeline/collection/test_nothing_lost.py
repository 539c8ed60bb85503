"""Servers that are killed, disks that are full, lines that break: what was rated is there, once."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, Browser
from collecting import FPS_25, PLANE, QUIET, Rater, Served, design, numbered_clip, start
from unsteady_line import UnsteadyLine

BROKEN_S = 60 if os.environ.get("AVCUES_FAULTS") == "full" else 3
PLACES = 1000

# Moves the pointer to a new place with each picture of the screen, and notes every move.
MOVE = f"""
(() => {{
  const player = document.querySelector("video"), area = document.querySelector(".area");
  window.player = player;
  window.moves = 0;
  const move = () => {{
    if (!player.isConnected || player.ended) return;
    if (player.currentTime > 0) {{
      const box = area.getBoundingClientRect(), x = (window.moves % {PLACES} + 0.5) / {PLACES};
      area.dispatchEvent(new PointerEvent("pointermove", {{bubbles: true, pointerType: "mouse",
        clientX: box.left + box.width * x, clientY: box.top}}));
      window.moves += 1;
    }}
    requestAnimationFrame(move);
  }};
  move();
}})()
"""
# Keeps which batches the server said that it has.
NOTE_ACKNOWLEDGED = """
(() => {
  const real = window.fetch;
  window.acknowledged = [];
  window.fetch = async (address, options) => {
    const answer = await real(address, options);
    if (answer.ok && String(address).endsWith("/batch")) {
      const {attempt, number, events} = JSON.parse(options.body);
      window.acknowledged.push([attempt, number, events]);
    }
    return answer;
  };
})()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clips").mkdir()
    numbered_clip(tmp_path / "clips" / "a.mp4", FPS_25, beeps=(1, 2), seconds=5)
    study = tmp_path / "study"
    study.mkdir()
    assignment = 'rule = "every setup"\nratings_per_cell = 5'
    text = design(tmp_path / "clips", setups="av=picture+sound", assignment=assignment, rest=PLANE + QUIET)
    (study / "study.toml").write_text(text)
    return study


@pytest.fixture
def run(folder: Path) -> Iterator[Callable[..., Served]]:
    """Serves the study; called again, at the same port, it takes the place of a server that was killed."""
    running: list[Served] = []

    def serve(**options: Any) -> Served:
        port = running[0].port if running else 0
        running.append(start(folder, port=port, **options))
        return running[-1]

    yield serve
    for served in running:
        served.process.kill()
        served.process.communicate()


def begin(rater: Rater, link: str) -> None:
    rater.join(link)
    rater.see(".ready button:not([disabled])")
    rater.browser.value(NOTE_ACKNOWLEDGED)
    rater.browser.value(MOVE)
    rater.begin_clip()


def stored(folder: Path) -> dict[str, dict[int, list[Any]]]:
    """The batches in the database, by attempt and number."""
    findings: dict[str, dict[int, list[Any]]] = {}
    with sqlite3.connect(folder / "study.sqlite") as connection:
        for attempt, number, events in connection.execute("SELECT attempt, number, events FROM batches"):
            findings.setdefault(attempt, {})[number] = json.loads(events)
    return findings


def check_all_there(rater: Rater, folder: Path) -> None:
    """Every acknowledged batch is in the database, and every move of the rater, once and in order."""
    rater.browser.wait("document.querySelector('h1')?.textContent === 'Thank you'")
    batches = stored(folder)
    acknowledged = rater.browser.value("window.acknowledged")
    assert len(acknowledged) >= 5
    assert all(batches[attempt][number] == events for attempt, number, events in acknowledged)
    ((_, of_attempt),) = batches.items()
    moves = [event for number in sorted(of_attempt) for event in of_attempt[number] if event[0] == "m"]
    places = [int(x * PLACES) for _, _, x, _ in moves if x != 0.5]
    assert places == [i % PLACES for i in range(rater.browser.value("window.moves"))]
    assert rater.browser.value("document.getElementById('line').hidden")


def line_says(rater: Rater, words: str) -> None:
    rater.browser.wait(f"document.getElementById('line').textContent.includes({json.dumps(words)})")


def test_a_server_that_is_killed_loses_nothing(
    rater: Rater, run: Callable[..., Served], folder: Path, tmp_path: Path
) -> None:
    served = run()
    begin(rater, served.raters)
    for _ in range(2):
        time.sleep(1.2)
        served.process.send_signal(signal.SIGKILL)
        served.process.wait()
        line_says(rater, "cannot be reached")
        served = run()
    check_all_there(rater, folder)


def test_a_full_disk_loses_nothing(rater: Rater, run: Callable[..., Served], folder: Path) -> None:
    served = run()
    begin(rater, served.raters)
    time.sleep(1)
    full = max(file.stat().st_size for file in folder.glob("study.sqlite*"))
    _, most = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (full, most))
    line_says(rater, "cannot save at the moment")
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (most, most))
    check_all_there(rater, folder)


def test_a_line_that_breaks_loses_nothing(rater: Rater, run: Callable[..., Served], folder: Path) -> None:
    served = run()
    with UnsteadyLine(served.port) as line:
        begin(rater, served.raters.replace(f":{served.port}", f":{line.port}"))
        time.sleep(1)
        line.broken.set()
        line.cut()
        line_says(rater, "cannot be reached")
        time.sleep(BROKEN_S)
        line.broken.clear()
        check_all_there(rater, folder)


def test_a_browser_that_crashes_sends_the_rest_later(run: Callable[..., Served], folder: Path, tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    served = run()
    with Browser(tmp_path / "profile") as browser:
        rater = Rater(browser)
        address = rater.join(served.raters)
        rater.see(".ready button:not([disabled])")
        rater.browser.value(MOVE)
        rater.begin_clip()
        served.process.send_signal(signal.SIGKILL)
        served.process.wait()
        time.sleep(2.5)
        before = sum(len(batches) for batches in stored(folder).values())
        moves = browser.value("window.moves")
    run()
    with Browser(tmp_path / "profile") as browser:
        browser.visit(address)
        rater = Rater(browser)
        rater.see(".ready button")
        assert browser.value("document.querySelector('header h1').textContent") == "Clip 1 of 1"
        until = time.monotonic() + 20
        while sum(len(batches) for batches in stored(folder).values()) < before + 2:
            assert time.monotonic() < until
            time.sleep(0.2)
        (batches,) = stored(folder).values()
    places = [event for number in sorted(batches) for event in batches[number] if event[0] == "m" and event[2] != 0.5]
    assert [int(event[2] * PLACES) for event in places] == list(range(len(places)))
    assert len(places) > moves - 90  # of the last second, which was in no batch yet


def test_two_tabs_of_a_rater_are_one_rater(rater: Rater, run: Callable[..., Served], folder: Path) -> None:
    served = run()
    address = rater.join(served.raters)
    rater.see(".ready button:not([disabled])")
    rater.browser.value(MOVE)
    rater.begin_clip()
    content = json.dumps({"tab": "other-tab", "device": {}}).encode()
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{address}/next", content, headers)) as answer:
        step = json.load(answer)
    rater.browser.wait("document.querySelector('[role=alert]')?.textContent.includes('another tab')")
    assert rater.browser.value("window.player.paused")
    with sqlite3.connect(folder / "study.sqlite") as connection:
        assert connection.execute("SELECT id FROM items").fetchall() == [(step["item"],)]
        assert connection.execute("SELECT count(*) FROM raters").fetchone() == (1,)
    assert len(stored(folder)) == 1
