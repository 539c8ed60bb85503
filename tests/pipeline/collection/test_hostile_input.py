"""What somebody could send who means harm: refused in plain words, and nothing else happens."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from collecting import FPS_25, PLANE, Rater, design, numbered_clip, serving
from starlette.testclient import TestClient

from avcues.pipeline.collection.design import read_design
from avcues.pipeline.collection.records import DATABASE, Database
from avcues.pipeline.collection.server.app import make_app
from avcues.pipeline.collection.server.limits import MAX_BODY_BYTES, REQUEST_BURST
from avcues.pipeline.collection.stimuli import prepare
from avcues.pipeline.collection.study import Study, secret_token

TAB, ATTEMPT = "tab-of-a-test", "attempt-of-a-test"
SCRIPT = "</script><script>window.harmed = true</script><img src=x onerror='window.harmed = true'>"
QUESTIONS = """
[[after_clip]]
kind = "words"
name = "comment"
text = "Anything else?"
required = false

[[after_clip]]
kind = "labels"
name = "mood"
text = "Mood?"
free = true
groups = [{ labels = ["glad", "sad"] }]

[[before]]
title = "You"
consent = true
questions = [{ kind = "words", name = "country", text = "Country?", longest = 200 }]

[checks]
sound = false
follow_s = 0
"""


def write_study(tmp_path: Path) -> Path:
    (tmp_path / "clips").mkdir()
    numbered_clip(tmp_path / "clips" / "a.mp4", FPS_25[:25], beeps=(0.5,), seconds=1)
    numbered_clip(tmp_path / "clips" / "b.mp4", FPS_25[:25], beeps=(0.5,), seconds=1)
    folder = tmp_path / "study"
    folder.mkdir()
    assignment = 'rule = "every setup"\nratings_per_cell = 50'
    (folder / "study.toml").write_text(
        design(tmp_path / "clips", setups="av=picture+sound", assignment=assignment, rest=PLANE + QUESTIONS)
    )
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "secret.txt").write_text("secret")
    return folder


@dataclass
class Visitor:
    """Somebody who talks to the server without a page."""

    client: TestClient
    folder: Path
    link: str
    researcher: str

    def join(self, outside_id: str = "") -> str:
        answer = self.post(self.link, {"outside_id": outside_id})
        assert answer.status_code == 200, answer.text
        rater = f"/r/{answer.json()['rater']}"
        assert self.post(f"{rater}/next", {"tab": TAB, "device": {}}).json()["step"] == "page"
        return rater

    def join_and_consent(self, country: str = "here") -> tuple[str, int]:
        """A rater at the first clip."""
        rater = self.join()
        answers = {"consent": True, "country": country}
        sent = {"tab": TAB, "key": "before-1", "answers": answers}
        assert self.post(f"{rater}/answers", sent).json() == {"right": True}
        step = self.post(f"{rater}/next", {"tab": TAB}).json()
        assert step["step"] == "trial"
        return rater, step["item"]

    def post(self, path: str, content: Any, **options: Any) -> Any:
        return self.client.post(path, json=content, **options)

    def count(self, table: str) -> int:
        with sqlite3.connect(self.folder / DATABASE) as connection:
            (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        return int(count)


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    folder = write_study(tmp_path)
    study = Study(folder, read_design(folder), prepare(folder, read_design(folder)))
    database = Database(folder / DATABASE)
    link = database.submit(lambda connection: f"/join/{secret_token(connection, 'raters')}").result()
    researcher = database.submit(lambda connection: f"/study/{secret_token(connection, 'researcher')}").result()
    app = make_app(study, database, hosts={"localhost"})
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield Visitor(client, folder, link, researcher)


def batch(item: int | None, **more: Any) -> dict[str, Any]:
    return {"tab": TAB, "attempt": ATTEMPT, "item": item, "number": 0, "events": [["m", 1, 0.5, 0.5]], **more}


def test_only_the_stimuli_are_served(visitor: Visitor) -> None:
    rater, item = visitor.join_and_consent()
    assert visitor.client.get(f"{rater}/clip/{item}").headers["content-type"] == "video/mp4"
    paths = ["assets/../study.py", "assets/%2e%2e%2fstudy.py", "assets/minimal.toml", "assets/page.html"]
    paths += [f"{rater[1:]}/clip/..%2f..%2fsecret.txt", f"{rater[1:]}/page/..%2f..%2fsecret.txt", "study.sqlite"]
    for path in paths:
        answer = visitor.client.get(f"/{path}")
        assert answer.status_code == 404, path
        assert "secret" not in answer.text


def test_a_clip_of_another_rater_is_not_served(visitor: Visitor) -> None:
    _, item = visitor.join_and_consent()
    other = visitor.join()
    assert visitor.client.get(f"{other}/clip/{item}").status_code == 404
    assert visitor.post(f"{other}/batch", batch(item)).status_code == 404
    assert visitor.count("batches") == 0


def test_guessed_links_lead_nowhere(visitor: Visitor) -> None:
    for path in ("/join/x", "/r/x", "/study/x", "/study/x/status", "/study/x/export.zip", f"{visitor.link}x"):
        assert visitor.client.get(path).status_code == 404
    assert visitor.post("/join/x", {"outside_id": ""}).status_code == 404
    assert visitor.post("/study/x/open", {"round": "ratings"}).status_code == 404
    rater = visitor.join()
    assert visitor.client.get(rater.replace("/r/", "/study/")).status_code == 404


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[" * 100_000,
        b'{"tab": NaN}',
        b"\xff\xfe",
        b'{"outside_id": "' + b"x" * 200 + b'"}',
        b'{"outside_id": "", "joint": true}',
        b'{"outside_id": ' + b"9" * 5000 + b"}",
    ],
    ids=["cut off", "deep", "NaN", "no UTF-8", "long", "unknown key", "long number"],
)
def test_what_is_no_request_is_refused(content: bytes, visitor: Visitor) -> None:
    answer = visitor.client.post(visitor.link, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert visitor.count("raters") == 0


def test_large_requests_are_refused_whatever_they_claim(visitor: Visitor) -> None:
    large = b"x" * (MAX_BODY_BYTES + 1)
    headers = {"Content-Type": "application/json"}
    assert visitor.client.post(visitor.link, content=large, headers=headers).status_code == 413
    pieces = (large[i : i + 1000] for i in range(0, len(large), 1000))
    assert visitor.client.post(visitor.link, content=pieces, headers=headers).status_code == 413


def test_floods_are_slowed_down(visitor: Visitor) -> None:
    rater = visitor.join()
    codes = [visitor.post(f"{rater}/next", {"tab": TAB}).status_code for _ in range(2 * REQUEST_BURST)]
    assert codes.count(429) > REQUEST_BURST / 2
    assert visitor.join() != rater


def test_pages_of_other_sites_cannot_send(visitor: Visitor) -> None:
    form = {"Content-Type": "text/plain", "Origin": "http://elsewhere.example"}
    assert visitor.client.post(visitor.link, content=b'{"outside_id": ""}', headers=form).status_code == 415
    rebound = {"Host": "elsewhere.example"}
    assert visitor.client.get(visitor.link, headers=rebound).status_code == 421
    policy = visitor.client.get(visitor.link).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    "events",
    [
        [],
        [["m", 1, 0.5]],
        [["x", 1, 2, 3]],
        [["m", "1", 0.5, 0.5]],
        [["m", 1e300, 0.5, 0.5]],
        [["f", 1, "x", 2, 3]],
        [["f", None, None, None, None]],
        [["e", 1, 2, "stall", "x" * 1000]],
        [["e", 1, 2, {"a": 1}, None]],
        [["m", 1, 0.5, 0.5]] * 5001,
    ],
    ids=["none", "short", "unknown", "text", "huge", "text for a time", "no time", "long note", "object", "too many"],
)
def test_traces_that_no_page_sends_are_refused(events: list[Any], visitor: Visitor) -> None:
    rater, item = visitor.join_and_consent()
    assert visitor.post(f"{rater}/batch", batch(item, events=events)).status_code == 400
    assert visitor.count("batches") == 0


def test_a_trace_of_another_rater_cannot_be_continued_or_claimed(visitor: Visitor) -> None:
    rater, item = visitor.join_and_consent()
    assert visitor.post(f"{rater}/batch", batch(item)).status_code == 200
    other, other_item = visitor.join_and_consent()
    assert visitor.post(f"{other}/batch", batch(other_item, number=1)).status_code == 404
    done = {"tab": TAB, "item": other_item, "attempt": ATTEMPT, "batches": 1, "answers": {"mood": {"labels": ["glad"]}}}
    assert visitor.post(f"{other}/done", done).status_code == 400
    assert visitor.count("batches") == 1


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"mood": {"labels": ["angry"]}},
        {"mood": {"labels": ["glad", "glad"]}},
        {"mood": {"labels": [], "free": ""}},
        {"mood": {"labels": [{"$gt": ""}]}},
        {"mood": "glad"},
        {"mood": {"labels": ["glad"]}, "rater": "r001"},
        {"mood": {"labels": ["glad"]}, "comment": "x" * 501},
        {"mood": {"labels": ["glad"]}, "comment": ["x"]},
    ],
)
def test_answers_that_are_not_possible_are_refused(answers: dict[str, Any], visitor: Visitor) -> None:
    rater, item = visitor.join_and_consent()
    visitor.post(f"{rater}/batch", batch(item))
    done = {"tab": TAB, "item": item, "attempt": ATTEMPT, "batches": 1, "answers": answers}
    assert visitor.post(f"{rater}/done", done).status_code == 400


def test_clips_and_pages_cannot_be_skipped(visitor: Visitor) -> None:
    rater = visitor.join()
    sent = {"tab": TAB, "key": "before-1", "answers": {"country": "here"}}
    assert visitor.post(f"{rater}/answers", sent).status_code == 400  # without consent
    assert visitor.post(f"{rater}/answers", {**sent, "key": "after-1"}).status_code == 400
    rater, item = visitor.join_and_consent()
    mood = {"mood": {"labels": ["glad"]}}
    unplayed = {"tab": TAB, "item": item, "attempt": None, "batches": 0, "answers": mood}
    assert visitor.post(f"{rater}/done", unplayed).status_code == 400
    visitor.post(f"{rater}/batch", batch(item))
    claimed = {"tab": TAB, "item": item, "attempt": ATTEMPT, "batches": 3, "answers": mood}
    refused = visitor.post(f"{rater}/done", claimed)
    assert (refused.status_code, refused.json()["missing"]) == (409, [1, 2])


def test_words_are_stored_as_they_are_and_never_run(rater: Rater, tmp_path: Path) -> None:
    folder = write_study(tmp_path)
    with serving(folder) as served:
        rater.join(f"{served.raters}?PROLIFIC_PID={quote(SCRIPT, safe='')}")
        rater.see("form input")
        rater.click("textarea")
        rater.browser.type(SCRIPT)
        rater.click("form input[type=checkbox]")
        rater.answer()
        for _ in range(2):
            rater.begin_clip()
            rater.click("[value=glad]")
            rater.click("textarea")
            rater.browser.type(SCRIPT)
            rater.answer()
        rater.browser.wait("document.querySelector('h1')?.textContent === 'Thank you'")
        rater.browser.visit(served.researcher)
        rater.see("select")
        rater.browser.value(
            "(s => {s.selectedIndex = 1; s.dispatchEvent(new Event('change'))})(document.querySelector('select'))"
        )
        rater.see(".replay dd")
        text = rater.browser.value("document.body.innerText")
        assert text.count(SCRIPT) >= 2
        assert not rater.browser.value("window.harmed")
        assert all(url.startswith(f"http://127.0.0.1:{served.port}/") for url in rater.browser.requests)
    assert not rater.browser.complaints
    with sqlite3.connect(folder / DATABASE) as connection:
        (outside_id,) = connection.execute("SELECT outside_id FROM raters").fetchone()
        answers = [json.loads(row[0]) for row in connection.execute("SELECT answers FROM items")]
    assert outside_id == SCRIPT
    assert [answer["comment"] for answer in answers] == [SCRIPT, SCRIPT]
