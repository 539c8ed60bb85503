"""Single raters: their series as targets, their agreement, and gold standards that are fitted fold by fold."""

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
from avcues.pipeline.annotations.ratings.exclusions import usable
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.series import Series, once_per_clip, series_of
from avcues.pipeline.annotations.statistics.consensus import leave_one_out_ccc
from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.errors import InputError
from avcues.pipeline.training.protocol import MAIN
from avcues.pipeline.training.samples import Floats, Target, edges_of
from avcues.pipeline.training.settings import TrainingSettings
from avcues.pipeline.training.targets import LabelFile


def recipe_of(about: Mapping[str, Any]) -> Recipe:
    """How a gold standard was made, by what it says of itself; the default for labels that do not say."""
    described = about.get("recipe")
    return Recipe.from_described(described) if described else Recipe()


def setup_of(name: str, about: Mapping[str, Any], annotations: Annotations) -> str:
    """The setup that labels are of, by what they say of themselves.

    Args:
        name: Of their file.

    Raises:
        InputError: They do not say, and there are several, or none has that name.
    """
    setup = about.get("setup")
    if setup is None and len(annotations.setups) == 1:
        return annotations.setups[0]
    if setup not in annotations.setups:
        raise InputError(
            f"{name}: does not say which of the ratings' setups it is of ({', '.join(annotations.setups)}); "
            "make it with avcues annotations gold"
        )
    return str(setup)


def human_agreement(
    annotations: Annotations,
    name: str,
    about: Mapping[str, Any],
    dimensions: Sequence[str],
    videos: Collection[str],
    step: Fraction,
) -> dict[str, dict[str, float]]:
    """By dimension, the CCC of each series with the gold standard of the others, over some videos.

    Args:
        name: Of the file of labels.
        about: What the labels say of themselves.

    Returns:
        Mean and sd (population) over all series, and their number: what one more rater would reach. Ratings given once
        per clip are one series per rater, over clips.
    """
    setups = [setup_of(name, about, annotations)]
    agreement: dict[str, list[Floats]] = {}
    for series in (
        _series(annotations, name, about, setups, dimensions, videos, step),
        once_per_clip(_chosen(annotations, name, about, setups, dimensions, videos)),
    ):
        for cells in series.cells():
            cell_figures = leave_one_out_ccc(cells.values, recipe_of(about).weights)
            for code, figure in zip(cells.codes["dimension"], cell_figures, strict=True):
                agreement.setdefault(series.names["dimension"][code], []).append(figure[np.isfinite(figure)])
    every = {name: np.concatenate(values) for name, values in agreement.items()}
    return {
        name: {"mean": float(values.mean()), "sd": float(values.std()), "series": len(values)}
        for name, values in every.items()
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
    """By dimension, the series of all raters, each to be predicted by a head.

    With heads="rater" the ratings of the labels' setup are learned by a head per rater, and the prediction is their
    mean. With heads="setup" those of all setups are learned by a head per setup, and the prediction is that of the
    labels' setup.

    Raises:
        InputError: A dimension has no ratings of single raters, or one lies outside of the scale.
    """
    setup = setup_of(file.name, file.about, annotations)
    # A branch that is pretrained has the ratings of its own setup only.
    setups = annotations.setups if settings.heads == "setup" and role == MAIN else (setup,)
    step = data.catalog.step
    by_clip = file.labels.once_per_video
    if by_clip:
        chosen = _chosen(annotations, file.name, file.about, setups, settings.dimensions, videos)
        series = once_per_clip(chosen)
    else:
        series = _series(annotations, file.name, file.about, setups, settings.dimensions, videos, step)
    edges = edges_of(data, videos)
    first = {video_id: (int(edges[i]), data.lengths[video_id]) for i, video_id in enumerate(videos)}
    targets = {}
    for dimension in settings.dimensions:
        columns = _columns(series, dimension, first, int(edges[-1]), settings, by_clip=by_clip)
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
            names=tuple(f"{rater} ({of})" if len(setups) > 1 else rater for rater, of in keys),
            heads=tuple(rater_outputs),
            outputs=outputs,
            readout=tuple(readout),
        )
    return targets


