"""Single raters: their series as targets, their agreement, and gold standards that are fitted fold by fold."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.gold_standards.feature_values import FeatureValues
from avcues.pipeline.annotations.gold_standards.gold import gold, one_round
from avcues.pipeline.annotations.gold_standards.recipe import Recipe
from avcues.pipeline.annotations.ratings.exclusions import usable
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.series import Series, series_of
from avcues.pipeline.annotations.statistics.consensus import leave_one_out_ccc
from avcues.pipeline.dataset.dataset import Dataset, open_dataset
from avcues.pipeline.errors import InputError
from avcues.pipeline.training.samples import Floats, Target, edges_of
from avcues.pipeline.training.settings import MAIN, TrainingSettings
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
        Mean and sd (population) over all series, and their number: what one more rater would reach.
    """
    series = _series(annotations, name, about, [setup_of(name, about, annotations)], dimensions, videos, step)
    found: dict[str, list[Floats]] = {}
    for cells in series.cells():
        agreement = leave_one_out_ccc(cells.values, recipe_of(about).weights)
        for code, of_cell in zip(cells.codes["dimension"], agreement, strict=True):
            found.setdefault(series.names["dimension"][code], []).append(of_cell[np.isfinite(of_cell)])
    every = {name: np.concatenate(values) for name, values in found.items()}
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
        InputError: A dimension has no ratings over time, or one lies outside of the scale.
    """
    setup = setup_of(file.name, file.about, annotations)
    # A branch that is pretrained has the ratings of its own setup only.
    setups = annotations.setups if settings.heads == "setup" and role == MAIN else (setup,)
    step = data.catalog.step
    series = _series(annotations, file.name, file.about, setups, settings.dimensions, videos, step)
    edges = edges_of(data, videos)
    first = {video_id: (int(edges[i]), data.lengths[video_id]) for i, video_id in enumerate(videos)}
    targets = {}
    for dimension in settings.dimensions:
        columns = _columns(series, dimension, first, int(edges[-1]), settings)
        if not columns:
            raise InputError(f"{file.name}: {dimension} has no ratings over time of single raters in setup {setup}")
        keys = sorted(columns)
        of_setup = settings.heads == "setup"
        outputs = tuple(dict.fromkeys(key[1] if of_setup else key[0] for key in keys))
        own = [outputs.index(key[1] if of_setup else key[0]) for key in keys]
        readout = [float(name == setup) if of_setup else 1 / len(outputs) for name in outputs]
        targets[dimension] = Target(
            values=np.column_stack([columns[key] for key in keys]),
            names=tuple(f"{rater} ({of})" if len(setups) > 1 else rater for rater, of in keys),
            heads=tuple(own),
            outputs=outputs,
            readout=tuple(readout),
        )
    return targets


def refitted(
    annotations: Annotations,
    name: str,
    about: Mapping[str, Any],
    training_videos: Collection[str],
    data: Dataset,
) -> pa.Table:
    """The same gold standard, with everything that was fitted over videos fitted on training videos only.

    Lags are estimated from the tables that they were first estimated from, whatever tables the model learns from.

    Raises:
        InputError: The labels do not say which tables these were.
        DatasetError: The dataset's folder lacks one of them.
    """
    recipe = recipe_of(about)
    features = None
    if recipe.delay == "auto":
        if recipe.delay_tables is None:
            raise InputError(
                f"{name}: does not say which tables the lags of its raters were estimated from, so it cannot be fitted "
                "anew in every fold; make it again with avcues annotations gold --features"
            )
        features = FeatureValues(open_dataset(data.catalog.folder, tables=recipe.delay_tables))
    made = gold(annotations, recipe, training_videos=training_videos, features=features)
    return made.tables[setup_of(name, about, annotations)]


def _series(
    annotations: Annotations,
    name: str,
    about: Mapping[str, Any],
    setups: Sequence[str],
    dimensions: Sequence[str],
    videos: Collection[str],
    step: Fraction,
) -> Series:
    """The series that the gold standard was made of, each placed as early as it was there."""
    recipe = recipe_of(about)
    rated = sorted(set(annotations.videos) & set(videos))
    named = [dimension for dimension in dimensions if dimension in annotations.dimensions]
    if not rated or not named:
        raise InputError(f"{name}: the ratings are of other videos or dimensions: {annotations!r}")
    chosen = one_round(annotations, recipe.round).select(videos=rated, setups=setups, dimensions=named)
    delay: Any = about.get("delays_s") or (0.0 if recipe.delay == "auto" else recipe.delay)
    series = series_of(chosen, step, delays=delay)
    if recipe.windows is not None:
        series = series.until(recipe.windows)
    return usable(series, windows=recipe.windows, together=recipe.together)[0]


def _columns(
    series: Series,
    dimension: str,
    first: Mapping[str, tuple[int, int]],
    rows: int,
    settings: TrainingSettings,
) -> dict[tuple[str, str], Floats]:
    """(rows,) for each rater and setup."""
    low, high = settings.scale
    keys = (series.labelled(name).to_pylist() for name in ("dimension", "rater", "setup", "video_id"))
    columns: dict[tuple[str, str], Floats] = {}
    for i, (name, rater, setup, video_id) in enumerate(zip(*keys, strict=True)):
        if name != dimension:
            continue
        start, windows = first[video_id]
        own = slice(series.first[i], series.first[i + 1])
        window, value = series.window[own], series.value[own]
        if len(value) and not low <= value.min() <= value.max() <= high:
            raise InputError(
                f"{rater} rated {dimension} of {video_id} from {value.min():g} to {value.max():g}; expected {low:g} to "
                f"{high:g}: give the scale of the labels with --label-range LOW,HIGH"
            )
        there = window < windows
        column = columns.setdefault((rater, setup), np.full(rows, np.nan))
        column[start + window[there]] = settings.as_targets(value[there])
    return columns
