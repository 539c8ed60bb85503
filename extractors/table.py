"""Declarations of tables: their kind of row, and their columns with units, meanings and ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy.typing as npt

DType = Literal["float32", "float64", "int16", "int32", "bool", "string"]
RowKind = Literal["window", "item", "shot"]
Columns = Mapping[str, npt.NDArray[Any]]
"""Column name to a 1-D array; all arrays of one table have the same length."""

FRAME = "frame"
"""Reserved column of item tables: position within the batch of the frame that each item belongs to."""
WINDOW = "window"
"""Reserved column of item tables made from a transcript: the window of each item."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One measured quantity, as documented in every table that holds it.

    Args:
        name: Name of the column.
        unit: SI unit, "probability", "fraction", "count", "px", ..., or "1" for a plain number.
        meaning: One-line description.
        dtype: Type of the values.
        low: Smallest possible value, None if unbounded.
        high: Largest possible value, None if unbounded.
    """

    name: str
    unit: str
    meaning: str
    dtype: DType = "float32"
    low: float | None = None
    high: float | None = None

    @property
    def range_text(self) -> str:
        """The range of possible values, such as "0 to 1"; empty without bounds."""
        if self.low is None and self.high is None:
            return ""
        if self.high is None:
            return f"{self.low:g} or more"
        return f"up to {self.high:g}" if self.low is None else f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table's name, what one row is, and its feature columns (the key columns are added by the pipeline).

    Args:
        name: Name of the table.
        row: "window" (one row per half second), "item" (any number per half second: faces, boxes), "shot".
        columns: Feature columns, in order.
        sums_to_one: Groups of columns that sum to 1 wherever they are not null.
    """

    name: str
    row: RowKind
    columns: tuple[Column, ...]
    sums_to_one: tuple[tuple[str, ...], ...] = ()


FRAME_SIZE = (
    Column(name="frame_width", unit="px", meaning="width of the frame, upright, square pixels", dtype="int32", low=1),
    Column(name="frame_height", unit="px", meaning="height of the frame", dtype="int32", low=1),
)
"""Columns of item tables whose boxes are in pixels of the frame."""
