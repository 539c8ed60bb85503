"""Stretches without a new frame: packets that a damaged file lost, or frames that its encoder left out; said once."""

from __future__ import annotations

from array import array
from fractions import Fraction

import numpy as np

# Two frames or more that are not there; single ones are left out by many encoders and cameras.
_MANY = 2.6
_LONG_S = 1.0
_STEADY_SHARE = 0.97
_NEAR = 0.3


class FrameGaps:
    """Tells gaps between frames by their times alone, because a container does not say what it has lost."""

    def __init__(self) -> None:
        self._starts = array("d")
        self._lengths = array("d")

    def add(self, start: Fraction, end: Fraction) -> None:
        """Takes the next frame, which is on screen in [start, end) seconds."""
        self._starts.append(float(start))
        self._lengths.append(float(end - start))

    @property
    def notes(self) -> tuple[str, ...]:
        """One line, if there are gaps."""
        if len(self._starts) < 2:
            return ()  # a still picture is on screen from start to end
        starts, lengths = np.frombuffer(self._starts), np.frombuffer(self._lengths)
        typical = float(np.median(lengths[:-1]))
        is_steady = np.mean(np.abs(lengths - typical) <= _NEAR * typical) > _STEADY_SHARE
        gaps = np.flatnonzero(lengths > (_MANY * typical if is_steady else max(_LONG_S, _MANY * typical)))
        if not len(gaps):
            return ()
        missing = lengths[gaps].sum() - typical * len(gaps)
        places = "" if len(gaps) == 1 else f" in {len(gaps)} places"
        longest = gaps[np.argmax(lengths[gaps])]
        where = f"longest: {lengths[longest]:.1f} s, from {starts[longest]:.1f} s on"
        return (
            f"no new frame for {missing:.1f} s{places} ({where}), lost or left out by the encoder: the frame before "
            "stays on screen and is measured",
        )
