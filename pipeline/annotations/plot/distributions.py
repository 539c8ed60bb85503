"""How ratings are distributed in each setup."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.annotations.results import NotShownError, Results
from avcues.pipeline.paper.figure import PaperFigure
from avcues.pipeline.paper.style import COLUMN_INCHES, PAGE_INCHES, in_style, new_figure, setup_colors, shortened
from avcues.pipeline.paper.table import decimal

Values = npt.NDArray[np.float64]

_BINS = 24
_MOST_CATEGORIES = 11
_PANEL_INCHES = 0.95


def rating_distribution(results: Results, dimensions: Collection[str] | None = None) -> PaperFigure:
    """The distribution of ratings in each setup, with its mean.

    For ratings over time, every window of every rater is one rating. After Figure 2 of Chua et al. 2022.

    Args:
        dimensions: Rated in numbers; None: all of them.

    Raises:
        NotShownError: Nothing is rated in numbers.
    """
    names = list(results.numeric() if dimensions is None else dimensions)
    setups = results.annotations.setups
    values = {(name, setup): setup_values for name in names for setup, setup_values in _values(results, name).items()}
    names = [name for name in names if any((name, setup) in values for setup in setups)]
    if not names:
        raise NotShownError("no series of ratings can be used")
    rows: list[tuple[str, str, float, float, int, float, float]] = []
    with in_style():
        width = COLUMN_INCHES if len(names) == 1 else PAGE_INCHES
        figure = new_figure(width, 0.55 + _PANEL_INCHES * len(setups))
        panels = figure.subplots(len(setups), len(names), squeeze=False, sharex="col", sharey="col")
        colors = setup_colors(setups)
        for j, name in enumerate(names):
            edges = _edges(
                results.annotations.dimension(name), [values[name, s] for s in setups if (name, s) in values]
            )
            for i, setup in enumerate(setups):
                panel, setup_values = panels[i, j], values.get((name, setup), np.zeros(0))
                if not i:
                    panel.set_title(name)
                if not j:
                    panel.set_ylabel(shortened(setup))
                panel.yaxis.set_major_locator(_two_ticks())
                if not len(setup_values):
                    panel.text(0.5, 0.5, "not rated", transform=panel.transAxes, ha="center", va="center")
                    continue
                counts = np.histogram(setup_values, edges)[0]
                mean = float(setup_values.mean())
                panel.stairs(100 * counts / len(setup_values), edges, fill=True, color=colors[setup], alpha=0.75)
                panel.axvline(mean, color="black", linewidth=1)
                label_left = mean > (edges[0] + edges[-1]) / 2
                panel.text(
                    *(mean, 0.97, f"  mean {decimal(mean, 2)}  "),
                    transform=panel.get_xaxis_transform(),
                    ha="right" if label_left else "left",
                    va="top",
                    fontsize=7,
                )
                rows += [
                    (name, setup, float(low), float(high), int(n), n / len(setup_values), mean)
                    for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)
                ]
            panels[-1, j].set_xlabel(f"rated {name}")
            # Room for the means above the bars.
            panels[0, j].set_ylim(0, 1.28 * max(line.get_data().values.max() for line in _stairs(panels[:, j])))
        figure.supylabel("share of ratings, %", fontsize=8)
    columns = ("dimension", "setup", "low", "high", "ratings", "share", "mean_of_setup")
    return PaperFigure(
        name="rating_distribution",
        caption="Distribution of ratings by setup; the line is the mean. "
        + " ".join(f"{name.capitalize()}: {_counts(setups, name, values)}." for name in names),
        figure=figure,
        numbers=pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))),
    )


def _values(results: Results, dimension: str) -> dict[str, Values]:
    """By setup, the usable ratings of a dimension."""
    series, clips, _ = results.rated
    by_setup: dict[str, list[Values]] = {}
    for rated in (series, clips):
        if dimension not in rated.names["dimension"]:
            continue
        code = rated.names["dimension"].index(dimension)
        for i, setup in enumerate(rated.names["setup"]):
            chosen = rated.filter((rated.codes["dimension"] == code) & (rated.codes["setup"] == i)).value
            if len(chosen):
                by_setup.setdefault(setup, []).append(chosen)
    return {setup: np.concatenate(parts) for setup, parts in by_setup.items()}


def _edges(dimension: Dimension, values: list[Values]) -> Values:
    """Edges of the bins: one bin per value if the scale has few values, else bins of equal width."""
    distinct = np.unique(np.concatenate(values))
    are_whole = bool((distinct % 1 == 0).all())
    low = distinct[0] if dimension.low is None else dimension.low
    high = distinct[-1] if dimension.high is None else dimension.high
    if are_whole and high - low < _MOST_CATEGORIES:
        return np.arange(low - 0.5, high + 1)
    low, high = (low, high) if low < high else (low - 0.5, high + 0.5)
    return np.linspace(min(low, distinct[0]), max(high, distinct[-1]), _BINS + 1)


def _counts(setups: tuple[str, ...], name: str, values: dict[tuple[str, str], Values]) -> str:
    return ", ".join(f"{len(values[name, s])} ratings in {s}" for s in setups if (name, s) in values)


def _two_ticks() -> object:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(2)


def _stairs(panels: Iterable[Any]) -> list[Any]:
    from matplotlib.patches import StepPatch

    return [patch for panel in panels for patch in panel.patches if isinstance(patch, StepPatch)]
