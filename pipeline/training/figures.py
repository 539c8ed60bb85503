"""The table of figures that the model card, the model's page and the command line show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

HEADINGS = ("CCC", "95 % of mean", "Pearson", "RMSE", "MSE", "pooled CCC")
NAMES = {"train_mean": "training mean", "time_only": "time only", "human": "rater vs. others"}
_NONE = "–"


class FigureRow(NamedTuple):
    """Figures of a model, a baseline, or the raters.

    Args:
        cells: As text, one per heading.
    """

    dimension: str
    name: str
    is_model: bool
    cells: tuple[str, ...]


def figure_rows(dimensions: Mapping[str, Any]) -> Iterator[FigureRow]:
    """For each dimension the model, its baselines, and the raters if their agreement is known.

    Args:
        dimensions: As `metrics.json` has them.
    """
    for dimension, found in dimensions.items():
        yield FigureRow(dimension, "this model", True, _cells(found["model"]))
        for name, baseline in found["baselines"].items():
            yield FigureRow(dimension, NAMES[name], False, _cells(baseline))
        if found["human"]:
            agreement = f"{found['human']['mean']:.3f} ± {found['human']['sd']:.3f}"
            yield FigureRow(dimension, NAMES["human"], False, (agreement, *[""] * (len(HEADINGS) - 1)))


def _cells(found: Mapping[str, Any]) -> tuple[str, ...]:
    ccc, pooled = found["ccc"], found["pooled"]["ccc"]
    return (
        _spread(ccc),
        _NONE if ccc["mean"] is None else f"{ccc['low']:.3f} to {ccc['high']:.3f}",
        *(_spread(found[measure]) for measure in ("pearson", "rmse", "mse")),
        _NONE if pooled["value"] is None else f"{pooled['value']:.3f} ({pooled['low']:.3f} to {pooled['high']:.3f})",
    )


def _spread(measure: Mapping[str, Any]) -> str:
    return _NONE if measure["mean"] is None else f"{measure['mean']:.3f} ± {measure['sd']:.3f}"
