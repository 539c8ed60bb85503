"""Ratings of single raters in training: as targets, as human agreement, and as gold standards refitted per fold."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.gold_standards.feature_values import FeatureValues
from avcues.pipeline.annotations.gold_standards.gold import gold, moved_earlier, one_round
from avcues.pipeline.annotations.gold_standards.recipe import Recipe
from avcues.pipeline.annotations.ratings.exclusions import drop_unusable
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.series import Series, once_per_clip, series_of
from avcues.pipeline.annotations.statistics.consensus import leave_one_out_ccc
from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.errors import InputError
from avcues.pipeline.training.protocol import MAIN
from avcues.pipeline.training.samples import Floats, Target, row_edges
from avcues.pipeline.training.settings import TrainingSettings
from avcues.pipeline.training.targets import LabelFile


def recipe_of(metadata: Mapping[str, Any]) -> Recipe:
    """The recipe in the metadata of a gold standard; the default recipe for labels without one."""
    described = metadata.get("recipe")
    return Recipe.from_described(described) if described else Recipe()


def setup_of(name: str, metadata: Mapping[str, Any], annotations: Annotations) -> str:
    """The setup to which labels belong, from their metadata.

    Args:
        name: The name of the label file.

    Raises:
        InputError: The metadata name no setup although the ratings have several, or name one that the ratings lack.
    """
    setup = metadata.get("setup")
    if setup is None and len(annotations.setups) == 1:
        return annotations.setups[0]
    if setup not in annotations.setups:
        raise InputError(
            f"{name}: does not say which setup of the ratings it belongs to ({', '.join(annotations.setups)}); "
            "make it with avcues annotations gold"
        )
    return str(setup)


def human_agreement(
    annotations: Annotations,
    name: str,
    metadata: Mapping[str, Any],
    dimensions: Sequence[str],
    videos: Collection[str],
    step: Fraction,
) -> dict[str, dict[str, float]]:
    """By dimension, the CCC of each rater's series with the gold standard of the other raters, over some videos.

    Args:
        name: The name of the label file.
        metadata: The metadata of the labels.

    Returns:
        Mean and sd (population) over all series, and the number of series. The mean is what one more rater would reach.
        Ratings given once per clip form one series per rater, over clips.
    """
    setups = [setup_of(name, metadata, annotations)]
    agreement: dict[str, list[Floats]] = {}
    for series in (
        _series(annotations, name, metadata, setups, dimensions, videos, step),
        once_per_clip(_select_ratings(annotations, name, metadata, setups, dimensions, videos)),
    ):
        for cells in series.cells():
            cell_figures = leave_one_out_ccc(cells.values, recipe_of(metadata).weights)
            for code, figure in zip(cells.codes["dimension"], cell_figures, strict=True):
                agreement.setdefault(series.names["dimension"][code], []).append(figure[np.isfinite(figure)])
    values_by_dimension = {name: np.concatenate(values) for name, values in agreement.items()}
    return {
        name: {"mean": float(values.mean()), "sd": float(values.std()), "series": len(values)}
        for name, values in values_by_dimension.items()
        if len(values)
    }


def rater_targets(
    annotations: Annotations,
    file: LabelFile,
    role: str,
    data: Dataset,
    videos: Sequence[str],
    settings: TrainingSettings,
) -> dict[str, Target]:
    """By dimension, the series of all raters as targets.

    With heads="rater", a head per rater learns the ratings of the labels' setup, and the prediction is the mean over
    heads. With heads="setup", a head per setup learns the ratings of all setups, and the prediction is the output of
    the head of the labels' setup.

    Raises:
        InputError: A dimension has no ratings of single raters, or a rating lies outside of the scale.
    """
    setup = setup_of(file.name, file.metadata, annotations)
    # A pretrained branch learns only from the ratings of its own setup.
    setups = annotations.setups if settings.heads == "setup" and role == MAIN else (setup,)
    step = data.catalog.step
    by_clip = file.labels.once_per_video
    if by_clip:
        clip_ratings = _select_ratings(annotations, file.name, file.metadata, setups, settings.dimensions, videos)
        series = once_per_clip(clip_ratings)
    else:
        series = _series(annotations, file.name, file.metadata, setups, settings.dimensions, videos, step)
    edges = row_edges(data, videos)
    spans = {video_id: (int(edges[i]), data.lengths[video_id]) for i, video_id in enumerate(videos)}
    targets = {}
    for dimension in settings.dimensions:
        columns = _columns(series, dimension, spans, int(edges[-1]), settings, by_clip=by_clip)
        if not columns:
            kind = "once per clip" if by_clip else "over time"
            raise InputError(f"{file.name}: {dimension} has no ratings {kind} of single raters in setup {setup}")
        keys = sorted(columns)
        per_setup = settings.heads == "setup"
        outputs = tuple(dict.fromkeys(key[1] if per_setup else key[0] for key in keys))
        rater_outputs = [outputs.index(key[1] if per_setup else key[0]) for key in keys]
        readout = [float(name == setup) if per_setup else 1 / len(outputs) for name in outputs]
        targets[dimension] = Target(
            values=np.column_stack([columns[key] for key in keys]),
            names=tuple(f"{rater} ({setup_name})" if len(setups) > 1 else rater for rater, setup_name in keys),
            heads=tuple(rater_outputs),
            outputs=outputs,
            readout=tuple(readout),
        )
    return targets


def refit_gold_standard(
    annotations: Annotations,
    name: str,
    metadata: Mapping[str, Any],
    training_videos: Collection[str],
    features: FeatureValues | None,
) -> pa.Table:
    """Makes a gold standard again, and fits everything in it that depends on videos to training videos only.

    Args:
        features: As `delay_features` returns them.

    Raises:
        InputError: The metadata of the labels have no recipe.
    """
    if "recipe" not in metadata:
        raise InputError(
            f"{name}: does not record its recipe, so it cannot be refitted in every fold; use the file that avcues "
            "annotations gold wrote"
        )
    refit = gold(annotations, recipe_of(metadata), training_videos=training_videos, features=features)
    return refit.tables[setup_of(name, metadata, annotations)]


def delay_features(name: str, metadata: Mapping[str, Any], data: Dataset) -> FeatureValues | None:
    """The features from which the lags of a gold standard were estimated; None if its recipe estimates no lags.

    The labels' recipe decides, not the tables that a model reads, so that models on different tables have the same
    labels.

    Args:
        data: The dataset; the recipe's tables are opened in its folder.

    Raises:
        InputError: The metadata of the labels do not name these tables.
        DatasetError: The dataset's folder lacks one of them.
    """
    recipe = recipe_of(metadata)
    if recipe.delay != "auto":
        return None
    if recipe.delay_tables is None:
        raise InputError(
            f"{name}: does not record from which tables the lags of its raters were estimated, so it cannot be "
            "refitted in every fold; make it again with avcues annotations gold --features"
        )
    return FeatureValues(open_dataset(data.catalog.folder, tables=recipe.delay_tables))


def _select_ratings(
    annotations: Annotations,
    name: str,
    metadata: Mapping[str, Any],
    setups: Sequence[str],
    dimensions: Sequence[str],
    videos: Collection[str],
) -> Annotations:
    """The ratings of some videos, setups and dimensions, in the round from which the labels were made."""
    rated_videos = sorted(set(annotations.videos) & set(videos))
    rated_dimensions = [dimension for dimension in dimensions if dimension in annotations.dimensions]
    if not rated_videos or not rated_dimensions:
        raise InputError(f"{name}: the ratings cover other videos or dimensions: {annotations!r}")
    round_annotations = one_round(annotations, recipe_of(metadata).round)
    return round_annotations.select(videos=rated_videos, setups=setups, dimensions=rated_dimensions)


def _series(
    annotations: Annotations,
    name: str,
    metadata: Mapping[str, Any],
    setups: Sequence[str],
    dimensions: Sequence[str],
    videos: Collection[str],
    step: Fraction,
) -> Series:
    """The series from which the gold standard was made, each moved earlier by the lag that it corrects."""
    recipe = replace(recipe_of(metadata), step=step)
    ratings = _select_ratings(annotations, name, metadata, setups, dimensions, videos)
    delay: Any = metadata.get("delays_s") or (0.0 if recipe.delay == "auto" else recipe.delay)
    return moved_earlier(ratings, recipe, drop_unusable(series_of(ratings, step), **recipe.exclusions)[0], delay)


def _columns(
    series: Series,
    dimension: str,
    spans: Mapping[str, tuple[int, int]],
    rows: int,
    settings: TrainingSettings,
    *,
    by_clip: bool,
) -> dict[tuple[str, str], Floats]:
    """For each rater and setup, (rows,) ratings; a rating of a clip holds for all its rows."""
    columns: dict[tuple[str, str], Floats] = {}
    names, raters, setups = (series.labelled(name).to_pylist() for name in ("dimension", "rater", "setup"))
    for i, (name, rater, setup) in enumerate(zip(names, raters, setups, strict=True)):
        if name != dimension:
            continue
        column = columns.setdefault((rater, setup), np.full(rows, np.nan))
        samples = slice(series.first[i], series.first[i + 1])
        window, value = series.window[samples], series.value[samples]
        if by_clip:
            for video, video_values in zip(window, value, strict=True):
                video_id = series.names["video_id"][video]
                start, windows = spans[video_id]
                column[start : start + windows] = _as_targets(
                    np.array([video_values]), rater, dimension, video_id, settings
                )
        else:
            video_id = series.names["video_id"][series.codes["video_id"][i]]
            start, windows = spans[video_id]
            value = _as_targets(value, rater, dimension, video_id, settings)
            inside = window < windows
            column[start + window[inside]] = value[inside]
    return columns


def _as_targets(value: Floats, rater: str, dimension: str, video_id: str, settings: TrainingSettings) -> Floats:
    low, high = settings.scale
    if len(value) and not low <= value.min() <= value.max() <= high:
        raise InputError(
            f"{rater} rated {dimension} of {video_id} from {value.min():g} to {value.max():g}; expected {low:g} to "
            f"{high:g}: give the scale of the labels with `label_range`"
        )
    return settings.as_targets(value)
