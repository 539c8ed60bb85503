"""Gold standards: the ratings of several raters combined into one value per window or clip."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from avcues.pipeline.annotations.gold_standards.combine import Combined, combine, setup_tables, weights_table
from avcues.pipeline.annotations.gold_standards.delay import Delays, fit_delays
from avcues.pipeline.annotations.gold_standards.feature_values import FeatureValues
from avcues.pipeline.annotations.gold_standards.recipe import Recipe
from avcues.pipeline.annotations.gold_standards.scaling import smoothed, standardised
from avcues.pipeline.annotations.ratings.exclusions import (
    LeftOut,
    drop_unusable,
    exclusion_notes,
    holes,
    repeats_left_out,
)
from avcues.pipeline.annotations.ratings.files import write_tables
from avcues.pipeline.annotations.ratings.keys import is_in
from avcues.pipeline.annotations.ratings.raters import raters_by_video
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.annotations.ratings.series import Series, once_per_clip, series_of
from avcues.pipeline.annotations.ratings.wording import counted, listed
from avcues.pipeline.annotations.statistics.consensus import Values
from avcues.pipeline.dataset.label_metadata import FITTED_ON
from avcues.pipeline.errors import DatasetError, SettingsError, one_line
from avcues.pipeline.store.documents import require_regular_file
from avcues.pipeline.store.parquet import optional_metadata
from avcues.version import __version__

KIND = "gold standard"


@dataclass(frozen=True, kw_only=True, repr=False)
class Gold:
    """Gold standards by setup, and how they were made.

    Args:
        tables: By setup: `video_id`, `window` (unless everything is rated once per clip), then for each dimension its
            value, `<dimension>_std` (ddof 0) and `<dimension>_n` over the raters of the window; finally `fitted_on`,
            whether anything was fitted on the video, which outlives the metadata. The metadata key `avcues` has the
            recipe (`Recipe.from_described` reads it), the targets, and under `fitted_on` the videos that anything was
            fitted on.
        weights: `rater`, `video_id` (null: one weight for all clips), `setup`, `dimension`, `weight`.
        delays: The raters' estimated lags; None: lags were given, or none is corrected.
        left_out: Series left out, by reason.
        notes: Remarks, one line each.
    """

    tables: Mapping[str, pa.Table]
    weights: pa.Table
    delays: Delays | None
    left_out: LeftOut
    notes: tuple[str, ...]


def gold(
    annotations: Annotations,
    recipe: Recipe = Recipe(),
    *,
    training_videos: Collection[str] | None = None,
    features: Mapping[str, Values] | None = None,
    lags_s: Mapping[str, float] | None = None,
) -> Gold:
    """Makes the gold standard of every setup.

    What is fitted over several videos (the raters' lags and scales, and their weights where they rate once per clip) is
    fitted on training videos and applied to all. The weights of ratings over time are each clip's own.

    Args:
        annotations: Ratings with at least one dimension in numbers.
        recipe: How raters are combined.
        training_videos: Ids; None: all videos. Required for the delay "auto".
        features: By video, (windows, columns), NaN is missing; required for the delay "auto" unless `lags_s` is given.
            Only those of training videos are read.
        lags_s: The raters' lags in seconds, as the metadata of a gold standard made with the delay "auto" has them
            (`delays_s`); None: they are estimated.

    Raises:
        SettingsError: There are several rounds and the recipe names none, nothing is rated in numbers, no training
            video is rated, or the delay cannot be estimated.
    """
    annotations = one_round(annotations.select(dimensions=recipe.dimensions), recipe.round)
    rated = sorted(set(annotations.videos) & set(annotations.videos if training_videos is None else training_videos))
    if not rated:
        raise SettingsError(f"no training video is rated: {listed(sorted(training_videos or ()))}")
    series, left_out = drop_unusable(series_of(annotations, recipe.step), **recipe.exclusions)
    clips = once_per_clip(annotations)
    if not len(series) and not len(clips):
        raise SettingsError(_why_nothing_is_left(annotations, left_out))
    fitted: dict[str, list[str]] = {}
    notes = [*holes(series), *repeats_left_out(annotations)]
    delays: Delays | None = None
    shift_s: dict[str, float] | None = None
    if recipe.delay == "auto" and lags_s is not None:
        shift_s = dict(lags_s)
    elif recipe.delay == "auto":
        if features is None or training_videos is None:
            raise SettingsError("the delay auto is estimated from features of training videos; give both")
        recipe = replace(recipe, delay_tables=_delay_tables(recipe, features))
        delays = fit_delays(series, features, rated)
        fitted["delay"] = list(delays.videos)
        shift_s = {rater: lag * float(recipe.step) for rater, lag in delays.windows.items()}
        notes += _delay_notes(delays)
    if recipe.delay:
        # What is left out is decided before the shift, which shortens the series of slow raters.
        series = moved_earlier(annotations, recipe, series, shift_s or float(recipe.delay))
    if recipe.standardise:
        fitted["standardise"] = rated
        series, series_notes = standardised(series, rated)
        clips, clip_notes = standardised(clips, rated)
        notes += [*series_notes, *clip_notes]
    if recipe.smooth is not None:
        series = smoothed(series, recipe.smooth)
    if len(clips) and recipe.method == "ewe":
        fitted["weights"] = rated
    if fitted and training_videos is None:
        notes.append(
            f"{_fitted_in_words(fitted, clips)} fitted on all {len(rated)} videos, so none can be a test video; "
            "name the training videos, or leave these dimensions out"
        )
    training = np.isin(np.array(annotations.videos), rated)
    parts = [combine(series, recipe), combine(clips, recipe, training)]
    metadata = {
        "avcues": __version__,
        "kind": KIND,
        "recipe": replace(recipe, dimensions=tuple(dimension.name for dimension in annotations.numeric())).described(),
        "fitted_on": fitted,
        "delays_s": shift_s,
        "left_out": {reason: len(series_names) for reason, series_names in left_out.items()},
        "step": str(recipe.step),
        "ratings": dict(annotations.origin),
        "raters": raters_by_video(annotations),
    }
    tables = setup_tables(parts, series.names, annotations.dimensions, metadata)
    fitted_videos = set().union(*fitted.values())
    return Gold(
        tables={setup: _with_fitted_column(table, fitted_videos) for setup, table in tables.items()},
        weights=weights_table(parts, series.names),
        delays=delays,
        left_out=left_out,
        notes=(*notes, *_combination_notes(parts), *_alignment_notes(parts, recipe)),
    )


def _with_fitted_column(table: pa.Table, fitted_videos: Collection[str]) -> pa.Table:
    """The table with the column `fitted_on`, which survives in pandas and CSV, where metadata are lost."""
    return table.append_column(FITTED_ON, pa.array(is_in(table["video_id"], fitted_videos)))


def moved_earlier(
    annotations: Annotations, recipe: Recipe, series: Series, shift_s: float | Mapping[str, float]
) -> Series:
    """The series of `series` with all ratings moved earlier.

    Args:
        series: The usable series of `annotations`.
        late_s: Seconds, for all raters or by rater.
    """
    moved = series_of(annotations, recipe.step, delays=shift_s)
    return (moved if recipe.windows is None else moved.first_windows(recipe.windows)).shared_with(series)


def write_gold(result: Gold, folder: Path) -> list[Path]:
    """Writes one labels file per setup, `SETUP.parquet`, and returns their paths.

    Raises:
        OutputError: They cannot be written.
    """
    paths = [folder / f"{setup}.parquet" for setup in result.tables]
    write_tables(dict(zip(paths, result.tables.values(), strict=True)))
    return paths


def read_labels_metadata(labels: Path | pa.Table) -> dict[str, Any] | None:
    """The metadata of a file or table of labels; None: avcues did not make it.

    `fitted_on` names the videos that anything was fitted on; with these labels, no model may be tested on them. If it
    is empty, the labels of each video depend on that video alone.

    Raises:
        DatasetError: The file cannot be read.
    """
    try:
        if isinstance(labels, Path):
            require_regular_file(labels)
        schema = labels.schema if isinstance(labels, pa.Table) else pq.read_schema(labels)
        metadata = optional_metadata(schema, "labels")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DatasetError(f"{labels}: cannot be read as a Parquet file of labels ({one_line(error)})") from error
    return metadata if "fitted_on" in metadata else None


def one_round(annotations: Annotations, name: str | None) -> Annotations:
    """The ratings of one round.

    Raises:
        SettingsError: There are several rounds and `name` is None, or no round has this name.
    """
    rounds = annotations.rounds
    if name is None and len(rounds) < 2:
        return annotations
    if name not in rounds:
        problem = "the ratings are of several rounds" if name is None else f'no round "{name}"'
        raise SettingsError(
            f"{problem}; name one with `round`: {', '.join(rounds) or 'there is only one, without a name'}"
        )
    return annotations.select(round_=name)


def _delay_tables(recipe: Recipe, features: Mapping[str, Values]) -> tuple[str, ...] | None:
    """Names of the tables that lags are estimated from; None: unknown.

    Raises:
        SettingsError: The recipe names other tables.
    """
    tables = features.tables if isinstance(features, FeatureValues) else None
    if recipe.delay_tables is not None and tables is not None and set(tables) != set(recipe.delay_tables):
        raise SettingsError(
            f"the recipe estimates lags from {', '.join(recipe.delay_tables)}, but the features are of "
            f"{', '.join(tables)}; lags of other tables would be another gold standard"
        )
    return recipe.delay_tables if tables is None else tables


def _delay_notes(delays: Delays) -> list[str]:
    if not delays.borrowed:
        return []
    return [
        f"lag unknown of {counted(len(delays.borrowed), 'rater')} ({listed(delays.borrowed)}); the median of the "
        "others' lags is used"
    ]


def _combination_notes(parts: list[Combined]) -> list[str]:
    single_rater = sum(part.single_rater for part in parts)
    unagreed = sum(part.unagreed for part in parts)
    cells = "(video, setup, dimension)"
    notes = []
    if single_rater:
        notes.append(f"one rater only in {counted(single_rater, 'cell')} {cells}, whose ratings are the gold standard")
    if unagreed:
        notes.append(f"no agreement between raters in {counted(unagreed, 'cell')} {cells}; the plain mean is used")
    return notes


def _alignment_notes(parts: list[Combined], recipe: Recipe) -> list[str]:
    if recipe.align is None:
        return []
    aligned_cells, unaligned_cells = sum(part.aligned for part in parts), sum(part.unaligned for part in parts)
    if not aligned_cells + unaligned_cells:
        return ["no raters were aligned, because nothing is rated over time"]
    except_unaligned = f", not in {counted(unaligned_cells, 'cell')} that several raters did not rate together"
    return [
        f"raters aligned moment by moment in {counted(aligned_cells, 'cell')} (video, setup, dimension)"
        f"{except_unaligned if unaligned_cells else ''}: labels depend on ratings after them, so they are not "
        "causal, and agreement "
        "with them is too high"
    ]


def _fitted_in_words(fitted: Collection[str], clips: Series) -> str:
    """What was fitted over several videos, and for which dimensions."""
    clip_dimensions = sorted({clips.names["dimension"][code] for code in clips.codes["dimension"]})
    fitted_parts = {
        "delay": "lags",
        "standardise": "raters' scales",
        "weights": f"weights of {' and '.join(clip_dimensions)}",
    }
    return " and ".join(fitted_parts[step] for step in fitted)


def _why_nothing_is_left(annotations: Annotations, left_out: LeftOut) -> str:
    """Why there is no gold standard, and what to do instead."""
    if annotations.numeric():
        return f"no usable rating in numbers: {'; '.join(exclusion_notes(left_out))}"
    labels = ", ".join(dimension.name for dimension in annotations.nominal())
    return f"nothing is rated in numbers, only in labels ({labels}); make soft labels: avcues annotations soft"
