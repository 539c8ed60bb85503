"""The tables of figures that the model card, the model's page and the command line show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

NAMES = {"train_mean": "training mean", "time_only": "time only", "human": "rater vs. others"}
_NONE = "–"

_HEADINGS = {
    "course": ("CCC", "95 % of mean", "Pearson", "RMSE", "MSE", "pooled CCC"),
    "clips": ("CCC", "95 %", "Pearson", "RMSE", "MSE"),
    "shares": ("UAR", "95 %", "F1", "accuracy", "cross-entropy"),
}
_NOTES = {
    "course": "Each video's course: mean ± standard deviation over videos. Pooled: all windows of all videos together.",
    "clips": "One label per clip, so one value of all clips; rater vs. others: mean and standard deviation of raters.",
    "shares": "Shares of categories, of which the largest counts: unweighted average recall (UAR), F1 averaged over "
    "categories, accuracy; cross-entropy of the shares in nats.",
}


class FigureRow(NamedTuple):
    """Figures of a model, a baseline, or the raters.

    Args:
        cells: As text, one per heading.
    """

    dimension: str
    name: str
    is_model: bool
    cells: tuple[str, ...]


class FigureTable(NamedTuple):
    """The figures of all dimensions that are judged in the same way.

    Args:
        note: What the figures are.
    """

    kind: str
    note: str
    headings: tuple[str, ...]
    rows: tuple[FigureRow, ...]


def figure_tables(dimensions: Mapping[str, Any]) -> Iterator[FigureTable]:
    """For each kind of label the dimensions with the model, its baselines, and the raters if their agreement is known.

    Args:
        dimensions: As `metrics.json` has them.
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
    """What a reader of the figures has to know: videos without a score, labels without a largest share."""
    for name, figures in dimensions.items():
        model = figures["model"]
        if figures["kind"] == "course" and model["ccc"]["undefined"]:
            yield (
                f"{name}: CCC is not defined for {model['ccc']['undefined']} of {model['videos']} videos whose labels "
                "and predictions are constant, or which have no window to score; means leave them out"
            )
        if figures["kind"] == "shares" and model["without_one_largest_share"]:
            yield (
                f"{name}: {model['without_one_largest_share']} of {model['rows']} labels have several largest shares; "
                "they count in the cross-entropy alone"
            )


def value_of(figures: Mapping[str, Any]) -> float | None:
    """The headline figure of a dimension."""
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
    return _NONE if value is None else f"{round(value, 3) + 0.0:.3f}"  # never -0.000


def _rows(name: str, dimension_figures: Mapping[str, Any], width: int) -> Iterator[FigureRow]:
    kind = dimension_figures["kind"]
    yield FigureRow(name, "this model", True, cells_of(kind, dimension_figures["model"]))
    for baseline, figures in dimension_figures["baselines"].items():
        yield FigureRow(name, NAMES[baseline], False, cells_of(kind, figures))
    human = dimension_figures["human"]
    if human:
        yield FigureRow(name, NAMES["human"], False, (_spread(human), *[""] * (width - 1)))


def _spread(measure: Mapping[str, Any]) -> str:
    return _NONE if measure["mean"] is None else f"{number(measure['mean'])} ± {number(measure['sd'])}"


def _interval(measure: Mapping[str, Any]) -> str:
    return _NONE if measure["low"] is None else f"{number(measure['low'])} to {number(measure['high'])}"


def _with_interval(measure: Mapping[str, Any]) -> str:
    if measure["value"] is None:
        return _NONE
    return number(measure["value"]) + ("" if measure["low"] is None else f" ({_interval(measure)})")
