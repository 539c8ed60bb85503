"""Traces: attempts at a clip, and the batches of events that the page sends while it plays."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from avcues.pipeline.collection.records.raters import note_activity


class IncompleteError(ValueError):
    """Batches of a trace are missing.

    Args:
        missing: Numbers of the missing batches.
    """

    def __init__(self, missing: Sequence[int]) -> None:
        super().__init__(f"{len(missing)} batches are missing")
        self.missing = list(missing)


def begin_attempt(connection: sqlite3.Connection, rater: int, item: int | None, attempt: str) -> bool:
    """Records that a clip or the check of lag begins; a second call with the same id has no effect.

    Args:
        item: The item; None: the check of lag.
        attempt: Id of the attempt.

    Returns:
        Whether the attempt belongs to this rater; otherwise its id is already in use.
    """
    (earlier_attempts,) = connection.execute(
        "SELECT count(*) FROM attempts WHERE rater = ? AND item IS ? AND id != ?", (rater, item, attempt)
    ).fetchone()
    connection.execute(
        "INSERT OR IGNORE INTO attempts VALUES (?, ?, ?, ?, ?)",
        (attempt, rater, item, earlier_attempts + 1, time.time()),
    )
    row = connection.execute("SELECT rater FROM attempts WHERE id = ?", (attempt,)).fetchone()
    return bool(row["rater"] == rater)


def save_batch(connection: sqlite3.Connection, rater: int, attempt: str, number: int, events: str) -> None:
    """Saves a batch, unless it is already saved."""
    connection.execute("INSERT OR IGNORE INTO batches VALUES (?, ?, ?, ?)", (attempt, number, time.time(), events))
    note_activity(connection, rater)


def check_complete(connection: sqlite3.Connection, attempt: str, batches: int) -> None:
    """Checks that all batches of an attempt are saved.

    Raises:
        IncompleteError: Batches are missing.
    """
    rows = connection.execute("SELECT number FROM batches WHERE attempt = ?", (attempt,))
    missing = sorted(set(range(batches)) - {row["number"] for row in rows})
    if missing:
        raise IncompleteError(missing[:100])
