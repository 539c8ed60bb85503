"""Compares a model with the raters as if it were one more rater.

For each rater of a clip, the rater and the model are both compared with the weighted mean of the other raters (section
6.3 of Chua et al. 2022, arXiv 2202.10453). A model that agrees as much as raters do predicts as well as one more rater
would; it cannot be expected to do better than their agreement allows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.annotations.ratings.exclusions import SHORTEST, drop_unusable
from avcues.pipeline.annotations.ratings.keys import codes
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.series import Cells, Series, once_per_clip, series_of
from avcues.pipeline.annotations.statistics.coefficients import Bootstrap, Coefficient, mean_of
from avcues.pipeline.annotations.statistics.consensus import Values, Weights, ccc, ewe, others_of_each
from avcues.pipeline.annotations.statistics.intervals import IDENTITY
from avcues.pipeline.errors import SettingsError

Ints = npt.NDArray[np.int64]
_NONE = "no video has predictions and two raters"


@dataclass(frozen=True, kw_only=True)
class ModelAgreement:
    """The agreement of a model and of the raters with the other raters, in one setup and dimension.

    Args:
        setup: Name of the setup.
        round: Name of the round; None: there is only one.
        dimension: Name of the dimension.
        kind: "over time" or "once per clip".
        videos: Number of videos with predictions and at least two raters.
        raters: Number of raters.
        model: Mean CCC of the model with the others of each rater.
        human: Mean CCC of the raters with the same others.
        difference: Mean of model minus rater. Over time, with an interval over videos; once per clip, over raters and
            without an interval.
        ahead: Share of series (once per clip: of raters) for which the model agrees with the others more than the rater
            does.
        by_rater: By rater, the mean CCC of the rater and of the model with the same others.
    """

    setup: str
    round: str | None
    dimension: str
    kind: str
    videos: int
    raters: int
    model: Coefficient
    human: Coefficient
    difference: Coefficient
    ahead: float | None
    by_rater: Mapping[str, tuple[float, float]]


def model_agreement(
    annotations: Annotations,
    predictions: Any,
    *,
    setup: str | None = None,
    videos: Collection[str] | None = None,
    delay: float | Mapping[str, float] = 0.0,
    weights: Weights = "others",
    step: Fraction = Fraction(1, 2),
    shortest: float = SHORTEST,
    keep_constant: bool = False,
    bootstrap: Bootstrap = Bootstrap(),
) -> tuple[ModelAgreement, ...]:
    """Compares predictions with ratings as if they were those of one more rater.

    Args:
        annotations: Ratings in numbers; with several rounds, each is compared.
        predictions: A table (pyarrow, pandas, polars) with `video_id`, `window` (unless it is by clip) and a column per
            dimension, on the scale of the ratings.
        setup: The setup that the model predicts; None: each is compared.
        videos: Ids of the videos to compare, such as those that the model was not trained on; None: all.
        delay: Seconds by which ratings are moved earlier, for all raters or by rater, as for the model's labels.
        weights: Weights of the mean of the other raters; see `ewe`.
        step: Seconds per window.
        shortest: As for `Recipe`.
        keep_constant: As for `Recipe`.
        bootstrap: Number and seed of the samples of videos for the intervals.

    Raises:
        SettingsError: The predictions have no column `video_id`, or no column of a rated dimension.
    """
    table = pa.table(predictions)
    if "video_id" not in table.column_names:
        raise SettingsError(f"`predictions`: no column video_id, only {', '.join(table.column_names)}")
    named = [dimension.name for dimension in annotations.numeric() if dimension.name in table.column_names]
    if not named:
        rated = ", ".join(dimension.name for dimension in annotations.numeric())
        raise SettingsError(f"`predictions`: has none of {rated}, only {', '.join(table.column_names)}")
    chosen = annotations.select(dimensions=named, setups=None if setup is None else [setup], videos=videos)
    over_time = table if "window" in table.column_names and table["window"].null_count < len(table) else None
    rows: list[ModelAgreement] = []
    series, _ = drop_unusable(series_of(chosen, step), shortest=shortest, keep_constant=keep_constant)
    if delay:
        series = series_of(chosen, step, delays=delay).shared_with(series)
    if over_time is not None and len(series):
        rows += _compared(series, _window_predictions(over_time, series, named), "over time", weights, bootstrap)
    clips = once_per_clip(chosen)
    if len(clips):
        rows += _compared(clips, _clip_predictions(table, clips, named), "once per clip", weights, bootstrap)
    return tuple(rows)


Predicted = dict[tuple[int, int], Values]
"""By dimension and video, (windows,) predictions; with -1 as the video, (videos,). NaN is missing."""


def _window_predictions(table: pa.Table, series: Series, named: Collection[str]) -> Predicted:
    video = codes(table["video_id"], series.names["video_id"])
    window = table["window"].fill_null(-1).to_numpy()
    predicted: Predicted = {}
    for name in named:
        value = table[name].cast(pa.float64()).to_numpy()
        for code in np.unique(video[video >= 0]):
            rows = (video == code) & (window >= 0)
            course = np.full(int(window[rows].max(initial=0)) + 1, np.nan)
            course[window[rows]] = value[rows]
            predicted[series.names["dimension"].index(name), int(code)] = course
    return predicted


def _clip_predictions(table: pa.Table, clips: Series, named: Collection[str]) -> Predicted:
    """Predictions per clip: means over its windows."""
    videos = clips.names["video_id"]
    video = codes(table["video_id"], videos)
    predicted: Predicted = {}
    for name in named:
        value = table[name].cast(pa.float64()).to_numpy()
        is_predicted = (video >= 0) & np.isfinite(value)
        count = np.bincount(video[is_predicted], minlength=len(videos))
        with np.errstate(invalid="ignore"):
            mean = np.bincount(video[is_predicted], value[is_predicted], len(videos)) / count
        predicted[clips.names["dimension"].index(name), -1] = mean
    return predicted


def _compared(
    series: Series, predicted: Predicted, kind: str, weights: Weights, bootstrap: Bootstrap
) -> list[ModelAgreement]:
    """One entry per setup, round and dimension."""
    keys, humans, models, shared = [], [], [], []
    for cells in series.cells():
        prediction = _stacked(cells, predicted)
        consensus = ewe(others_of_each(cells.values), weights)[0]
        # Rater and model are compared over the windows that both have.
        in_both = np.isfinite(prediction)[:, None] & np.isfinite(cells.values)
        consensus = np.where(in_both, consensus, np.nan)
        human, model = ccc(cells.values, consensus), ccc(prediction[:, None], consensus)
        cell, slot = np.nonzero((cells.rater >= 0) & np.isfinite(human) & np.isfinite(model))
        cell_codes = [cells.codes[name][cell] for name in ("setup", "round", "dimension", "video_id")]
        keys.append(np.stack([*cell_codes, cells.rater[cell, slot]], 1))
        humans.append(human[cell, slot])
        models.append(model[cell, slot])
        shared.append(in_both.any(1).sum(1)[cell])
    key, human, model = np.concatenate(keys), np.concatenate(humans), np.concatenate(models)
    windows = np.concatenate(shared)
    rows = []
    for setup, round_, dimension in np.unique(key[:, :3], axis=0):
        chosen = (key[:, :3] == (setup, round_, dimension)).all(1)
        unit = key[chosen, 3] if kind == "over time" else key[chosen, 4]
        raters = key[chosen, 4]
        draws = bootstrap if kind == "over time" else Bootstrap(0)
        rater_scores, model_scores = human[chosen], model[chosen]
        rows.append(
            ModelAgreement(
                setup=series.names["setup"][setup],
                round=series.names["round"][round_] if round_ >= 0 else None,
                dimension=series.names["dimension"][dimension],
                kind=kind,
                videos=len(np.unique(unit)) if kind == "over time" else int(windows[chosen].max()),
                raters=len(np.unique(raters)),
                model=mean_of(model_scores, unit, draws, _NONE),
                human=mean_of(rater_scores, unit, draws, _NONE),
                difference=mean_of(model_scores - rater_scores, unit, draws, _NONE, IDENTITY),
                ahead=float((model_scores > rater_scores).mean()),
                by_rater={
                    series.names["rater"][rater]: (
                        float(rater_scores[raters == rater].mean()),
                        float(model_scores[raters == rater].mean()),
                    )
                    for rater in np.unique(raters)
                },
            )
        )
    return rows


def _stacked(cells: Cells, predicted: Predicted) -> Values:
    """(C, W) the predictions of each cell."""
    stacked = np.full((cells.values.shape[0], cells.values.shape[2]), np.nan)
    for i, key in enumerate(zip(cells.codes["dimension"].tolist(), cells.codes["video_id"].tolist(), strict=True)):
        course = predicted.get(key)
        if course is not None:
            width = min(len(course), stacked.shape[1])
            stacked[i, :width] = course[:width]
    return stacked
