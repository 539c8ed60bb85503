"""Raters: who they are to the study, and what they answered."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Mapping
from typing import Any


class UnknownRaterError(LookupError):
    """No rater has this token; perhaps the data were removed."""


def rater_name(rater: sqlite3.Row | Mapping[str, Any]) -> str:
    """A rater's name in exports, such as "r007"; the raters of a joint round are one."""
    return "joint" if rater["joint"] else f"r{rater['id']:03}"


def by_token(connection: sqlite3.Connection, token: str) -> sqlite3.Row:
    """The rater behind a token.

    Raises:
        UnknownRaterError: There is none.
    """
    row = connection.execute("SELECT * FROM raters WHERE token = ?", (token,)).fetchone()
    if row is None:
        raise UnknownRaterError
    return row


def by_outside_id(connection: sqlite3.Connection, outside: str) -> sqlite3.Row | None:
    """The rater with an id that another site gave; None: there is none yet."""
    return connection.execute("SELECT * FROM raters WHERE outside = ?", (outside,)).fetchone()


def joint_rater(connection: sqlite3.Connection) -> sqlite3.Row | None:
    """The raters of the joint rounds, who count as one; None: they have not begun."""
    return connection.execute("SELECT * FROM raters WHERE joint = 1").fetchone()


def add_rater(connection: sqlite3.Connection, *, joint: bool, outside: str | None, items: int | None) -> sqlite3.Row:
    """Adds a rater, or finds the one with the same id of another site.

    Args:
        items: Clips that the rater gets; None: as many as the design has.
    """
    existing = joint_rater(connection) if joint else by_outside_id(connection, outside) if outside else None
    if existing is not None:
        return existing
    token, now = secrets.token_urlsafe(18), time.time()
    connection.execute(
        "INSERT INTO raters (token, joint, outside, items, joined, last_seen) VALUES (?, ?, ?, ?, ?, ?)",
        (token, joint, outside, items, now, now),
    )
    return by_token(connection, token)


def note_activity(connection: sqlite3.Connection, rater: int) -> None:
    """Notes that a rater is active now."""
    connection.execute("UPDATE raters SET last_seen = ? WHERE id = ?", (time.time(), rater))


def save_answers(connection: sqlite3.Connection, rater: int, page: str, answers: Mapping[str, Any]) -> None:
    """Keeps what a rater answered on a page; the first answers stand."""
    connection.execute(
        "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?)", (rater, page, time.time(), json.dumps(answers))
    )


def answers_of(connection: sqlite3.Connection, rater: int) -> dict[str, dict[str, Any]]:
    """What a rater answered, by page, in order."""
    rows = connection.execute("SELECT page, answers FROM answers WHERE rater = ? ORDER BY answered", (rater,))
    return {row["page"]: json.loads(row["answers"]) for row in rows}
