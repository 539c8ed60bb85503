"""The rule "once per video": a rater gets the least filled cell of a video that the rater has not had.

A cell is a video in a setup. It is filled by completed ratings and by ratings in progress of active raters: raters at
work do not get the same cell, and a rater who leaves blocks none. The seed and the rater decide among equally filled
cells.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable
from functools import lru_cache

Cell = tuple[str, str]
"""A video and a setup."""


def least_filled(
    filled: Counter[Cell], cells: tuple[Cell, ...], rated_videos: Collection[str], *, seed: int, rater: int
) -> Cell | None:
    """The cell that a rater gets next.

    Args:
        filled: By cell, the number of ratings completed or in progress.
        cells: All cells of the round.
        rated_videos: Videos that the rater has had.
        seed: The seed of the study.
        rater: The rater's number.

    Returns:
        The cell; None if the rater has had all videos.
    """
    allowed = [cell for cell in preferences(cells, seed, rater) if cell[0] not in rated_videos]
    # Among equally filled cells, `min` takes the first.
    return min(allowed, key=filled.__getitem__, default=None)


@lru_cache(256)
def preferences(cells: tuple[Cell, ...], seed: int, rater: int) -> tuple[Cell, ...]:
    """All cells in an order that depends on the rater and the seed."""
    return tuple(random.Random(f"{seed}/{rater}/cells").sample(cells, len(cells)))


def ratings_left(filled: Counter[Cell], cells: Iterable[Cell], ratings_per_cell: int, promised: int) -> int:
    """The number of ratings that nobody will give unless another rater comes.

    Args:
        filled: By cell, the number of ratings completed or in progress.
        cells: All cells of the round.
        ratings_per_cell: Ratings wanted for each cell.
        promised: Clips that raters at work will still rate and that fill no cell yet.
    """
    missing = sum(max(0, ratings_per_cell - filled.get(cell, 0)) for cell in cells)
    return max(0, missing - promised)
