"""Traces: attempts at a clip, and the batches of events that the page sends while it plays."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from avcues.pipeline.collection.records.raters import note_activity


class IncompleteError(ValueError):
    """Batches of a trace are missing.

    Args:
        missing: Their numbers.
    """

    def __init__(self, missing: Sequence[int]) -> None:
        super().__init__(f"{len(missing)} batches are missing")
        self.missing = list(missing)


def begin_attempt(connection: sqlite3.Connection, rater: int, item: int | None, attempt: str) -> bool:
    """Notes that a clip begins to play, or a calibration; again with the same id, it changes nothing.

    Args:
        item: None: it is not about a clip.

    Returns:
        Whether the attempt is this rater's; if not, its id is taken.
    """
    (before,) = connection.execute(
        "SELECT count(*) FROM attempts WHERE rater = ? AND item IS ? AND id != ?", (rater, item, attempt)
    ).fetchone()
    connection.execute(
        "INSERT OR IGNORE INTO attempts VALUES (?, ?, ?, ?, ?)", (attempt, rater, item, before + 1, time.time())
    )
    row = connection.execute("SELECT rater FROM attempts WHERE id = ?", (attempt,)).fetchone()
    return bool(row["rater"] == rater)


def save_batch(connection: sqlite3.Connection, rater: int, attempt: str, number: int, events: str) -> None:
    """Keeps a batch; one that is there already stays as it is."""
    connection.execute("INSERT OR IGNORE INTO batches VALUES (?, ?, ?, ?)", (attempt, number, time.time(), events))
    note_activity(connection, rater)


def check_complete(connection: sqlite3.Connection, attempt: str, batches: int) -> None:
    """Makes sure that all batches of an attempt are there.

    Raises:
        IncompleteError: Batches are missing.
    """
    rows = connection.execute("SELECT number FROM batches WHERE attempt = ?", (attempt,))
    missing = sorted(set(range(batches)) - {row["number"] for row in rows})
    if missing:
        raise IncompleteError(missing[:100])
