"""Detects ratings over time that are logs of changes: entries only where the rater moved, at irregular times."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from avcues.pipeline.annotations.ratings.keys import codes, combined, is_in, starts
from avcues.pipeline.annotations.ratings.schema import Annotations

_FEWEST_ENTRIES = 4
_UNEVEN = 3.0
"""In a log, the 90th percentile of pauses is at least this many times the 10th."""
_REPEATS = 0.01
"""Highest share of entries of a log that repeat the value before."""
_SHARE = 0.5
"""A dimension is noted if more than this share of its series look like logs."""


def change_log_notes(annotations: Annotations) -> list[str]:
    """A note for each dimension whose series look like logs of changes but are not read as logs."""
    notes = []
    for dimension in annotations.numeric():
        if dimension.hold:
            continue
        ratings = annotations.ratings
        rows = np.flatnonzero(is_in(ratings["dimension"], [dimension.name]) & ratings["time"].is_valid().to_numpy())
        if not len(rows):
            continue
        part = ratings.take(rows)
        names = {name: part[name].unique().to_pylist() for name in ("rater", "video_id", "setup", "round")}
        key = combined((codes(part[name], words), len(words)) for name, words in names.items())
        time, value = part["time"].to_numpy(), part["value"].to_numpy()
        order = np.lexsort((time, key))
        key, time, value = key[order], time[order], value[order]
        edges = np.append(starts(key), len(key))
        logs = [_is_log(time[a:b], value[a:b]) for a, b in pairwise(edges)]
        logged = [log for log in logs if log is not None]
        if logged and np.mean(logged) > _SHARE:
            pauses = np.diff(time)[key[1:] == key[:-1]]
            notes.append(
                f"{dimension.name} looks like a log of changes (values hardly ever repeat, pauses of "
                f"{np.percentile(pauses, 5):.2g} to {np.percentile(pauses, 95):.2g} s): if a value holds until the "
                "next one, import the ratings again with `hold`"
            )
    return notes


def _is_log(time: np.ndarray, value: np.ndarray) -> bool | None:
    """Whether one series looks like a log; None: it is too short to tell."""
    if len(time) < _FEWEST_ENTRIES:
        return None
    pauses = np.diff(time)
    short, long = np.percentile(pauses, (10, 90))
    return bool(long >= _UNEVEN * max(short, 1e-3) and np.mean(np.diff(value) == 0) <= _REPEATS)
