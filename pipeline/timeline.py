"""The half-second grid: exact rational time, and which window, frame and shot belong together.

t = 0 is the earliest presentation time of the selected streams. Window k is [k * step, (k + 1) * step).
Times are `fractions.Fraction` seconds everywhere; floats appear only in finished tables.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

# A stream that ends less than this after a window border gets no further window: codecs round the ends of streams.
END_TOLERANCE = Fraction(1, 1000)
_PACE_S = 5
_LONGEST_NUMBER = 60
_LONG_EXPONENT = re.compile(r"[eE][-+]?\d{4}")


def exact_seconds(text: str) -> Fraction:
    """Parses seconds exactly, such as "0.5" or "1/2"; `Fraction` alone takes hours for "1e999999999".

    Raises:
        ValueError: The text is not a number, or has more digits than a time can have.
    """
    if len(text) > _LONGEST_NUMBER or _LONG_EXPONENT.search(text):
        raise ValueError(f"{text[:_LONGEST_NUMBER]} is not a number of seconds")
    try:
        return Fraction(text)
    except ZeroDivisionError:
        raise ValueError(f"{text} divides by zero") from None


@dataclass(frozen=True)
class Grid:
    """Windows of `step` seconds from t = 0 on."""

    step: Fraction

    def count(self, end: Fraction) -> int:
        """Number of windows of a video whose last covered instant is `end`; at least 1."""
        return max(1, math.ceil((end - END_TOLERANCE) / self.step))

    def starting_in(self, start: Fraction, end: Fraction) -> range:
        """Windows whose first instant lies in [start, end)."""
        return range(max(0, math.ceil(start / self.step)), max(0, math.ceil(end / self.step)))

    def edges(self, windows: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Start and end of each window in float seconds, each the float nearest to the exact value."""
        edges = np.array([float(k * self.step) for k in range(windows + 1)])
        return edges[:-1], edges[1:]


@dataclass(frozen=True)
class Shot:
    """Frames from one cut to the next: [start, end) seconds.

    Args:
        start: Start in seconds.
        end: End in seconds.
        frames: Number of frames.
        kind: Transition from the preceding shot: "cut", "dissolve" or "fade"; None for the first shot.
    """

    start: Fraction
    end: Fraction
    frames: int
    kind: str | None = None


def shot_of_windows(shots: Sequence[Shot], grid: Grid, windows: int) -> npt.NDArray[np.int32]:
    """(windows,) index of the shot on screen at the start of each window; -1 without a shot."""
    starts = [shot.start for shot in shots]
    shot_of_window = np.full(windows, -1, np.int32)
    for window in range(windows):
        shot = bisect_right(starts, window * grid.step) - 1
        if shot >= 0 and window * grid.step < shots[shot].end:
            shot_of_window[window] = shot
    return shot_of_window


def since_cut(shots: Sequence[Shot], shot_of_window: npt.NDArray[np.int32], grid: Grid) -> npt.NDArray[np.float64]:
    """(windows,) seconds from the start of its shot to the start of each window; NaN without a shot."""
    return np.array([float(k * grid.step - shots[i].start) if i >= 0 else np.nan for k, i in enumerate(shot_of_window)])


def cuts_around(shots: Sequence[Shot], grid: Grid, windows: int) -> npt.NDArray[np.int16]:
    """(windows,) shots, without the first, that begin in [t - 5 s, t + 5 s) around the start t of each window."""
    cuts = [shot.start for shot in shots[1:]]
    starts = [k * grid.step for k in range(windows)]
    return np.array([bisect_left(cuts, t + _PACE_S) - bisect_left(cuts, t - _PACE_S) for t in starts], np.int16)


def coverage(spans: Sequence[tuple[Fraction, Fraction]], grid: Grid, windows: int) -> npt.NDArray[np.float32]:
    """(windows,) share of each window, 0..1, that the given disjoint [start, end) spans cover."""
    covered = [Fraction(0)] * windows
    for start, end in spans:
        first = max(0, math.floor(start / grid.step))
        last = min(windows, math.ceil(end / grid.step))
        for k in range(first, last):
            covered[k] += min(end, (k + 1) * grid.step) - max(start, k * grid.step)
    return np.array([float(c / grid.step) for c in covered], np.float32)


def united(spans: Sequence[tuple[Fraction, Fraction]]) -> list[tuple[Fraction, Fraction]]:
    """Merges [start, end) spans to disjoint spans, in order, with the same coverage."""
    disjoint: list[tuple[Fraction, Fraction]] = []
    for start, end in sorted(spans):
        if disjoint and start <= disjoint[-1][1]:
            disjoint[-1] = (disjoint[-1][0], max(end, disjoint[-1][1]))
        else:
            disjoint.append((start, end))
    return disjoint
