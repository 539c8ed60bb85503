"""Scaling that is fitted on training videos; it also fills missing values and drops constant columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from avcues.pipeline.training.samples import PRESENT

_COLUMNS_AT_ONCE = 64  # so that their float64 copy stays small


class ScaledColumn(Protocol):
    """The name of a column and the numbers that scale it."""

    @property
    def name(self) -> str: ...
    @property
    def centre(self) -> float: ...
    @property
    def scale(self) -> float: ...
    @property
    def fill(self) -> float: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaler:
    """(value - centre) / scale of every column that is not constant.

    Args:
        columns: Names of the K columns that vary.
        centre: (K,) the value that becomes 0.
        scale: (K,) the divisor, above 0.
        fill: (K,) the scaled value that replaces a missing one: the mean of the training videos.
        constant_columns: Columns that are left out: they have at most one value in the training videos.
    """

    columns: tuple[str, ...]
    centre: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    fill: npt.NDArray[np.float64]
    constant_columns: tuple[str, ...] = ()

    def apply(self, values: npt.NDArray[np.float32], columns: Sequence[str]) -> npt.NDArray[np.float32]:
        """(rows, K) float32 scaled values without NaN, from (rows, columns) values."""
        index_of_column = {name: i for i, name in enumerate(columns)}
        scaled = np.empty((len(values), len(self.columns)), np.float32)
        for first in range(0, len(self.columns), _COLUMNS_AT_ONCE):
            block = slice(first, first + _COLUMNS_AT_ONCE)
            block_values = values[:, [index_of_column[name] for name in self.columns[block]]].astype(np.float64)
            block_values = (block_values - self.centre[block]) / self.scale[block]
            scaled[:, block] = np.where(np.isnan(block_values), self.fill[block], block_values)
        return scaled

    def document(self) -> list[dict[str, Any]]:
        """The scaler as JSON values, without rounding."""
        numbers = (self.centre.tolist(), self.scale.tolist(), self.fill.tolist())
        return [
            {"name": name, "centre": centre, "scale": scale, "fill": fill}
            for name, centre, scale, fill in zip(self.columns, *numbers, strict=True)
        ]

    @classmethod
    def from_document(cls, columns: Sequence[ScaledColumn]) -> Scaler:
        """Restores a scaler from the document of a saved model."""
        return cls(
            columns=tuple(column.name for column in columns),
            centre=np.array([column.centre for column in columns]),
            scale=np.array([column.scale for column in columns]),
            fill=np.array([column.fill for column in columns]),
        )


def fit_scaler(
    values: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int64],
    columns: Sequence[str],
    kind: Literal["standard", "minmax"],
) -> Scaler:
    """Fits a scaler to some rows of (rows, columns) values, without the missing ones.

    Constant columns of `PRESENT` (no value or every value is missing) are dropped silently.
    """
    centre, scale, mean = (np.zeros(len(columns)) for _ in range(3))
    for first in range(0, len(columns), _COLUMNS_AT_ONCE):
        block = slice(first, first + _COLUMNS_AT_ONCE)
        block_values = values[rows, block].astype(np.float64)
        present = ~np.isnan(block_values)
        count = np.maximum(1, present.sum(axis=0))
        low = np.where(present, block_values, np.inf).min(axis=0, initial=np.inf)
        high = np.where(present, block_values, -np.inf).max(axis=0, initial=-np.inf)
        mean[block] = np.where(present, block_values, 0).sum(axis=0) / count
        spread = np.where(present, block_values - mean[block], 0)
        varies = high > low
        deviation = np.sqrt((spread**2).sum(axis=0) / count)
        centre[block] = np.where(varies, low, 0) if kind == "minmax" else mean[block]
        scale[block] = np.where(varies, high - low if kind == "minmax" else deviation, 0)
    has_spread = scale > 0
    constant_columns = [name for name, varies in zip(columns, has_spread, strict=True) if not varies]
    return Scaler(
        columns=tuple(name for name, varies in zip(columns, has_spread, strict=True) if varies),
        centre=centre[has_spread],
        scale=scale[has_spread],
        fill=(mean[has_spread] - centre[has_spread]) / scale[has_spread],
        constant_columns=tuple(name for name in constant_columns if not name.endswith(f".{PRESENT}")),
    )
