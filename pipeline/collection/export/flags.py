"""Quality flags of raters."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from avcues.pipeline.collection.export.trace import Trace, read_trace
from avcues.pipeline.collection.records.visit import SOUND
from avcues.pipeline.collection.study import Study

_UNMOVED_RANGE = 0.02
"""A rating that stays within this share of the scale is unmoved."""
_MAX_STALLED_S = 0.5
_MAX_DROPPED_SHARE = 0.1


def flags_of(
    connection: sqlite3.Connection,
    study: Study,
    rater: sqlite3.Row,
    items: Sequence[sqlite3.Row],
    answers: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    """The quality flags of a rater, each with the number of clips to which it applies."""
    flags = []
    if answers.get(SOUND, {}).get("right") is False:
        flags.append("counted the tones wrong")
    counts = {"unmoved": 0, "left the page": 0, "stalled": 0, "frames dropped": 0, "restarted": 0}
    rated = [item for item in items if item["done"] is not None and item["kind"] != "practice"]
    for item in rated:
        if item["attempt"] is None:
            continue
        trace = read_trace(connection, item["attempt"])
        counts["unmoved"] += study.design.rating is not None and _unmoved(trace)
        counts["left the page"] += bool(trace.named("hidden", "blur"))
        counts["stalled"] += stalled_s(trace) > _MAX_STALLED_S
        counts["frames dropped"] += _dropped_share(trace) > _MAX_DROPPED_SHARE
        (attempts,) = connection.execute("SELECT count(*) FROM attempts WHERE item = ?", (item["id"],)).fetchone()
        counts["restarted"] += attempts > 1
    return flags + [f"{flag} in {count} of {len(rated)} clips" for flag, count in counts.items() if count]


def stalled_s(trace: Trace) -> float:
    """Seconds for which the clip stood still without being paused."""
    total_s, stalled_since_ms, is_paused = 0.0, None, False
    for event in trace.named("waiting", "playing", "halt", "resume", "ended"):
        if event.name == "waiting" and not is_paused:
            stalled_since_ms = event.ms
        elif stalled_since_ms is not None:
            total_s += (event.ms - stalled_since_ms) / 1000
            stalled_since_ms = None
        is_paused = event.name == "halt" or (is_paused and event.name != "resume")
    return total_s


def _unmoved(trace: Trace) -> bool:
    if len(trace.moves) < 2:
        return True
    spread = np.nanmax(trace.moves[:, 1:], axis=0, initial=0) - np.nanmin(trace.moves[:, 1:], axis=0, initial=1)
    return bool(spread.max() < _UNMOVED_RANGE)


def _dropped_share(trace: Trace) -> float:
    """Share of the frames that the browser dropped."""
    for event in trace.named("frames"):
        shown_frames, dropped_frames = (int(number) for number in str(event.note).split())
        return dropped_frames / max(1, shown_frames)
    return 0.0