def refitted(
    annotations: Annotations,
    name: str,
    about: Mapping[str, Any],
    training_videos: Collection[str],
    features: FeatureValues | None,
) -> pa.Table:
    """The same gold standard, with everything that was fitted over videos fitted on training videos only.

    Args:
        features: As `delay_features` gives them.

    Raises:
        InputError: The labels do not say how they were made.
    """
    if "recipe" not in about:
        raise InputError(
            f"{name}: does not say by which recipe it was made, so it cannot be fitted anew in every fold; use the "
            "file that avcues annotations gold wrote"
        )
    refit = gold(annotations, recipe_of(about), training_videos=training_videos, features=features)
    return refit.tables[setup_of(name, about, annotations)]


def delay_features(name: str, about: Mapping[str, Any], data: Dataset) -> FeatureValues | None:
    """The features from which the lags of a gold standard were estimated; None where they were not estimated.

    The labels' recipe decides, not the tables that a model reads: models on different tables are judged by the same
    labels.

    Args:
        data: The dataset, in whose folder the recipe's tables are opened.

    Raises:
        InputError: The labels do not say which tables these were.
        DatasetError: The dataset's folder lacks one of them.
    """
    recipe = recipe_of(about)
    if recipe.delay != "auto":
        return None
    if recipe.delay_tables is None:
        raise InputError(
            f"{name}: does not say which tables the lags of its raters were estimated from, so it cannot be fitted "
            "anew in every fold; make it again with avcues annotations gold --features"
        )
    return FeatureValues(open_dataset(data.catalog.folder, tables=recipe.delay_tables))


def _chosen(
    annotations: Annotations,
    name: str,
    about: Mapping[str, Any],
    setups: Sequence[str],
    dimensions: Sequence[str],
    videos: Collection[str],
) -> Annotations:
    """The ratings of some videos, setups and dimensions, of the round that the labels were made of."""
    rated = sorted(set(annotations.videos) & set(videos))
    named = [dimension for dimension in dimensions if dimension in annotations.dimensions]
    if not rated or not named:
        raise InputError(f"{name}: the ratings are of other videos or dimensions: {annotations!r}")
    round_annotations = one_round(annotations, recipe_of(about).round)
    return round_annotations.select(videos=rated, setups=setups, dimensions=named)


def _series(
    annotations: Annotations,
    name: str,
    about: Mapping[str, Any],
    setups: Sequence[str],
    dimensions: Sequence[str],
    videos: Collection[str],
    step: Fraction,
) -> Series:
    """The series that the gold standard was made of, each moved earlier by the lag that the gold standard corrects."""
    recipe = replace(recipe_of(about), step=step)
    chosen = _chosen(annotations, name, about, setups, dimensions, videos)
    delay: Any = about.get("delays_s") or (0.0 if recipe.delay == "auto" else recipe.delay)
    return moved_earlier(chosen, recipe, usable(series_of(chosen, step), **recipe.exclusions)[0], delay)


def _columns(
    series: Series,
    dimension: str,
    first: Mapping[str, tuple[int, int]],
    rows: int,
    settings: TrainingSettings,
    *,
    by_clip: bool,
) -> dict[tuple[str, str], Floats]:
    """(rows,) for each rater and setup; a rating of a clip holds for all its rows."""
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
                start, windows = first[video_id]
                column[start : start + windows] = _on_scale(
                    np.array([video_values]), rater, dimension, video_id, settings
                )
        else:
            video_id = series.names["video_id"][series.codes["video_id"][i]]
            start, windows = first[video_id]
            value = _on_scale(value, rater, dimension, video_id, settings)
            inside = window < windows
            column[start + window[inside]] = value[inside]
    return columns


def _on_scale(value: Floats, rater: str, dimension: str, video_id: str, settings: TrainingSettings) -> Floats:
    low, high = settings.scale
    if len(value) and not low <= value.min() <= value.max() <= high:
        raise InputError(
            f"{rater} rated {dimension} of {video_id} from {value.min():g} to {value.max():g}; expected {low:g} to "
            f"{high:g}: give the scale of the labels with `label_range`"
        )
    return settings.as_targets(value)
