"""Decides whether video is interlaced, from the statistics of FFmpeg's filter idet over runs of frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

_MIN_FRAMES = 10  # frames that idet must classify
_MIN_RATIO = 4
_MIN_FIELD_DIFFERENCE = 0.45
_TELECINE = (0.25, 0.7)  # idet calls two to three frames of five interlaced; cuts and still pictures change that


@dataclass(frozen=True)
class FieldStatistics:
    """Classes of frames by idet.

    Args:
        top_first: Frames whose fields show two times, the top field first.
        bottom_first: Frames whose fields show two times, the bottom field first.
        progressive: Frames whose fields show the same time.
        flagged: Frames that are flagged as interlaced.
        field_difference: Difference between the two fields of a frame, as a share of the difference between the top
            fields of neighbouring frames: half or more if the fields show two times and something moves; less in
            progressive frames, whatever their detail; 0 if nothing moves.
    """

    top_first: int = 0
    bottom_first: int = 0
    progressive: int = 0
    flagged: int = 0
    field_difference: float = 0.0

    @property
    def interlaced(self) -> int:
        """Number of frames whose fields show two times."""
        return self.top_first + self.bottom_first

    @property
    def is_interlaced(self) -> bool:
        """Whether nearly all classified frames are interlaced, and fine detail did not mislead idet."""
        return (
            self.field_difference >= _MIN_FIELD_DIFFERENCE
            and self.interlaced >= _MIN_FRAMES
            and self.interlaced >= _MIN_RATIO * self.progressive
        )

    @property
    def is_combed(self) -> bool:
        """Whether most frames are interlaced; for runs that may be short."""
        return self.field_difference >= _MIN_FIELD_DIFFERENCE and self.interlaced > self.progressive

    @property
    def is_progressive(self) -> bool:
        """Whether nearly all classified frames are progressive."""
        return self.progressive >= _MIN_FRAMES and self.progressive >= _MIN_RATIO * self.interlaced

    @property
    def trusts_flags(self) -> bool:
        """Whether flagged frames can be taken for interlaced: not if most frames are flagged, but progressive."""
        return not self.is_progressive or 2 * self.flagged < self.progressive

    @property
    def is_telecine(self) -> bool:
        """Whether about two frames of five are interlaced, as in film on NTSC."""
        classified = self.interlaced + self.progressive
        return classified >= 2 * _MIN_FRAMES and _TELECINE[0] <= self.interlaced / classified <= _TELECINE[1]


def combine(runs: Sequence[FieldStatistics]) -> FieldStatistics:
    """The counts of several runs, added up, and the median of their field differences."""
    return FieldStatistics(
        sum(f.top_first for f in runs),
        sum(f.bottom_first for f in runs),
        sum(f.progressive for f in runs),
        sum(f.flagged for f in runs),
        median([f.field_difference for f in runs if f.field_difference] or [0.0]),
    )
