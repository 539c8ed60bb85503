"""The trace of a page while a clip plays, and when each instant of the clip was seen or heard.

Events, as `assets/trace.js` records them; `ms` is the clock of the page:

| event                              | meaning                                                               |
|------------------------------------|-----------------------------------------------------------------------|
| `["m", ms, x, y]`                  | pointer, 0..1 rightwards and upwards; x is null on a slider           |
| `["f", ms, shown, seconds, count]` | frame: when it was shown, its own time, number of frames shown so far |
| `["c", ms, seconds]`               | the clock of the clip                                                 |
| `["e", ms, seconds, name, note]`   | anything else, such as a stall or a hidden tab                        |
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.pipeline.collection.records.stored import EVENTS, parse_stored

Values = npt.NDArray[np.float64]

_MAX_SHOWN_DELAY_MS = 250.0
"""If the reported time of a frame is further than this from that of its callback, the callback's time is used."""


@dataclass(frozen=True)
class Event:
    """An event other than movements, frames and the clock."""

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
        """Wall-clock time, in ms since 1970, at the zero of the page's clock; None if unknown."""
        return next((float(event.note) for event in self.events if event.name == "origin"), None)

    def named(self, *names: str) -> list[Event]:
        """The events with these names."""
        return [event for event in self.events if event.name in names]

    def page_ms(self, seconds: Values) -> Values:
        """(n,) times of the page's clock, in ms, at which instants of the clip were reached; NaN: never.

        An instant is reached as long after its frame appeared as it lies after the frame's own time, but no later than
        the next frame appeared. Without frames, the clip's clock decides.

        Args:
            seconds: (n,) instants of the clip.
        """
        # The first frame is on screen before the clip begins to play.
        start_ms = self.moves[0, 0] if len(self.moves) else -np.inf
        return np.maximum(self._reached_ms(seconds), start_ms)

    def _reached_ms(self, seconds: Values) -> Values:
        by_clock = _reached_by_clock(self.clock, seconds)
        if not len(self.frames):
            return by_clock
        shown_ms, times = self.frames.T
        frame = np.searchsorted(times, seconds + 1e-9, side="right") - 1
        at_least_first = np.maximum(frame, 0)
        ms = shown_ms[at_least_first] + (seconds - times[at_least_first]) * 1000
        next_shown_ms = np.append(shown_ms[1:], np.inf)[at_least_first]
        ms = np.minimum(ms, next_shown_ms)
        is_before_first, is_after_last = frame < 0, frame == len(times) - 1
        ms = np.where(is_before_first & np.isfinite(by_clock), np.minimum(by_clock, shown_ms[0]), ms)
        return np.where(is_after_last & np.isfinite(by_clock), np.maximum(by_clock, shown_ms[-1]), ms)

    def media_s(self, ms: Values) -> Values:
        """(n,) instants of the clip, in seconds, at times of the page's clock.

        An instant is the own time of the frame on screen plus the time since it appeared.

        Args:
            ms: (n,) times of the page's clock.
        """
        points = self.frames if len(self.frames) else self.clock
        if not len(points):
            return np.full(len(ms), np.nan)
        page_times, times = points.T
        index = np.searchsorted(page_times, ms, side="right") - 1
        at_least_first = np.maximum(index, 0)
        next_times = np.append(times[1:], np.inf)[at_least_first]
        return np.where(
            index < 0, 0.0, np.minimum(times[at_least_first] + (ms - page_times[at_least_first]) / 1000, next_times)
        )

    def position(self, ms: Values) -> Values:
        """(n, 2) positions of the pointer at times of the page's clock; NaN before its first position."""
        index = np.searchsorted(self.moves[:, 0], ms, side="right") - 1
        positions = self.moves[np.maximum(index, 0), 1:] if len(self.moves) else np.full((len(ms), 2), np.nan)
        return np.where((index < 0)[:, None] | ~np.isfinite(ms)[:, None], np.nan, positions)


def read_trace(connection: sqlite3.Connection, attempt: str) -> Trace:
    """Reads the trace of an attempt from its batches, in order."""
    rows = connection.execute("SELECT events FROM batches WHERE attempt = ? ORDER BY number", (attempt,))
    return parse_events(event for row in rows for event in parse_stored(row["events"], EVENTS))


def parse_events(events: Iterable[Sequence[Any]]) -> Trace:
    """Makes a trace from events."""
    moves, frames, clock, other_events = [], [], [], []
    for kind, ms, *fields in events:
        if kind == "m":
            moves.append((ms, np.nan if fields[0] is None else fields[0], fields[1]))
        elif kind == "f":
            shown_ms, seconds, _ = fields
            is_near = shown_ms is not None and abs(shown_ms - ms) < _MAX_SHOWN_DELAY_MS
            frames.append((shown_ms if is_near else ms, seconds))
        elif kind == "c":
            clock.append((ms, fields[0]))
        else:
            other_events.append(Event(ms, *fields))
    move_table = np.array(moves, np.float64).reshape(-1, 3)
    return Trace(
        moves=move_table[np.argsort(move_table[:, 0], kind="stable")],
        frames=_ascending(np.array(frames, np.float64).reshape(-1, 2), strictly=True),
        clock=_ascending(np.array(clock, np.float64).reshape(-1, 2), strictly=False),
        events=tuple(other_events),
    )


def _ascending(points: Values, *, strictly: bool) -> Values:
    """Sorts points by the page's clock, and removes those that go back in the clip."""
    if not len(points):
        return points
    points = points[np.argsort(points[:, 0], kind="stable")]
    latest = np.maximum.accumulate(points[:, 1])
    is_ascending = points[1:, 1] > latest[:-1] if strictly else points[1:, 1] >= latest[:-1]
    return points[np.concatenate([[True], is_ascending])]


def _reached_by_clock(clock: Values, seconds: Values) -> Values:
    """(n,) times of the page's clock at which the clip's clock first reached some instants, interpolated linearly."""
    if not len(clock):
        return np.full(len(seconds), np.nan)
    ms, times = clock.T
    index = np.searchsorted(times, seconds, side="left")
    upper = np.clip(index, 1, max(1, len(times) - 1))
    if len(times) == 1:
        return ms[0] + (seconds - times[0]) * 1000
    span = times[upper] - times[upper - 1]
    fraction_of_span = np.divide(seconds - times[upper - 1], span, out=np.ones_like(seconds), where=span > 0)
    interpolated = ms[upper - 1] + fraction_of_span * (ms[upper] - ms[upper - 1])
    after_last = ms[-1] + (seconds - times[-1]) * 1000
    before_first = ms[0] + (seconds - times[0]) * 1000
    return np.where(index == 0, before_first, np.where(index >= len(times), after_last, interpolated))
