"""Plots the predictions of models for a video over its ratings and its gold standard.

After Figures 8 and 9 of Chua et al. 2022.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.series import series_of
from avcues.pipeline.annotations.results import NotShownError
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.paper.figure import PaperFigure
from avcues.pipeline.paper.numbers import columns_of
from avcues.pipeline.paper.style import (
    COLORS,
    COLUMN_INCHES,
    DASHES,
    GREY,
    PAGE_INCHES,
    in_style,
    new_figure,
    shortened,
)
from avcues.pipeline.paper.table import decimal
from avcues.pipeline.paper.text import file_name
from avcues.pipeline.training.compare import EvaluatedModel
from avcues.pipeline.training.model_tables import labels_of, short_names

Values = npt.NDArray[np.float64]
Row = tuple[str, str, str, str | None, float, float]

_PANEL_INCHES = 1.45


def predictions(
    models: Mapping[str, EvaluatedModel], video_id: str | None = None, annotations: Annotations | None = None
) -> PaperFigure:
    """Plots the out-of-fold predictions of models for one video, per dimension and setup of the labels.

    Predictions are means over seeds.

    Args:
        models: By name, as `read_models` returns them.
        video_id: A video that all models predicted; None: the one whose CCC is nearest to the mean CCC of the first
            model, so that it is neither the best nor the worst.
        annotations: The ratings behind the labels, drawn in grey; None: draw no ratings.

    Raises:
        SettingsError: A model did not predict the video.
        NotShownError: The models predict no label per window, or no video in common.
    """
    over_time = {
        name: [dimension for dimension, figures in model.figures["dimensions"].items() if figures["kind"] == "course"]
        for name, model in models.items()
    }
    dimensions = list(
        dict.fromkeys(dimension for model_dimensions in over_time.values() for dimension in model_dimensions)
    )
    if not dimensions:
        raise NotShownError("the models predict no label per window")
    video_id = _video_to_plot(models, over_time, video_id)
    setups = list(dict.fromkeys(labels_of(model) for model in models.values()))
    short = short_names(list(models))
    rows: list[Row] = []
    with in_style():
        width = COLUMN_INCHES if len(setups) == 1 else PAGE_INCHES
        figure = new_figure(
            width, 0.6 + 0.16 * -(-(len(models) + 2) // (2 * len(setups))) + _PANEL_INCHES * len(dimensions)
        )
        panels = figure.subplots(len(dimensions), len(setups), squeeze=False, sharex=True, sharey="row")
        lines_by_name: dict[str, Any] = {}
        for i, dimension in enumerate(dimensions):
            for j, setup in enumerate(setups):
                panel = panels[i, j]
                setup_models = {
                    name: model
                    for name, model in models.items()
                    if labels_of(model) == setup and dimension in over_time[name]
                }
                if not setup_models:
                    panel.text(0.5, 0.5, "not predicted", transform=panel.transAxes, ha="center", va="center")
                    continue
                first = next(iter(setup_models.values()))
                step = float(Fraction(first.document.step))
                for rater, series in _raters(annotations, first, dimension, setup, video_id):
                    grey = {"color": GREY, "lw": 0.5, "alpha": 0.6}
                    (lines_by_name["raters"],) = panel.plot(np.arange(len(series)) * step, series, **grey)
                    rows += _number_rows(dimension, setup, "rater", rater, np.arange(len(series)), series, step)
                for rank, (name, model) in enumerate(setup_models.items()):
                    windows, gold, predicted = _mean_over_seeds(model, dimension, video_id)
                    if rank == 0:
                        lines_by_name["gold standard"] = panel.plot(windows * step, gold, color="black", lw=1.6)[0]
                        rows += _number_rows(dimension, setup, "gold standard", None, windows, gold, step)
                    model_index = list(models).index(name)
                    style = {
                        "color": COLORS[model_index % (len(COLORS) - 1)],
                        "linestyle": DASHES[1 + model_index % (len(DASHES) - 1)],
                    }
                    lines_by_name[short[name]] = panel.plot(windows * step, predicted, lw=1.4, **style)[0]
                    rows += _number_rows(dimension, setup, "model", short[name], windows, predicted, step)
                if not i:
                    panel.set_title(shortened(setup))
                if not j:
                    panel.set_ylabel(shortened(dimension))
        for panel in panels[-1]:
            panel.set_xlabel("time, s")
        figure.legend(
            lines_by_name.values(),
            [shortened(name) for name in lines_by_name],
            loc="outside upper center",
            ncols=2 * len(setups),
        )
    ccc_texts = (
        f"{short[name]} {dimension} {decimal(_ccc(model, dimension, video_id), 2)}"
        for name, model in models.items()
        for dimension in over_time[name]
    )
    return PaperFigure(
        name=file_name("predictions", video_id),
        caption=f"Predictions for the video {video_id}, which the models were not fitted on, over the gold standard"
        f"{' and the raters (grey)' if 'raters' in lines_by_name else ''}. CCC: {', '.join(ccc_texts)}.",
        figure=figure,
        numbers=columns_of(("dimension", "labels", "what", "name", "time", "value"), rows),
    )


def _video_to_plot(
    models: Mapping[str, EvaluatedModel], over_time: Mapping[str, Sequence[str]], video_id: str | None
) -> str:
    predicted = [
        set(
            model.predictions.filter(pc.is_in(model.predictions["dimension"], pa.array(over_time[name])))[
                "video_id"
            ].to_pylist()
        )
        for name, model in models.items()
        if over_time[name]
    ]
    common = set.intersection(*predicted)
    if video_id is not None:
        if video_id not in common:
            raise SettingsError(
                f"`video={video_id}`: not every model predicted it; expected one of {len(common)} videos"
            )
        return video_id
    if not common:
        raise NotShownError("the models predicted no video in common")
    name, model = next((name, model) for name, model in models.items() if over_time[name])
    dimension = over_time[name][0]
    mean = model.figures["dimensions"][dimension]["model"]["ccc"]["mean"] or 0.0
    scored = [
        (abs(ccc - mean), video) for video in sorted(common) if (ccc := _ccc(model, dimension, video)) is not None
    ]
    return min(scored)[1] if scored else min(common)


def _ccc(model: EvaluatedModel, dimension: str, video_id: str) -> float | None:
    """The CCC of a model on a video."""
    per_video = model.figures["dimensions"][dimension]["model"]["per_video"]
    return next((scores["ccc"] for scores in per_video if scores["video_id"] == video_id), None)


def _mean_over_seeds(
    model: EvaluatedModel, dimension: str, video_id: str
) -> tuple[npt.NDArray[np.int64], Values, Values]:
    """The windows of a video, its labels, and its predictions averaged over seeds."""
    rows = model.predictions.filter((pc.field("dimension") == dimension) & (pc.field("video_id") == video_id))
    windows, window_index = np.unique(rows["window"].to_numpy(), return_inverse=True)
    seeds = np.bincount(window_index)
    gold, predicted = (np.bincount(window_index, rows[name].to_numpy()) / seeds for name in ("target", "prediction"))
    return windows.astype(np.int64), gold, predicted


def _raters(
    annotations: Annotations | None, model: EvaluatedModel, dimension: str, setup: str, video_id: str
) -> list[tuple[str, Values]]:
    """The name and series of every rater of a video, shifted by the delay of the labels."""
    if annotations is None or dimension not in annotations.dimensions or setup not in annotations.setups:
        return []
    video_ratings = annotations.select(videos=[video_id], setups=[setup], dimensions=[dimension])
    metadata = model.document.labels["main"].about
    delay = metadata.get("delays_s") or metadata.get("recipe", {}).get("delay") or 0.0
    series = series_of(video_ratings, Fraction(model.document.step), delays=0.0 if delay == "auto" else delay)
    return [
        (series.names["rater"][cells.rater[cell, row]], cells.values[cell, row])
        for cells in series.cells()
        for cell in range(len(cells.values))
        for row in range(cells.values.shape[1])
        if cells.rater[cell, row] >= 0
    ]


def _number_rows(
    dimension: str, setup: str, kind: str, name: str | None, windows: npt.NDArray[Any], values: Values, step: float
) -> list[Row]:
    return [
        (dimension, setup, kind, name, float(window) * step, float(value))
        for window, value in zip(windows, values, strict=True)
        if np.isfinite(value)
    ]
