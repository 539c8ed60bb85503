"""The progress of a study."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from typing import Any

from avcues.pipeline.collection.export.flags import flags_of
from avcues.pipeline.collection.export.write import open_records
from avcues.pipeline.collection.records.continuity import has_clip
from avcues.pipeline.collection.records.items import ratings_by_cell
from avcues.pipeline.collection.records.raters import answers_of, rater_name
from avcues.pipeline.collection.records.stored import DEVICE, parse_stored
from avcues.pipeline.collection.records.visit import is_open
from avcues.pipeline.collection.study import Study


def status(study: Study) -> dict[str, Any]:
    """The status of cells and raters, with quality flags, as JSON values.

    Raises:
        InputError: The study has not been served.
    """
    with open_records(study.folder) as connection:
        return status_of(connection, study)


def status_of(connection: sqlite3.Connection, study: Study) -> dict[str, Any]:
    """The result of `status`, from an open database."""
    raters = [
        _rater(connection, study, row) for row in connection.execute("SELECT * FROM raters ORDER BY id").fetchall()
    ]
    ratings_per_cell = study.design.assignment.ratings_per_cell
    rounds = []
    for round_design in study.design.all_rounds:
        finished = _ratings_done(connection, round_design.name, joint=round_design.joint)
        in_use = finished if round_design.joint else ratings_by_cell(connection, study, round_design)
        needed = 1 if round_design.joint else ratings_per_cell
        cells: list[dict[str, Any]] = [
            {
                "video_id": video,
                "setup": setup,
                "done": finished[video, setup],
                "in_progress": max(0, in_use[video, setup] - finished[video, setup]),
                "wanted": needed,
            }
            for video, setup in study.cells(round_design)
        ]
        rounds.append(
            {
                "round": round_design.name,
                "joint": round_design.joint,
                "open": is_open(connection, round_design),
                "cells": cells,
                "full": sum(cell["done"] >= cell["wanted"] for cell in cells),
                "ratings": sum(cell["done"] for cell in cells),
            }
        )
    states = Counter(rater["state"] for rater in raters)
    return {
        "title": study.design.title,
        "setups": list(study.setups),
        "rounds": rounds,
        "raters": raters,
        "states": {state: states[state] for state in ("at work", "finished", "away", "left")},
        "flagged": sum(bool(rater["flags"]) for rater in raters),
    }


def _rater(connection: sqlite3.Connection, study: Study, rater: sqlite3.Row) -> dict[str, Any]:
    items = connection.execute("SELECT * FROM items WHERE rater = ? ORDER BY place", (rater["id"],)).fetchall()
    device = parse_stored(rater["device"], DEVICE) if rater["device"] else {}
    return {
        "rater": rater_name(rater),
        "outside_id": rater["outside_id"],
        "state": _state(study, rater),
        "clips": sum(item["done"] is not None and item["kind"] != "practice" for item in items),
        "joined": rater["joined"],
        "last_seen": rater["last_seen"],
        "device": device,
        "flags": flags_of(connection, study, rater, items, answers_of(connection, rater["id"])),
        "items": [
            {key: item[key] for key in ("id", "kind", "round", "video", "setup", "overlay", "done")}
            for item in items
            if item["done"] is not None and has_clip(study, item)
        ],
    }


def _state(study: Study, rater: sqlite3.Row) -> str:
    """The state of a rater: "at work": active in the last five minutes; "left": inactive beyond `expires_minutes`."""
    if rater["finished"] is not None:
        return "finished"
    silent_s = time.time() - rater["last_seen"]
    if silent_s < 300:
        return "at work"
    return "away" if silent_s < study.design.assignment.expires_minutes * 60 else "left"


def _ratings_done(connection: sqlite3.Connection, round_: str, *, joint: bool) -> Counter[tuple[str, str]]:
    rows = connection.execute(
        "SELECT video, setup, count(*) AS ratings FROM items JOIN raters ON raters.id = items.rater"
        " WHERE kind = 'rating' AND round = ? AND joint = ? AND done IS NOT NULL GROUP BY video, setup",
        (round_, joint),
    )
    return Counter({(row["video"], row["setup"]): row["ratings"] for row in rows})
