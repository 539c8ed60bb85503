"""Panels of a model's predictions and of the raters' curves over the time of a video."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from avcues.pipeline.annotations.gold_standards.combine import STD
from avcues.pipeline.annotations.gold_standards.gold import Gold, gold, moved_earlier
from avcues.pipeline.annotations.gold_standards.recipe import Recipe
from avcues.pipeline.annotations.ratings import files as rating_files
from avcues.pipeline.annotations.ratings.exclusions import drop_unusable
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.series import series_of
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError, SettingsError, one_line
from avcues.pipeline.report.series import Panel, Role, Series, numbers
from avcues.pipeline.report.video import Values, Video
from avcues.pipeline.store.documents import require_regular_file
from avcues.pipeline.store.parquet import optional_metadata

_GOLD, _PREDICTION, _RATER = "slate", "blue", "faint"
_OUT_OF_FOLD = {"dimension", "video_id", "window", "target", "prediction", "without"}


@dataclass(frozen=True)
class Emotion:
    """Sources of predictions and ratings, which pages show beside the features of a video.

    Args:
        predictions: Parquet file of `avcues predict`, or the out-of-fold predictions of a model; None: no predictions.
        annotations: Folder of ratings; None: no ratings.
    """

    predictions: Path | None = None
    annotations: Path | None = None

    def check(self) -> None:
        """Checks that the predictions and the ratings can be read.

        Raises:
            AvcuesError: One of them cannot be read.
        """
        if self.predictions is not None:
            _metadata_of(self.predictions)
        if self.annotations is not None:
            _ratings(self.annotations)

    def ratings(self) -> Annotations | None:
        """The ratings of all videos; None without a folder of ratings."""
        return None if self.annotations is None else _ratings(self.annotations)

    def courses(self, video: Video) -> dict[tuple[str, str | None], TimeCourses]:
        """By dimension and setup, everything that is predicted or rated over time.

        A prediction is shown with the ratings of the setup on which its model was trained, or else of the last setup.
        Ratings are shifted and combined by the recipe of the labels on which the model was trained.
        """
        labels = {} if self.predictions is None else _labels(self.predictions)
        courses_by_key = {} if self.annotations is None else _rated(self.annotations, labels, video)
        if self.predictions is not None:
            metadata = _metadata_of(self.predictions)
            training_setup = labels.get("setup")
            trained_on_video = video.video_id in metadata.get("trained_on", ())
            for dimension, predicted, label in _predicted(self.predictions, video):
                setups = [setup for name, setup in courses_by_key if name == dimension]
                setup = training_setup if training_setup in setups else setups[-1] if setups else None
                course = courses_by_key.setdefault((dimension, setup), TimeCourses(gold=label))
                course.prediction, course.trained_on_video = predicted, trained_on_video
        order = list(dict.fromkeys(dimension for dimension, _ in courses_by_key))
        return dict(sorted(courses_by_key.items(), key=lambda item: order.index(item[0][0])))


def course_panels(courses: Mapping[tuple[str, str | None], TimeCourses]) -> list[Panel]:
    """A panel for each dimension and setup that has a value."""
    return [panel for (name, setup), curves in courses.items() if (panel := curves.panel(name, setup)) is not None]


@dataclass
class TimeCourses:
    """The values of one dimension over the windows of a video; NaN where a value is missing.

    Args:
        prediction: (windows,) predictions.
        gold: (windows,) gold standard.
        low: (windows,) gold standard less one standard deviation over raters.
        high: (windows,) gold standard plus one standard deviation over raters.
        raters: By rater, (windows,) ratings.
        trained_on_video: Whether the model was trained on the video.
        shift_note: How far the ratings were moved earlier, in words.
    """

    prediction: Values | None = None
    gold: Values | None = None
    low: Values | None = None
    high: Values | None = None
    raters: dict[str, Values] = field(default_factory=dict)
    trained_on_video: bool = False
    shift_note: str = ""

    def panel(self, dimension: str, setup: str | None) -> Panel | None:
        """The panel that draws the values; None if there are none."""
        arrays = [self.prediction, self.gold, self.low, self.high, *self.raters.values()]
        known_values = np.concatenate([values[~np.isnan(values)] for values in arrays if values is not None])
        if not len(known_values):
            return None
        margin = 0.04 * float(np.ptp(known_values)) or 0.1
        low, high = float(known_values.min()) - margin, float(known_values.max()) + margin

        def series(name: str, values: Values | None, colour: str, role: Role, meaning: str) -> Iterator[Series]:
            if values is not None:
                yield Series(
                    name=name,
                    column=dimension,
                    unit="",
                    meaning=meaning,
                    values=numbers(values),
                    colour=colour,
                    role=role,
                    low=low,
                    high=high,
                )

        lines = [
            *series("gold standard", self.gold, _GOLD, "line", "the ratings combined"),
            *series("prediction", self.prediction, _PREDICTION, "line", "predicted by the model"),
            *series("+ 1 sd", self.high, "", "high", "one standard deviation over raters above"),
            *series("- 1 sd", self.low, "", "low", "one standard deviation over raters below"),
        ]
        for rater, values in self.raters.items():
            lines += series(rater, values, _RATER, "faint", "ratings of one rater")
        notes = [counted(len(self.raters), "rater")] if self.raters else []
        notes = [f"{note} and their spread" if len(self.raters) > 1 else note for note in notes]
        notes += [self.shift_note] if self.shift_note and self.raters else []
        notes += ["the model learned from this video"] if self.trained_on_video else []
        title = " · ".join([dimension.replace("_", " ").capitalize(), *([setup] if setup else [])])
        return Panel(title=title, kind="lines", note="; ".join(notes), series=lines)


@cache
def _metadata_of(path: Path) -> dict[str, Any]:
    """The metadata of a file of predictions; empty for out-of-fold predictions."""
    try:
        require_regular_file(path)
        file_schema = pq.read_schema(path)
        metadata = optional_metadata(file_schema, "predictions")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"`predictions={path}`: cannot be read as a Parquet file ({one_line(error)})") from error
    if not (set(file_schema.names) >= _OUT_OF_FOLD or "predictions" in metadata):
        raise InputError(f"`predictions={path}`: expected a file written by avcues predict or avcues train")
    return metadata


def _predicted(path: Path, video: Video) -> Iterator[tuple[str, Values, Values | None]]:
    """Yields dimension, prediction, and the label if the file has it."""
    dimensions = _metadata_of(path).get("predictions")
    table = pq.read_table(path, filters=[("video_id", "==", video.video_id)])
    if not table.num_rows:
        return
    if dimensions is not None:
        for name in dimensions:
            yield name, _on_grid(table, name, video), None
        return
    unablated = table.filter(pc.is_null(table["without"]))
    mean = unablated.group_by(["dimension", "window"]).aggregate([("prediction", "mean"), ("target", "mean")])
    for name in sorted(set(mean["dimension"].to_pylist())):
        rows = mean.filter(pc.equal(mean["dimension"], name))
        yield name, _on_grid(rows, "prediction_mean", video), _on_grid(rows, "target_mean", video)


@cache
def _ratings(folder: Path) -> Annotations:
    return rating_files.read(folder)


def _labels(predictions: Path) -> dict[str, Any]:
    """The metadata of the labels on which the model was trained; empty if the file has none."""
    document: dict[str, Any] = _metadata_of(predictions).get("model", {}).get("labels", {}).get("main", {})
    return dict(document.get("about", {}))


@cache
def _standardised(folder: Path, recipe: Recipe, training: tuple[str, ...], lags: str) -> Gold:
    """A gold standard whose raters' scales depend on all videos."""
    return gold(_ratings(folder), recipe, training_videos=training or None, lags_s=json.loads(lags))


