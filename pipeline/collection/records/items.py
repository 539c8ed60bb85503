"""Items: the clips that raters are given."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from avcues.pipeline.collection.assignment import Cell, least_filled, ratings_left, repetitions
from avcues.pipeline.collection.design import Round
from avcues.pipeline.collection.study import Study


def items_of(connection: sqlite3.Connection, rater: int) -> list[sqlite3.Row]:
    """The items of a rater, in order."""
    return connection.execute("SELECT * FROM items WHERE rater = ? ORDER BY place", (rater,)).fetchall()


def items_for_new_rater(connection: sqlite3.Connection, study: Study) -> int | None:
    """The number of clips of the next new rater in each round; None: all clips."""
    span = study.design.assignment.items_per_rater
    if span is None:
        return None
    (number,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM raters").fetchone()
    return random.Random(f"{study.design.seed}/{number}/items").randint(*span)


def needs_rater(connection: sqlite3.Connection, study: Study) -> bool:
    """Whether another rater is needed."""
    assignment = study.design.assignment
    active_raters = _active_raters(connection, study)
    if assignment.rule == "every setup":
        return len(active_raters) < assignment.ratings_per_cell
    for round_design in study.rounds(joint=False):
        counted = ratings_by_cell(connection, study, round_design)
        promised = sum(
            max(0, rater["items"] - items_given)
            for rater in active_raters
            if rater["finished"] is None
            for items_given in [_count(connection, rater["id"], round_design)]
        )
        if ratings_left(counted, study.cells(round_design), assignment.ratings_per_cell, promised):
            return True
    return False


def ratings_by_cell(connection: sqlite3.Connection, study: Study, round_: Round) -> Counter[Cell]:
    """The number of ratings of each cell that are completed, or in progress by a recently active rater."""
    rows = connection.execute(
        "SELECT video, setup, count(*) AS ratings FROM items JOIN raters ON raters.id = items.rater"
        " WHERE kind = 'rating' AND round = ? AND NOT joint AND (done IS NOT NULL OR last_seen > ?)"
        " GROUP BY video, setup",
        (round_.name, _expiry(study)),
    )
    return Counter({(row["video"], row["setup"]): row["ratings"] for row in rows})


def next_item(connection: sqlite3.Connection, study: Study, rater: sqlite3.Row, round_: Round) -> sqlite3.Row | None:
    """The current item of a rater in a round, reserved at the first request; None if the round is done."""
    round_items = [item for item in items_of(connection, rater["id"]) if item["round"] == round_.name]
    if round_items and round_items[-1]["done"] is None:
        return round_items[-1]
    rated = [(item["video"], item["setup"]) for item in round_items if item["kind"] == "rating"]
    kind, cell = "rating", _next_cell(connection, study, rater, round_, rated)
    if cell is None:
        retests = [item for item in round_items if item["kind"] == "retest"]
        design = study.design.assignment
        repeated_cells = repetitions(
            rated,
            0 if rater["joint"] else design.retest,
            gap=design.gap,
            seed=study.design.seed,
            rater=rater["id"],
            round_=round_.name,
        )
        kind, cell = "retest", repeated_cells[len(retests)] if len(retests) < len(repeated_cells) else None
    return None if cell is None else _reserve(connection, study, rater, kind, round_.name, cell)


def practice_item(connection: sqlite3.Connection, study: Study, rater: sqlite3.Row) -> sqlite3.Row | None:
    """The current practice trial of a rater; None if all are done."""
    practice_items = [item for item in items_of(connection, rater["id"]) if item["kind"] == "practice"]
    if practice_items and practice_items[-1]["done"] is None:
        return practice_items[-1]
    practice = study.design.practice
    if len(practice_items) >= practice.trials:
        return None
    random_source = random.Random(f"{study.design.seed}/{rater['id']}/practice")
    files = practice.files or tuple(
        random_source.sample(sorted(study.stimuli.clips), min(practice.trials, len(study.stimuli.clips)))
    )
    setups = random_source.sample(list(study.setups), len(study.setups))
    cell = (files[len(practice_items) % len(files)], setups[len(practice_items) % len(setups)])
    return _reserve(connection, study, rater, "practice", "practice", cell)


def finish_item(connection: sqlite3.Connection, item: int, attempt: str | None, answers: Mapping[str, Any]) -> None:
    """Records that a clip is rated; only the first call has an effect."""
    connection.execute(
        "UPDATE items SET done = ?, attempt = ?, answers = ? WHERE id = ? AND done IS NULL",
        (time.time(), attempt, json.dumps(answers), item),
    )


def _next_cell(
    connection: sqlite3.Connection, study: Study, rater: sqlite3.Row, round_: Round, rated: list[Cell]
) -> Cell | None:
    if study.design.assignment.rule == "every setup" or round_.joint:
        # Not chosen by its number, because videos may have been added or removed since the rater began.
        return next((cell for cell in study.order(rater["id"], round_) if cell not in rated), None)
    if len(rated) >= (rater["items"] or 0):
        return None
    shown_rows = connection.execute("SELECT DISTINCT video FROM items WHERE rater = ?", (rater["id"],))
    shown_videos = {row["video"] for row in shown_rows}
    counts = ratings_by_cell(connection, study, round_)
    return least_filled(counts, study.cells(round_), shown_videos, seed=study.design.seed, rater=rater["id"])


def _reserve(
    connection: sqlite3.Connection, study: Study, rater: sqlite3.Row, kind: str, round_: str, cell: Cell
) -> sqlite3.Row:
    (place,) = connection.execute("SELECT count(*) FROM items WHERE rater = ?", (rater["id"],)).fetchone()
    video, setup = cell
    added = connection.execute(
        "INSERT INTO items (rater, place, kind, round, video, setup, overlay, assigned) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " RETURNING *",
        (rater["id"], place, kind, round_, video, setup, _overlay(study, rater["id"], place, setup), time.time()),
    )
    return added.fetchone()


def _overlay(study: Study, rater: int, place: int, setup: str) -> str | None:
    """The position of the plane or slider, over the picture or beside it; None without a picture or such a rating."""
    rating = study.design.rating
    if rating is None or "picture" not in study.design.setup(setup).shows:
        return None
    if rating.place == "random":
        return random.Random(f"{study.design.seed}/{rater}/{place}/overlay").choice(["over", "beside"])
    return rating.place


def _active_raters(connection: sqlite3.Connection, study: Study) -> list[sqlite3.Row]:
    """Raters who finished or were recently active."""
    rows = connection.execute(
        "SELECT * FROM raters WHERE NOT joint AND (finished IS NOT NULL OR last_seen > ?)", (_expiry(study),)
    )
    return rows.fetchall()


def _count(connection: sqlite3.Connection, rater: int, round_: Round) -> int:
    (count,) = connection.execute(
        "SELECT count(*) FROM items WHERE rater = ? AND round = ? AND kind = 'rating'", (rater, round_.name)
    ).fetchone()
    return int(count)


def _expiry(study: Study) -> float:
    return time.time() - study.design.assignment.expires_minutes * 60
