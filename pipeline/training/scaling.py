"""Scaling that is fitted on training videos: it also decides what missing values become, and what is constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from avcues.pipeline.training.samples import PRESENT

_AT_A_TIME = 64  # columns, so that the float64 copy of them stays small


class ScaledColumn(Protocol):
    """A column with the numbers that scale it."""

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
        columns: Names of the (K,) columns that are kept.
        centre: (K,).
        scale: (K,), above 0.
        fill: (K,) what a missing value becomes: the scaled mean of the training videos.
        constant: Columns that have one value, or none, in the training videos, and are left out.
    """

    columns: tuple[str, ...]
    centre: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    fill: npt.NDArray[np.float64]
    constant: tuple[str, ...] = ()

    def apply(self, values: npt.NDArray[np.float32], columns: Sequence[str]) -> npt.NDArray[np.float32]:
        """(rows, K) float32 without NaN, of (rows, columns) values."""
        place = {name: i for i, name in enumerate(columns)}
        scaled = np.empty((len(values), len(self.columns)), np.float32)
        for first in range(0, len(self.columns), _AT_A_TIME):
            block = slice(first, first + _AT_A_TIME)
            block_values = values[:, [place[name] for name in self.columns[block]]].astype(np.float64)
            block_values = (block_values - self.centre[block]) / self.scale[block]
            scaled[:, block] = np.where(np.isnan(block_values), self.fill[block], block_values)
        return scaled

    def document(self) -> list[dict[str, Any]]:
        """As JSON values, exactly."""
        numbers = (self.centre.tolist(), self.scale.tolist(), self.fill.tolist())
        return [
            {"name": name, "centre": centre, "scale": scale, "fill": fill}
            for name, centre, scale, fill in zip(self.columns, *numbers, strict=True)
        ]

    @classmethod
    def of_columns(cls, columns: Sequence[ScaledColumn]) -> Scaler:
        """The scaler of some columns, as a saved model describes them."""
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
    """Fits to some rows of (rows, columns) values; missing ones do not count.

    Columns of `PRESENT` that are constant, because nothing is missing or everything, are left out silently.
    """
    centre, scale, mean = (np.zeros(len(columns)) for _ in range(3))
    for first in range(0, len(columns), _AT_A_TIME):
        block = slice(first, first + _AT_A_TIME)
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
    constant = [name for name, varies in zip(columns, has_spread, strict=True) if not varies]
    return Scaler(
        columns=tuple(name for name, varies in zip(columns, has_spread, strict=True) if varies),
        centre=centre[has_spread],
        scale=scale[has_spread],
        fill=(mean[has_spread] - centre[has_spread]) / scale[has_spread],
        constant=tuple(name for name in constant if not name.endswith(f".{PRESENT}")),
    )