def _rated(folder: Path, labels: Mapping[str, Any], video: Video) -> dict[tuple[str, str | None], TimeCourses]:
    """By dimension and setup, the ratings of a video over time.

    Args:
        folder: Folder of the ratings.
        labels: Metadata of the labels; empty: use the last round and the default recipe.
    """
    step = Fraction(video.step).limit_denominator(1000)
    ratings = _ratings(folder).select(videos=[video.video_id])
    recipe = Recipe(step=step, round=ratings.rounds[-1] if ratings.rounds else None)
    if "recipe" in labels:
        recipe = replace(Recipe.from_described(labels["recipe"]), step=step)
    names = [dimension.name for dimension in ratings.numeric() if ratings.over_time(dimension.name)]
    names = [name for name in names if recipe.dimensions is None or name in recipe.dimensions]
    recipe = replace(recipe, dimensions=tuple(names))
    lags = labels.get("delays_s") or ({} if recipe.delay == "auto" else None)
    try:
        if recipe.standardise:
            training = tuple(labels.get("fitted_on", {}).get("standardise", ()))
            tables = _standardised(folder, recipe, training, json.dumps(lags)).tables
            tables = {name: table.filter(pc.equal(table["video_id"], video.video_id)) for name, table in tables.items()}
        else:
            tables = gold(ratings, recipe, lags_s=lags).tables
    except SettingsError:  # no usable numeric rating
        return {}
    ratings = ratings.select(dimensions=names, round_=recipe.round)
    delays = lags if lags is not None else float(recipe.delay)
    series = drop_unusable(series_of(ratings, step), **recipe.exclusions)[0]
    series = moved_earlier(ratings, recipe, series, delays)
    shift_note = _shift_note(delays)
    courses: dict[tuple[str, str | None], TimeCourses] = {}
    for dimension in ratings.dimensions:
        for setup, table in tables.items():
            if dimension in table.column_names:
                value, spread = (_on_grid(table, dimension + suffix, video) for suffix in ("", STD))
                low, high = value - spread, value + spread
                courses[dimension, setup] = TimeCourses(gold=value, low=low, high=high, shift_note=shift_note)
    keys = (series.labelled(name).to_pylist() for name in ("dimension", "setup", "rater"))
    for i, (dimension, setup, rater) in enumerate(zip(*keys, strict=True)):
        rows = slice(series.first[i], series.first[i + 1])
        inside = series.window[rows] < video.windows
        curve = courses[dimension, setup].raters.setdefault(rater, np.full(video.windows, np.nan))
        curve[series.window[rows][inside]] = series.value[rows][inside]
    return courses


def _shift_note(delays: float | Mapping[str, float]) -> str:
    if isinstance(delays, Mapping):
        return "ratings moved earlier by each rater's lag, as the labels were" if delays else ""
    return f"ratings moved {delays:g} s earlier, as the labels were" if delays else ""


def _on_grid(table: pa.Table, column: str, video: Video) -> Values:
    """(windows,) of a column with one row per window, or with one row for the whole video."""
    values = table[column].cast(pa.float64()).to_numpy()
    by_window = np.full(video.windows, np.nan)
    if "window" not in table.column_names or table["window"].null_count == len(values):
        by_window[:] = values[0]
        return by_window
    window = table["window"].to_numpy()
    inside = window < video.windows
    by_window[window[inside]] = values[inside]
    return by_window
