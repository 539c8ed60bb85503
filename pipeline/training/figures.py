"""Tables of figures for the model card, the model's page and the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

ROW_NAMES = {"train_mean": "training mean", "time_only": "time only", "human": "rater vs. others"}
_DASH = "–"

_HEADINGS = {
    "course": ("CCC", "95 % of mean", "Pearson", "RMSE", "MSE", "pooled CCC"),
    "clips": ("CCC", "95 %", "Pearson", "RMSE", "MSE"),
    "shares": ("UAR", "95 %", "F1", "accuracy", "cross-entropy"),
}
_NOTES = {
    "course": "Each video's course: mean ± standard deviation over videos. Pooled: all windows of all videos together.",
    "clips": "One label per clip, so one value over all clips; rater vs. others: mean ± standard deviation over "
    "raters.",
    "shares": "Shares of categories; the largest share is the predicted category. Unweighted average recall (UAR), F1 "
    "averaged over categories, and accuracy; cross-entropy of the shares in nats.",
}


class FigureRow(NamedTuple):
    """Figures of a model, a baseline, or the raters.

    Args:
        cells: Texts, one per heading.
    """

    dimension: str
    name: str
    is_model: bool
    cells: tuple[str, ...]


class FigureTable(NamedTuple):
    """The figures of all dimensions with the same kind of label.

    Args:
        note: Explains the figures.
    """

    kind: str
    note: str
    headings: tuple[str, ...]
    rows: tuple[FigureRow, ...]


def figure_tables(dimensions: Mapping[str, Any]) -> Iterator[FigureTable]:
    """Yields a table for each kind of label: the model, its baselines and, if known, the agreement of raters.

    Args:
        dimensions: The figures of each dimension, as in `metrics.json`.
    """
    for kind, headings in _HEADINGS.items():
        rows = [
            row
            for name, figures in dimensions.items()
            if figures["kind"] == kind
            for row in _rows(name, figures, len(headings))
        ]
        if rows:
            yield FigureTable(kind, _NOTES[kind], headings, tuple(rows))


def remarks(dimensions: Mapping[str, Any]) -> Iterator[str]:
    """Limits of the figures that a reader has to know: videos without a score, labels without one largest share."""
    for name, figures in dimensions.items():
        model = figures["model"]
        if figures["kind"] == "course" and model["ccc"]["undefined"]:
            yield (
                f"{name}: CCC is undefined for {model['ccc']['undefined']} of {model['videos']} videos, whose labels "
                "and predictions are constant or which have no window to score; means leave them out"
            )
        if figures["kind"] == "shares" and model["without_one_largest_share"]:
            yield (
                f"{name}: {model['without_one_largest_share']} of {model['rows']} labels have several largest shares; "
                "they enter the cross-entropy only"
            )


def headline_value(figures: Mapping[str, Any]) -> float | None:
    """The headline figure of a dimension: CCC, or UAR of shares."""
    model = figures["model"]
    headline = model["uar" if figures["kind"] == "shares" else "ccc"]
    value: float | None = headline["mean" if figures["kind"] == "course" else "value"]
    return value


def cells_of(kind: str, figures: Mapping[str, Any]) -> tuple[str, ...]:
    """The cells of a model or baseline, one per heading of its kind."""
    if kind == "course":
        return (
            _spread(figures["ccc"]),
            _interval(figures["ccc"]),
            *(_spread(figures[measure]) for measure in ("pearson", "rmse", "mse")),
            _with_interval(figures["pooled"]["ccc"]),
        )
    first, *other_cells = (
        ("ccc", "pearson", "rmse", "mse") if kind == "clips" else ("uar", "f1", "accuracy", "cross_entropy")
    )
    return (
        number(figures[first]["value"]),
        _interval(figures[first]),
        *(number(figures[measure]["value"]) for measure in other_cells),
    )


def number(value: float | None) -> str:
    """Three decimals, or a dash."""
    return _DASH if value is None else f"{round(value, 3) + 0.0:.3f}"  # never -0.000


def _rows(name: str, dimension_figures: Mapping[str, Any], columns: int) -> Iterator[FigureRow]:
    kind = dimension_figures["kind"]
    yield FigureRow(name, "this model", True, cells_of(kind, dimension_figures["model"]))
    for baseline, figures in dimension_figures["baselines"].items():
        yield FigureRow(name, ROW_NAMES[baseline], False, cells_of(kind, figures))
    human = dimension_figures["human"]
    if human:
        yield FigureRow(name, ROW_NAMES["human"], False, (_spread(human), *[""] * (columns - 1)))


def _spread(measure: Mapping[str, Any]) -> str:
    return _DASH if measure["mean"] is None else f"{number(measure['mean'])} ± {number(measure['sd'])}"


def _interval(measure: Mapping[str, Any]) -> str:
    return _DASH if measure["low"] is None else f"{number(measure['low'])} to {number(measure['high'])}"


def _with_interval(measure: Mapping[str, Any]) -> str:
    if measure["value"] is None:
        return _DASH
    return number(measure["value"]) + ("" if measure["low"] is None else f" ({_interval(measure)})")
