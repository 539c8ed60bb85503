"""Where ratings come from: files and rows, for messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.integer]


@dataclass(frozen=True, kw_only=True)
class Source:
    """The file that consecutive ratings come from.

    Args:
        name: Name of the file.
        ratings: Number of ratings.
        rows: (ratings,) row of each rating in the file, counted from 1 below the header; None: one row per rating.
    """

    name: str
    ratings: int
    rows: Rows | None = None


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The files that all ratings come from, for messages.

    Args:
        name: Name of all sources together.
        parts: Sources in the order of the ratings.
    """

    name: str
    parts: Sequence[Source]

    def row(self, rating: int, after: int | None = None) -> str:
        """The row of a rating, such as "file.csv: row 3"; the file is left out if the rating `after` is in it."""
        file, row = self._source_and_row(rating)
        is_same_file = after is not None and self._source_and_row(after)[0] is file
        return f"row {row}" if is_same_file else f"{file.name}: row {row}"

    def first(self, mask: Mask) -> str:
        """The row of the first rating for which a mask is true."""
        return self.row(int(np.argmax(mask)))

    def two_rows(self, first: int, second: int) -> str:
        """The rows of two ratings."""
        (file, row), (other_file, other_row) = self._source_and_row(first), self._source_and_row(second)
        if file is other_file:
            return f"{file.name}: rows {row} and {other_row}"
        return f"{file.name}: row {row} and {other_file.name}: row {other_row}"

    def _source_and_row(self, rating: int) -> tuple[Source, int]:
        for part in self.parts:
            if rating < part.ratings:
                return part, rating + 1 if part.rows is None else int(part.rows[rating])
            rating -= part.ratings
        raise IndexError(rating)
