"""Tables for print that compare models: their figures, what they rely on, and how they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from avcues.pipeline.annotations.results import NotShownError
from avcues.pipeline.annotations.shown import NotShown
from avcues.pipeline.errors import InputError
from avcues.pipeline.paper.numbers import columns_of
from avcues.pipeline.paper.table import NONE, PaperTable, decimal, p_value, spread
from avcues.pipeline.training.compare import EvaluatedModel, compare_models

_MEASURES = {
    "course": ("rmse", "mse", "ccc", "pearson"),
    "clips": ("rmse", "mse", "ccc", "pearson"),
    "shares": ("uar", "f1", "accuracy", "cross_entropy"),
}
_PRINTED_MEASURES = {"course": ("rmse", "ccc"), "clips": ("rmse", "ccc"), "shares": _MEASURES["shares"]}
"""The measures that fit on a page; the file of numbers has all of them."""

_TITLES = {
    "rmse": "RMSE",
    "mse": "MSE",
    "ccc": "CCC",
    "pearson": "Pearson",
    "uar": "UAR",
    "f1": "F1",
    "accuracy": "accuracy",
    "cross_entropy": "cross-entropy",
}
_CAPTIONS = {
    "course": "Models by the setup of their labels and by modality: mean ± standard deviation (ddof 0) over test "
    "videos. Raters: leave-one-out CCC, over series.",
    "clips": "Models of one label per clip: each measure over all test clips. Raters: leave-one-out CCC, over raters.",
    "shares": "Models of shares of categories: unweighted average recall (UAR), F1 averaged over categories, accuracy "
    "of the largest share, and cross-entropy of the shares in nats.",
}
_RATERS_ROW = "rater vs. others"


class Score(NamedTuple):
    """One figure of a model or of the raters."""

    labels: str
    name: str
    inputs: str
    dimension: str
    measure: str
    value: float | None
    sd: float | None
    low: float | None
    high: float | None


def model_tables(models: Mapping[str, EvaluatedModel]) -> Iterator[PaperTable | NotShown]:
    """Yields all tables of some models, and the reason in place of each table that cannot be made.

    Args:
        models: By name, as `read_models` returns them.
    """
    makers: Mapping[str, Callable[[], Sequence[PaperTable]]] = {
        "model_scores": lambda: [model_scores(models, kind) for kind in _kinds(models)],
        "model_comparison": lambda: [model_comparison(models)],
        "feature_families": lambda: [feature_families(models)],
        "table_importance": lambda: [table_importance(models)],
    }
    for name, make in makers.items():
        try:
            yield from make()
        except NotShownError as error:
            yield NotShown(name, str(error))


def model_scores(models: Mapping[str, EvaluatedModel], kind: str = "course") -> PaperTable:
    """The figures of every model and of the raters, by the setup of the labels and by modality.

    After Tables 4 and 6 of Chua et al. 2022.

    Args:
        models: By name, as `read_models` returns them.
        kind: "course": labels per window; "clips": one label per clip; "shares": shares of categories.

    Raises:
        NotShownError: No model predicts labels of this kind.
    """
    scores = list(_scores(models, kind))
    if not scores:
        raise NotShownError(f"no model predicts labels of the kind {kind}")
    columns = list(
        dict.fromkeys((score.dimension, score.measure) for score in scores if score.measure in _PRINTED_MEASURES[kind])
    )
    columns.sort(key=lambda column: [score.dimension for score in scores].index(column[0]))
    rows = dict.fromkeys(
        sorted({(score.labels, score.name, score.inputs) for score in scores}, key=lambda row: _sort_key(row, models))
    )
    cells = {((score.labels, score.name, score.inputs), score.dimension, score.measure): score for score in scores}
    return PaperTable(
        name=f"model_scores_{kind}",
        caption=_CAPTIONS[kind],
        header=("labels", "model", "inputs", *(f"{dimension}: {_TITLES[measure]}" for dimension, measure in columns)),
        rows=tuple((*row, *(_cell(cells.get((row, *column))) for column in columns)) for row in rows),
        numbers=columns_of(Score._fields, scores),
        texts=3,
    )


def model_comparison(models: Mapping[str, EvaluatedModel]) -> PaperTable:
    """The difference of every pair of models over test videos, with its interval and the p-value of a permutation test.

    Raises:
        NotShownError: There is only one model, or the models have no dimension or no video in common.
    """
    if len(models) < 2:
        raise NotShownError("there is only one model")
    try:
        compared = compare_models(models)
    except InputError as error:
        raise NotShownError(str(error)) from error
    short = short_names(list(models))
    pairs = [
        (dimension, short[pair["model"]], short[pair["other_model"]], pair["comparison"])
        for dimension, dimension_figures in compared["dimensions"].items()
        for pair in dimension_figures["pairs"]
        if pair["comparison"] is not None
    ]
    if not pairs:
        raise NotShownError("no two models predicted the same videos")
    return PaperTable(
        name="model_comparison",
        caption="; ".join(
            (
                "Differences of models (CCC, or UAR of shares), paired over test videos: 95 % interval over videos or "
                "groups, and p of a paired permutation test",
                *compared["notes"],
            )
        )
        + ".",
        header=("dimension", "model", "other model", "difference", "95 % interval", "p", "videos"),
        rows=tuple(
            (
                *(dimension, first_name, other_name, decimal(comparison["difference"])),
                NONE if comparison["low"] is None else f"{decimal(comparison['low'])} to {decimal(comparison['high'])}",
                *(p_value(comparison["p"]), str(comparison["videos"])),
            )
            for dimension, first_name, other_name, comparison in pairs
        ),
        numbers=columns_of(
            ("dimension", "model", "other_model", "difference", "low", "high", "p", "videos"),
            [
                (
                    dimension,
                    first_name,
                    other_name,
                    comparison["difference"],
                    comparison["low"],
                    comparison["high"],
                    comparison["p"],
                    comparison["videos"],
                )
                for dimension, first_name, other_name, comparison in pairs
            ],
        ),
        texts=3,
    )


def feature_families(models: Mapping[str, EvaluatedModel]) -> PaperTable:
    """Descriptor families ranked by their sum of absolute coefficients, for every model that has coefficients.

    After Table 7 of Chua et al. 2022. Coefficients belong to scaled features and are averaged over folds.

    Raises:
        NotShownError: No model has coefficients.
    """
    ranked = _ranked(
        models,
        lambda importance: {
            part["family"]: part["weight"] for part in importance.get("families", ()) if part["weight"]
        },
    )
    if not ranked:
        raise NotShownError("no model has coefficients; LASSO would have some")
    return _ranking(
        "feature_families",
        "Descriptor families by the sum of their absolute coefficients on scaled features, averaged over folds.",
        ranked,
    )


def table_importance(models: Mapping[str, EvaluatedModel]) -> PaperTable:
    """Feature tables ranked by permutation importance, for every model that reads several tables.

    Raises:
        NotShownError: No model reads several tables.
    """
    ranked = _ranked(models, lambda importance: importance.get("tables", {}))
    if not ranked:
        raise NotShownError("no model reads several tables")
    return _ranking(
        "table_importance",
        "Feature tables by permutation importance: the loss of CCC, or of cross-entropy of shares, when a table of a "
        "test video is replaced by that of another video.",
        ranked,
    )


def _ranked(
    models: Mapping[str, EvaluatedModel], weights: Callable[[Mapping[str, Any]], Mapping[str, float]]
) -> dict[tuple[str, str, str], list[tuple[str, float]]]:
    """By model, setup and dimension, the families or tables with their weights; the largest comes first."""
    short = short_names(list(models))
    return {
        (short[name], labels_of(model), dimension): sorted(parts.items(), key=lambda part: (-part[1], part[0]))
        for name, model in models.items()
        for dimension, dimension_figures in model.figures["dimensions"].items()
        if (parts := weights(dimension_figures.get("importance") or {}))
    }


def _ranking(name: str, caption: str, ranked: Mapping[tuple[str, str, str], list[tuple[str, float]]]) -> PaperTable:
    longest = max(map(len, ranked.values()))
    return PaperTable(
        name=name,
        caption=caption,
        header=("rank", *(f"{model} ({labels}): {dimension}" for model, labels, dimension in ranked)),
        rows=tuple(
            (
                str(i + 1),
                *(f"{parts[i][0]} {decimal(parts[i][1])}" if i < len(parts) else "" for parts in ranked.values()),
            )
            for i in range(longest)
        ),
        numbers=columns_of(
            ("model", "labels", "dimension", "rank", "part", "weight"),
            [(*key, i, part, weight) for key, parts in ranked.items() for i, (part, weight) in enumerate(parts, 1)],
        ),
        texts=1 + len(ranked),
    )


def _kinds(models: Mapping[str, EvaluatedModel]) -> list[str]:
    present = {figures["kind"] for model in models.values() for figures in model.figures["dimensions"].values()}
    return [kind for kind in _MEASURES if kind in present]


def _scores(models: Mapping[str, EvaluatedModel], kind: str) -> Iterator[Score]:
    short = short_names(list(models))
    raters: dict[tuple[str, str], Score] = {}
    for name, model in models.items():
        labels, inputs = labels_of(model), " + ".join(model.document.settings.tables_by_modality)
        for dimension, dimension_figures in model.figures["dimensions"].items():
            if dimension_figures["kind"] != kind:
                continue
            for measure in _MEASURES[kind]:
                statistics = dimension_figures["model"][measure]
                value = statistics["mean"] if kind == "course" else statistics["value"]
                yield Score(
                    labels,
                    short[name],
                    inputs,
                    dimension,
                    measure,
                    value,
                    statistics.get("sd"),
                    statistics.get("low"),
                    statistics.get("high"),
                )
            human = dimension_figures["human"]
            if human and kind != "shares":
                agreement = (dimension, "ccc", human["mean"], human["sd"], None, None)
                raters.setdefault((labels, dimension), Score(labels, _RATERS_ROW, "", *agreement))
    yield from raters.values()


def _sort_key(row: tuple[str, str, str], models: Mapping[str, EvaluatedModel]) -> tuple[int, int]:
    """Sort key: labels and models in the order in which they were named, raters last."""
    labels = list(dict.fromkeys(labels_of(model) for model in models.values()))
    names = list(short_names(list(models)).values())
    return labels.index(row[0]), names.index(row[1]) if row[1] in names else len(names)


def labels_of(model: EvaluatedModel) -> str:
    """The setup of a model's labels; if unknown, the name of their file."""
    labels = model.document.labels["main"]
    return str(labels.about.get("setup") or Path(labels.name).stem)


def short_names(folders: Sequence[str]) -> dict[str, str]:
    """By folder, its last part, or the whole path if several folders share the last part."""
    last_parts = {folder: Path(folder).resolve().name for folder in folders}
    return {
        folder: name if list(last_parts.values()).count(name) == 1 else folder for folder, name in last_parts.items()
    }


def _cell(score: Score | None) -> str:
    return NONE if score is None else spread(score.value, score.sd)
