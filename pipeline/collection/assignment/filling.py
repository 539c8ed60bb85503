"""The rule "once per video": the least filled cell that a rater may still get.

A cell is a video in a setup. It is filled by completed ratings and by those in progress, so that raters who leave
starve no cell and raters at work are not given the same one. Among equally filled cells the seed and the rater decide.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable
from functools import lru_cache

Cell = tuple[str, str]
"""A video and a setup."""


def least_filled(
    filled: Counter[Cell], cells: tuple[Cell, ...], known: Collection[str], *, seed: int, rater: int
) -> Cell | None:
    """The cell that a rater gets next.

    Args:
        filled: Ratings completed or in progress.
        cells: All cells of the round.
        known: Videos that the rater has had.
        seed: Of the study.
        rater: The rater's number.

    Returns:
        None if the rater knows all videos.
    """
    allowed = [cell for cell in preferences(cells, seed, rater) if cell[0] not in known]
    # Of equally filled ones `min` takes the first.
    return min(allowed, key=filled.__getitem__, default=None)


@lru_cache(256)
def preferences(cells: tuple[Cell, ...], seed: int, rater: int) -> tuple[Cell, ...]:
    """All cells in an order of the rater's own, which the seed decides."""
    return tuple(random.Random(f"{seed}/{rater}/cells").sample(cells, len(cells)))


def places_left(filled: Counter[Cell], cells: Iterable[Cell], ratings_per_cell: int, promised: int) -> int:
    """Ratings that nobody will give unless another rater comes.

    Args:
        filled: Ratings completed or in progress.
        ratings_per_cell: Ratings wanted of each cell.
        promised: Clips that raters at work still have before them and that fill no cell yet.
    """
    missing = sum(max(0, ratings_per_cell - filled.get(cell, 0)) for cell in cells)
    return max(0, missing - promised)
