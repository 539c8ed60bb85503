"""Whether frames hold two fields of different times, by what idet finds in runs of frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

_DECIDED = 10  # frames that idet must be sure of
_MOSTLY = 4
_APART = 0.45
_TELECINE = (0.25, 0.7)  # idet calls two to three frames of five interlaced; cuts and still pictures change that


@dataclass(frozen=True)
class Fields:
    """What idet finds.

    Args:
        top_first: Frames whose fields are of two times, the top one first.
        bottom_first: The same with the bottom one first.
        progressive: Frames whose fields are of one time.
        flagged: Frames that are flagged as interlaced.
        apart: Difference between the fields of a frame, as a share of that between the same field of two frames: a half
            or more where the fields are of two times and something moves, less in progressive frames, whatever their
            detail; 0 where nothing moves.
    """

    top_first: int = 0
    bottom_first: int = 0
    progressive: int = 0
    flagged: int = 0
    apart: float = 0.0

    @property
    def interlaced(self) -> int:
        return self.top_first + self.bottom_first

    @property
    def is_interlaced(self) -> bool:
        """Whether nearly all frames that idet can tell are interlaced, and fine detail does not deceive it."""
        return self.apart >= _APART and self.interlaced >= _DECIDED and self.interlaced >= _MOSTLY * self.progressive

    @property
    def is_combed(self) -> bool:
        """Whether most frames are interlaced, of a run that may be short."""
        return self.apart >= _APART and self.interlaced > self.progressive

    @property
    def is_progressive(self) -> bool:
        """Whether nearly all frames that idet can tell are progressive."""
        return self.progressive >= _DECIDED and self.progressive >= _MOSTLY * self.interlaced

    @property
    def trusts_flags(self) -> bool:
        """Whether frames that are flagged as interlaced are so: not if most are flagged and none is."""
        return not self.is_progressive or 2 * self.flagged < self.progressive

    @property
    def is_telecine(self) -> bool:
        """Whether about two frames of five are interlaced, as in film on NTSC."""
        decided = self.interlaced + self.progressive
        return decided >= 2 * _DECIDED and _TELECINE[0] <= self.interlaced / decided <= _TELECINE[1]


def together(of_runs: Sequence[Fields]) -> Fields:
    """The sums over several runs."""
    return Fields(
        sum(f.top_first for f in of_runs),
        sum(f.bottom_first for f in of_runs),
        sum(f.progressive for f in of_runs),
        sum(f.flagged for f in of_runs),
        median([f.apart for f in of_runs if f.apart] or [0.0]),
    )
