"""Reports stretches without a new frame: a damaged file lost packets, or the encoder left frames out."""

from __future__ import annotations

from array import array
from fractions import Fraction

import numpy as np

# In units of the typical frame: at least two frames are missing. Many encoders and cameras leave out single frames.
_MIN_GAP_RATIO = 2.6
_MIN_UNSTEADY_GAP_S = 1.0
# A steady video has at least this share of frames whose length differs from the typical one by at most this ratio.
_STEADY_SHARE = 0.97
_STEADY_TOLERANCE = 0.3


class FrameGaps:
    """Finds gaps from the times of frames alone, because a container does not say what it has lost."""

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
        typical_s = float(np.median(lengths[:-1]))
        is_steady = np.mean(np.abs(lengths - typical_s) <= _STEADY_TOLERANCE * typical_s) > _STEADY_SHARE
        min_gap_s = max(_MIN_GAP_RATIO * typical_s, 0 if is_steady else _MIN_UNSTEADY_GAP_S)
        gaps = np.flatnonzero(lengths > min_gap_s)
        if not len(gaps):
            return ()
        missing_s = lengths[gaps].sum() - typical_s * len(gaps)
        places = "" if len(gaps) == 1 else f" in {len(gaps)} places"
        longest = gaps[np.argmax(lengths[gaps])]
        return (
            f"no new frame for {missing_s:.1f} s{places} (longest: {lengths[longest]:.1f} s, from "
            f"{starts[longest]:.1f} s on), lost or left out by the encoder: the frame before stays on screen and is "
            "measured",
        )
