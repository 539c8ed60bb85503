"""Rows of the export: ratings, answers, and traces."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from types import UnionType
from typing import Any

import numpy as np

from avcues.pipeline.collection.design.questions import Choice, Labels, Number, Scale, Words, YesNo
from avcues.pipeline.collection.export.flags import flags_of
from avcues.pipeline.collection.export.lag import lag_s
from avcues.pipeline.collection.export.samples import sample_ratings
from avcues.pipeline.collection.export.trace import Trace, read_trace
from avcues.pipeline.collection.records.raters import answers_of, rater_name
from avcues.pipeline.collection.records.schema import DATABASE
from avcues.pipeline.collection.records.stored import ANSWERS, parse_stored
from avcues.pipeline.collection.records.visit import FOLLOW, SOUND
from avcues.pipeline.collection.study import Study
from avcues.pipeline.errors import DatasetError

SEEN = "seen"
"""The question after a clip whose answer is a column of the exposures."""

_ANSWER_TYPES: dict[str, type | UnionType] = {
    "choice": str | list | None,
    "labels": dict | None,
    "number": float | int | None,
    "scale": float | int | None,
    "words": str | None,
    "yes-no": bool | None,
}


@dataclass
class ExportRows:
    """The rows of all tables of an export.

    Args:
        ratings: Rows with the columns of ratings, `order`, `seen`, `overlay`, and `repeat`, which is 1 for the second
            rating of a clip.
        raters: One row per rater.
        comments: Free answers about clips.
        events: Events of all traces.
        without_clip: Number of rated clips whose video is no longer in the study.
    """

    ratings: list[dict[str, Any]] = field(default_factory=list)
    raters: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    without_clip: int = 0


def collect_rows(connection: sqlite3.Connection, study: Study, step: Fraction) -> ExportRows:
    """Reads all ratings and answers so far.

    Args:
        step: Seconds between samples of ratings over time.
    """
    rows = ExportRows()
    for rater in connection.execute("SELECT * FROM raters ORDER BY id").fetchall():
        items = connection.execute("SELECT * FROM items WHERE rater = ? ORDER BY place", (rater["id"],)).fetchall()
        order = 0
        for item in items:
            rows.events += _events(connection, rater, item)
            if item["done"] is None or item["kind"] == "practice":
                continue
            if item["video"] not in study.stimuli.clips or item["setup"] not in study.setups:
                rows.without_clip += 1
                continue
            _add_item(connection, study, rater, item, order, step, rows)
            order += 1
        rows.events += _events(connection, rater, None)
        rows.raters.append(_rater(connection, study, rater, items))
    return rows


def _add_item(
    connection: sqlite3.Connection,
    study: Study,
    rater: sqlite3.Row,
    item: sqlite3.Row,
    order: int,
    step: Fraction,
    rows: ExportRows,
) -> None:
    answers = parse_stored(item["answers"], ANSWERS)
    keys = {
        "rater": rater_name(rater),
        "video_id": item["video"],
        "setup": item["setup"],
        "round": str(item["round"]) if study.design.rounds else None,
        "repeat": int(item["kind"] == "retest"),
    }
    context = {"order": order, "seen": answers.get(SEEN), "overlay": item["overlay"]}
    rating, setup = study.design.rating, study.design.setup(item["setup"])
    if rating is not None and item["attempt"] is not None:
        file = study.stimuli.clips[item["video"]].file(setup)
        duration = 0.0 if file is None else file.duration_s
        times, values = sample_ratings(read_trace(connection, item["attempt"]), rating, duration, step)
        for dimension, column in values.items():
            for time, value in zip(times.tolist(), column.tolist(), strict=True):
                if np.isfinite(value):
                    rows.ratings.append({**keys, "dimension": dimension, "time": time, "value": value, **context})
    for question in study.design.questions_after(setup.name):
        answer = answers.get(question.name)
        if not isinstance(answer, _ANSWER_TYPES[question.kind]):
            raise DatasetError(f"{DATABASE}: an answer to {question.name} is not of the kind {question.kind}")
        if isinstance(question, Words):
            if answer:
                rows.comments.append({**keys, "question": question.name, "words": answer})
            continue
        if question.name == SEEN and isinstance(question, YesNo):
            continue
        for value, label in _answer_values(question, answer):
            rows.ratings.append({**keys, "dimension": question.name, "value": value, "label": label, **context})


def _answer_values(question: Any, answer: Any) -> Iterator[tuple[float | None, str | None]]:
    """Yields the values or labels of an answer about a clip."""
    match question:
        case Scale() | Number():
            if answer is not None:
                yield float(answer), None
        case Labels():
            answer = answer or {}
            labels = [*answer.get("labels", []), *([answer["free"]] if answer.get("free") else [])]
            # A rater who chose no label gets one row without a label.
            yield from ((None, label) for label in dict.fromkeys(labels or [None]))
        case YesNo():
            if answer is not None:
                yield None, "yes" if answer else "no"
        case Choice():
            labels = answer if isinstance(answer, list) else [answer]
            yield from ((None, option) for option in labels if option is not None)


def _rater(
    connection: sqlite3.Connection, study: Study, rater: sqlite3.Row, items: list[sqlite3.Row]
) -> dict[str, Any]:
    answers = answers_of(connection, rater["id"])
    row: dict[str, Any] = {"rater": rater_name(rater)}
    follow = answers.get(FOLLOW)
    lag = None if follow is None else lag_s(read_trace(connection, follow.get("attempt", "")))
    row["lag_s"] = lag
    row["clips"] = sum(item["done"] is not None and item["kind"] != "practice" for item in items)
    row["finished"] = rater["finished"] is not None
    flags = flags_of(connection, study, rater, items, answers)
    if follow is not None and lag is None:
        flags.append("did not follow the moving point")
    row["flags"] = "; ".join(flags)
    for page, page_answers in answers.items():
        if page in (SOUND, FOLLOW):
            continue
        for name, answer in page_answers.items():
            if name == "consent":
                continue
            if isinstance(answer, dict):
                answer = [*answer["labels"], *([answer["free"]] if answer["free"] else [])]
            value = "; ".join(answer) if isinstance(answer, list) else answer
            # A page that is shown several times has a column for each time.
            column = f"{name}_{page.partition('@')[2]}".replace("-", "_") if "@" in page else name
            row[column] = value
    return row


def _events(connection: sqlite3.Connection, rater: sqlite3.Row, item: sqlite3.Row | None) -> Iterator[dict[str, Any]]:
    attempts = connection.execute(
        "SELECT * FROM attempts WHERE rater = ? AND item IS ? ORDER BY number",
        (rater["id"], None if item is None else item["id"]),
    ).fetchall()
    for attempt in attempts:
        trace = read_trace(connection, attempt["id"])
        keys = {
            "rater": rater_name(rater),
            "video_id": None if item is None else item["video"],
            "setup": None if item is None else item["setup"],
            "kind": "follow" if item is None else item["kind"],
            "place": None if item is None else item["place"],
            "attempt": attempt["number"],
            "used": item is None or item["attempt"] == attempt["id"],
        }
        yield from ({**keys, **event} for event in _events_by_time(trace))


def _events_by_time(trace: Trace) -> list[dict[str, Any]]:
    origin = trace.origin_ms
    media = trace.media_s(trace.moves[:, 0])
    rows = [
        {"event": "move", "ms": ms, "media_s": time, "x": x, "y": y}
        for (ms, x, y), time in zip(trace.moves.tolist(), media.tolist(), strict=True)
    ]
    rows += [{"event": "frame", "ms": ms, "media_s": seconds} for ms, seconds in trace.frames.tolist()]
    rows += [{"event": "clock", "ms": ms, "media_s": seconds} for ms, seconds in trace.clock.tolist()]
    rows += [
        {
            "event": event.name,
            "ms": event.ms,
            "media_s": event.seconds,
            "note": None if event.note is None else str(event.note),
        }
        for event in trace.events
    ]
    for row in rows:
        row["wall_s"] = None if origin is None else (origin + row["ms"]) / 1000
    return sorted(rows, key=lambda row: row["ms"])
