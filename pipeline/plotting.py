"""Plots columns over the time of a video with Matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.patterns import matches, similar

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_PANELS = 12
_PANEL_INCHES = (9.0, 1.8)


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """A column of a video.

    Args:
        name: `<table>.<column>`.
        unit: Unit of the values.
        start_s: (N,) seconds at which each row begins.
        end_s: (N,) seconds at which each row ends.
        values: (N,) numbers; NaN leaves a gap.
    """

    name: str
    unit: str
    start_s: npt.NDArray[np.float64]
    end_s: npt.NDArray[np.float64]
    values: npt.NDArray[np.floating[Any]]


def choose_names(names: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """The names that match any of the patterns, in their order.

    Raises:
        SettingsError: A pattern matches no name, or the patterns match more names than can be drawn.
    """
    for pattern in patterns:
        if not any(matches(pattern, name) for name in names):
            raise SettingsError(f'there is no numeric column "{pattern}"{similar(pattern, names)}')
    matching = [name for name in names if any(pattern == name or matches(pattern, name) for pattern in patterns)]
    if not 0 < len(matching) <= MAX_PANELS:
        raise SettingsError(f"{len(matching)} columns match; name 1 to {MAX_PANELS}, such as lighting.lighting_key")
    return matching


def curve_of(table: pa.Table, column: str, name: str, unit: str) -> Curve:
    """The curve of a column of a table with the columns `start` and `end` in seconds."""
    values = table[column].cast(pa.float64()).to_numpy(zero_copy_only=False)
    return Curve(name=name, unit=unit, start_s=table["start"].to_numpy(), end_s=table["end"].to_numpy(), values=values)


def plot_curves(curves: Sequence[Curve], title: str) -> list[Axes]:
    """Draws a panel per column, on one time axis; each row is a step from its start to its end."""
    from matplotlib import pyplot

    width, height = _PANEL_INCHES
    _, panels = pyplot.subplots(
        len(curves), 1, sharex=True, squeeze=False, figsize=(width, height * len(curves) + 0.6), layout="constrained"
    )
    axes: list[Axes] = list(panels[:, 0])
    for panel, curve in zip(axes, curves, strict=True):
        panel.stairs(curve.values, np.append(curve.start_s, curve.end_s[-1:]), baseline=None, linewidth=1.2)
        panel.set_title(curve.name, loc="left", fontsize=9)
        panel.set_ylabel("" if curve.unit == "1" else curve.unit)
        panel.grid(alpha=0.3)
    axes[0].figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    axes[-1].set_xlabel("s")
    return axes
