"""Raters of a study, and their answers."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

from avcues.pipeline.collection.records.stored import ANSWERS, parse_stored


class UnknownRaterError(LookupError):
    """No rater has this token; the data may have been removed."""


def rater_name(rater: sqlite3.Row | Mapping[str, Any]) -> str:
    """A rater's name in exports, such as "r007"; the raters of a joint round count as one rater."""
    return "joint" if rater["joint"] else f"r{rater['id']:03}"


def rater_by_token(connection: sqlite3.Connection, token: str) -> sqlite3.Row:
    """The rater with a token.

    Raises:
        UnknownRaterError: There is no such rater.
    """
    row = connection.execute("SELECT * FROM raters WHERE token = ?", (token,)).fetchone()
    if row is None:
        raise UnknownRaterError
    return row


def rater_by_outside_id(connection: sqlite3.Connection, outside_id: str) -> sqlite3.Row | None:
    """The rater with an id of another site; None if there is none yet."""
    return connection.execute("SELECT * FROM raters WHERE outside_id = ?", (outside_id,)).fetchone()


def joint_rater(connection: sqlite3.Connection) -> sqlite3.Row | None:
    """The single rater of the joint rounds; None if they have not begun."""
    return connection.execute("SELECT * FROM raters WHERE joint = 1").fetchone()


def add_rater(connection: sqlite3.Connection, *, joint: bool, outside_id: str | None, items: int | None) -> sqlite3.Row:
    """Adds a rater, or returns the existing rater with the same id of another site.

    Args:
        joint: Whether the rater stands for the raters of joint rounds.
        outside_id: Id of the rater on another site.
        items: Number of clips of the rater; None: all clips of the design.
    """
    existing = joint_rater(connection) if joint else rater_by_outside_id(connection, outside_id) if outside_id else None
    if existing is not None:
        return existing
    token, now = secrets.token_urlsafe(18), time.time()
    connection.execute(
        "INSERT INTO raters (token, joint, outside_id, items, joined, last_seen) VALUES (?, ?, ?, ?, ?, ?)",
        (token, joint, outside_id, items, now, now),
    )
    return rater_by_token(connection, token)


def note_activity(connection: sqlite3.Connection, rater: int) -> None:
    """Records that a rater is active now."""
    connection.execute("UPDATE raters SET last_seen = ? WHERE id = ?", (time.time(), rater))


def save_answers(connection: sqlite3.Connection, rater: int, page: str, answers: Mapping[str, Any]) -> None:
    """Saves a rater's answers on a page; only the first call for a page has an effect."""
    connection.execute(
        "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?)", (rater, page, time.time(), json.dumps(answers))
    )


def answers_of(connection: sqlite3.Connection, rater: int) -> dict[str, dict[str, Any]]:
    """The answers of a rater by page, in the order of time."""
    rows = connection.execute("SELECT page, answers FROM answers WHERE rater = ? ORDER BY answered", (rater,))
    return {row["page"]: parse_stored(row["answers"], ANSWERS) for row in rows}
