"""What to know of a rater before the ratings are used."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from avcues.pipeline.collection.export.trace import Trace, read_trace
from avcues.pipeline.collection.records.visit import SOUND
from avcues.pipeline.collection.study import Study

_STILL = 0.02
"""Range, of the whole scale, within which a rating counts as unmoved."""
_STALLED_S = 0.5
_DROPPED = 0.1


def flags_of(
    connection: sqlite3.Connection,
    study: Study,
    rater: sqlite3.Row,
    items: Sequence[sqlite3.Row],
    answers: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    """Remarks, one for each kind, with the number of clips that it holds for."""
    flags = []
    if answers.get(SOUND, {}).get("right") is False:
        flags.append("did not count the tones right")
    counts = {"unmoved": 0, "left the page": 0, "stalled": 0, "frames dropped": 0, "begun again": 0}
    rated = [item for item in items if item["done"] is not None and item["kind"] != "practice"]
    for item in rated:
        if item["attempt"] is None:
            continue
        trace = read_trace(connection, item["attempt"])
        counts["unmoved"] += study.design.rating is not None and _unmoved(trace)
        counts["left the page"] += bool(trace.named("hidden", "blur"))
        counts["stalled"] += stalled_s(trace) > _STALLED_S
        counts["frames dropped"] += _dropped(trace) > _DROPPED
        (attempts,) = connection.execute("SELECT count(*) FROM attempts WHERE item = ?", (item["id"],)).fetchone()
        counts["begun again"] += attempts > 1
    return flags + [f"{flag} in {count} of {len(rated)} clips" for flag, count in counts.items() if count]


def stalled_s(trace: Trace) -> float:
    """Seconds that the clip stood still without being paused."""
    total, since, halted = 0.0, None, False
    for event in trace.named("waiting", "playing", "halt", "resume", "ended"):
        if event.name == "waiting" and not halted:
            since = event.ms
        elif since is not None:
            total += (event.ms - since) / 1000
            since = None
        halted = event.name == "halt" or (halted and event.name != "resume")
    return total


def _unmoved(trace: Trace) -> bool:
    if len(trace.moves) < 2:
        return True
    spread = np.nanmax(trace.moves[:, 1:], axis=0, initial=0) - np.nanmin(trace.moves[:, 1:], axis=0, initial=1)
    return bool(spread.max() < _STILL)


def _dropped(trace: Trace) -> float:
    """Share of the frames that the browser dropped."""
    for event in trace.named("frames"):
        shown, dropped = (int(number) for number in str(event.note).split())
        return dropped / max(1, shown)
    return 0.0
