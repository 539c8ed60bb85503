"""The beginning of a shot, as shot detectors report it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CutKind = Literal["cut", "dissolve", "fade"]


@dataclass(frozen=True)
class Cut:
    """The beginning of a shot.

    Args:
        pts: Time stamp of the first frame of the shot.
        kind: Transition from the previous shot.
    """

    pts: int
    kind: CutKind = "cut"
