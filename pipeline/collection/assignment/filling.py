"""The rule "once per video": the least filled cell that a rater may still get.

A cell is a video in a setup. It is filled by completed ratings and by those in progress, so that raters who leave
starve no cell and raters at work are not given the same one. Among equally filled cells the seed and the rater decide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping

Cell = tuple[str, str]
"""A video and a setup."""


def least_filled(
    filled: Mapping[Cell, int], videos: Iterable[str], setups: Collection[str], *, seed: int, rater: int
) -> Cell | None:
    """The cell that a rater gets next.

    Args:
        filled: Ratings completed or in progress; cells that are not named have none.
        videos: Those that the rater may get.
        seed: Of the study.
        rater: The rater's number.

    Returns:
        None if there is no video.
    """
    cells = ((video, setup) for video in videos for setup in setups)
    return min(cells, key=lambda cell: (filled.get(cell, 0), _rank(seed, rater, cell)), default=None)


def places_left(filled: Mapping[Cell, int], cells: Iterable[Cell], wanted: int, promised: int) -> int:
    """Ratings that nobody will give unless another rater comes.

    Args:
        filled: Ratings completed or in progress.
        wanted: Ratings wanted of each cell.
        promised: Clips that raters at work still have before them and that fill no cell yet.
    """
    missing = sum(max(0, wanted - filled.get(cell, 0)) for cell in cells)
    return max(0, missing - promised)


def _rank(seed: int, rater: int, cell: Cell) -> bytes:
    return hashlib.blake2b("\0".join((str(seed), str(rater), *cell)).encode(), digest_size=8).digest()
