"""What a page traced while a clip played, and when each instant of the clip was seen or heard.

Events, as `assets/trace.js` makes them; `ms` is the page's clock:

| event                              | what                                                                  |
|------------------------------------|-----------------------------------------------------------------------|
| `["m", ms, x, y]`                  | pointer, 0..1 rightwards and upwards; x is null on a slider           |
| `["f", ms, shown, seconds, count]` | frame: when it is on screen, its own time, how many were presented    |
| `["c", ms, seconds]`               | the clip's clock                                                      |
| `["e", ms, seconds, name, note]`   | anything else, such as a stall or a hidden tab                        |
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

_LATEST_SHOWN_MS = 250.0
"""A frame said to be shown later than this after its callback is taken to be shown with the callback."""


@dataclass(frozen=True)
class Event:
    """Something that happened, other than movements, frames and the clock."""

    ms: float
    seconds: float | None
    name: str
    note: Any


@dataclass(frozen=True)
class Trace:
    """One attempt at a clip.

    Args:
        moves: (n, 3) page's clock in ms, x and y, 0..1; x is NaN on a slider.
        frames: (n, 2) page's clock in ms at which a frame was shown, and its time in the clip, both ascending.
        clock: (n, 2) page's clock in ms, and the clip's clock, both ascending.
        events: Everything else, in order.
    """

    moves: Values
    frames: Values
    clock: Values
    events: tuple[Event, ...]

    @property
    def origin_ms(self) -> float | None:
        """What the wall clock said, in ms since 1970, at the zero of the page's clock."""
        return next((float(event.note) for event in self.events if event.name == "origin"), None)

    def named(self, *names: str) -> list[Event]:
        """The events of some names."""
        return [event for event in self.events if event.name in names]

    def page_ms(self, seconds: Values) -> Values:
        """When instants of the clip were reached, by the page's clock; NaN: never.

        An instant is reached while its frame is on screen: as long after the frame appeared as the clip says, and never
        after the next frame appeared. Where there is no frame, the clip's own clock tells.

        Args:
            seconds: (n,) instants of the clip.
        """
        # The first frame is on screen before the clip begins to play.
        began = self.moves[0, 0] if len(self.moves) else -np.inf
        return np.maximum(self._reached_ms(seconds), began)

    def _reached_ms(self, seconds: Values) -> Values:
        by_clock = _reached(self.clock, seconds)
        if not len(self.frames):
            return by_clock
        shown, times = self.frames.T
        frame = np.searchsorted(times, seconds + 1e-9, side="right") - 1
        at_least_first = np.maximum(frame, 0)
        ms = shown[at_least_first] + (seconds - times[at_least_first]) * 1000
        following = np.append(shown[1:], np.inf)[at_least_first]
        ms = np.minimum(ms, following)
        before, after = frame < 0, frame == len(times) - 1
        ms = np.where(before & np.isfinite(by_clock), np.minimum(by_clock, shown[0]), ms)
        return np.where(after & np.isfinite(by_clock), np.maximum(by_clock, shown[-1]), ms)

    def media_s(self, ms: Values) -> Values:
        """The instants of the clip at times of the page's clock: that of the frame on screen and what passed since.

        Args:
            ms: (n,) times of the page's clock.
        """
        points = self.frames if len(self.frames) else self.clock
        if not len(points):
            return np.full(len(ms), np.nan)
        at, times = points.T
        index = np.searchsorted(at, ms, side="right") - 1
        at_least_first = np.maximum(index, 0)
        next_times = np.append(times[1:], np.inf)[at_least_first]
        return np.where(
            index < 0, 0.0, np.minimum(times[at_least_first] + (ms - at[at_least_first]) / 1000, next_times)
        )

    def position(self, ms: Values) -> Values:
        """(n, 2) where the pointer was at times of the page's clock; NaN before it was anywhere."""
        index = np.searchsorted(self.moves[:, 0], ms, side="right") - 1
        positions = self.moves[np.maximum(index, 0), 1:] if len(self.moves) else np.full((len(ms), 2), np.nan)
        return np.where((index < 0)[:, None] | ~np.isfinite(ms)[:, None], np.nan, positions)


def read_trace(connection: sqlite3.Connection, attempt: str) -> Trace:
    """The trace of an attempt, from its batches in their order."""
    rows = connection.execute("SELECT events FROM batches WHERE attempt = ? ORDER BY number", (attempt,))
    return parse(event for row in rows for event in json.loads(row["events"]))


def parse(events: Iterable[Sequence[Any]]) -> Trace:
    """The trace that events make up."""
    moves, frames, clock, others = [], [], [], []
    for kind, ms, *rest in events:
        if kind == "m":
            moves.append((ms, np.nan if rest[0] is None else rest[0], rest[1]))
        elif kind == "f":
            shown, seconds, _ = rest
            frames.append((shown if ms - _LATEST_SHOWN_MS < shown < ms + _LATEST_SHOWN_MS else ms, seconds))
        elif kind == "c":
            clock.append((ms, rest[0]))
        else:
            others.append(Event(ms, *rest))
    moved = np.array(moves, np.float64).reshape(-1, 3)
    return Trace(
        moves=moved[np.argsort(moved[:, 0], kind="stable")],
        frames=_ascending(np.array(frames, np.float64).reshape(-1, 2), strictly=True),
        clock=_ascending(np.array(clock, np.float64).reshape(-1, 2), strictly=False),
        events=tuple(others),
    )


def _ascending(points: Values, *, strictly: bool) -> Values:
    """The points without those that go back in the clip, or in time."""
    if not len(points):
        return points
    points = points[np.argsort(points[:, 0], kind="stable")]
    best = np.maximum.accumulate(points[:, 1])
    new = points[1:, 1] > best[:-1] if strictly else points[1:, 1] >= best[:-1]
    return points[np.concatenate([[True], new])]


def _reached(clock: Values, seconds: Values) -> Values:
    """When the clip's clock first reached some instants; between two points it ran evenly."""
    if not len(clock):
        return np.full(len(seconds), np.nan)
    ms, times = clock.T
    index = np.searchsorted(times, seconds, side="left")
    inside = np.clip(index, 1, max(1, len(times) - 1))
    if len(times) == 1:
        return ms[0] + (seconds - times[0]) * 1000
    span = times[inside] - times[inside - 1]
    part = np.divide(seconds - times[inside - 1], span, out=np.ones_like(seconds), where=span > 0)
    between = ms[inside - 1] + part * (ms[inside] - ms[inside - 1])
    late = ms[-1] + (seconds - times[-1]) * 1000
    early = ms[0] + (seconds - times[0]) * 1000
    return np.where(index == 0, early, np.where(index >= len(times), late, between))
