"""The current step of a rater, computed from the database, so that a reload or another device continues there."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator, Mapping
from typing import Any

from avcues.pipeline.collection.design import Page, Round
from avcues.pipeline.collection.records.items import items_of, next_item, practice_item
from avcues.pipeline.collection.records.raters import answers_of
from avcues.pipeline.collection.study import Study

SOUND, FOLLOW = "sound", "follow"
TONES = (3, 6)
"""Fewest and most tones of the sound check."""


def next_step(connection: sqlite3.Connection, study: Study, rater: sqlite3.Row) -> dict[str, Any]:
    """The next step of a rater, in the form that the page needs."""
    answered = answers_of(connection, rater["id"])
    for step in _steps(connection, study, rater):
        if step.get("key") not in answered:
            return step
    connection.execute("UPDATE raters SET finished = ? WHERE id = ? AND finished IS NULL", (time.time(), rater["id"]))
    completion = study.design.links.completion
    return {"step": "end", "completion": None if completion is None else str(completion)}


def tones(study: Study, rater: int) -> int:
    """The number of tones that a rater hears in the sound check."""
    return random.Random(f"{study.design.seed}/{rater}/tones").randint(*TONES)


def is_open(connection: sqlite3.Connection, round_: Round) -> bool:
    """Whether a round has begun."""
    if round_.opens == "at once":
        return True
    return connection.execute("SELECT 1 FROM settings WHERE key = ?", (f"open {round_.name}",)).fetchone() is not None


def open_round(connection: sqlite3.Connection, name: str) -> None:
    """Begins a round that opens by hand."""
    connection.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (f"open {name}", str(time.time())))


def page_by_key(study: Study, key: str) -> Page | None:
    """The page of a key; a page between clips has a key for each time it is shown, such as "between-1@12"."""
    return dict(study.design.pages()).get(key.partition("@")[0])


def _steps(connection: sqlite3.Connection, study: Study, rater: sqlite3.Row) -> Iterator[dict[str, Any]]:
    design, rounds = study.design, study.rounds(joint=bool(rater["joint"]))
    pages = dict(design.pages())
    if not rater["joint"]:
        for i in range(len(design.before)):
            yield _page(f"before-{i + 1}", pages)
    if design.checks.sound and any("sound" in setup.shows for setup in design.setups):
        yield {"step": SOUND, "key": SOUND, "tries": design.checks.sound_tries}
    if not rater["joint"]:
        if design.checks.follow_s and design.rating is not None:
            yield {"step": FOLLOW, "key": FOLLOW, "seconds": design.checks.follow_s}
        if (item := practice_item(connection, study, rater)) is not None:
            yield _trial(study, item, item["place"] + 1, design.practice.trials)
    for round_design in rounds:
        for i, page in enumerate(design.between):
            if page.before_round == round_design.name:
                yield _page(f"between-{i + 1}", pages)
        if not is_open(connection, round_design):
            yield {"step": "wait"}
        # Pages are shown before the next clip is reserved, so that the clip is not blocked while a rater reads them.
        finished = sum(
            item["round"] == round_design.name and item["done"] is not None
            for item in items_of(connection, rater["id"])
        )
        if finished:
            for i, page in enumerate(design.between):
                if (
                    page.after_every
                    and finished % page.after_every == 0
                    and finished < _total(study, rater, round_design)
                ):
                    yield _page(f"between-{i + 1}", pages, f"@{round_design.name}-{finished}")
        if (item := next_item(connection, study, rater, round_design)) is not None:
            yield _trial(study, item, finished + 1, _total(study, rater, round_design))
    if not rater["joint"]:
        for i in range(len(design.after)):
            yield _page(f"after-{i + 1}", pages)


def _total(study: Study, rater: sqlite3.Row, round_: Round) -> int:
    retest = 0 if rater["joint"] else study.design.assignment.retest
    if study.design.assignment.rule == "every setup" or round_.joint:
        return len(study.videos_by_round[round_.name]) * len(study.setups) + retest
    return int(rater["items"] or 0) + retest


def _page(key: str, pages: Mapping[str, Page], suffix: str = "") -> dict[str, Any]:
    page = pages[key]
    return {
        "step": "page",
        "key": key + suffix,
        "title": page.title,
        "text": page.text,
        "consent": page.consent,
        "clip": f"page/{key}" if page.clip else None,
        "questions": [question.model_dump(mode="json") for question in page.questions],
    }


def _trial(study: Study, item: sqlite3.Row, number: int, total: int) -> dict[str, Any]:
    setup = study.design.setup(item["setup"])
    is_practice = item["kind"] == "practice"
    clip = study.clip(item["video"], practice=is_practice)
    file = clip.file(setup)
    rating = study.design.rating if setup.plays else None
    return {
        "step": "trial",
        "item": item["id"],
        "number": number,
        "total": max(number, total),
        "practice": is_practice,
        "setup": setup.name,
        "shows": list(setup.shows),
        "instruction": setup.instruction,
        "overlay": item["overlay"],
        "clip": None
        if file is None
        else {
            "address": f"clip/{item['id']}",
            "kind": file.kind,
            "bytes": file.bytes,
            "duration": file.duration_s,
            "width": clip.width,
            "height": clip.height,
        },
        "transcript": [line.model_dump() for line in clip.transcript] if "text" in setup.shows else [],
        "rating": None if rating is None else rating.model_dump(mode="json"),
        "questions": [question.model_dump(mode="json") for question in study.design.questions_after(setup.name)],
    }
