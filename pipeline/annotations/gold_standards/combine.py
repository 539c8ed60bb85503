"""Combines raters into one value per window or clip, and writes the values as tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.annotations.gold_standards.recipe import Recipe
from avcues.pipeline.annotations.gold_standards.warping import aligned
from avcues.pipeline.annotations.ratings.keys import words
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.annotations.ratings.series import Series
from avcues.pipeline.annotations.statistics.consensus import Values, ewe, weighted_mean
from avcues.pipeline.store.parquet import METADATA_KEY

Ints = npt.NDArray[np.int64]

STD, N = "_std", "_n"
"""Suffixes of the columns that describe a target."""


@dataclass(frozen=True, kw_only=True)
class Combined:
    """Combined ratings, one entry per setup, dimension, video and window.

    Args:
        setup: (N,) codes, like `dimension` and `video`.
        window: (N,), -1 for a rating of the whole clip.
        value: (N,) NaN where no rater has a weight.
        std: (N,) standard deviation over raters, ddof 0.
        n: (N,) number of raters.
        weights: Codes `setup`, `dimension`, `video` (-1: all) and `rater`, with the `weight` of the estimator.
        single_rater: Number of cells with one rater.
        unagreed: Number of cells in which no rater agrees with the others, so that the plain mean was taken.
        aligned: Number of cells over time whose raters were aligned.
        unaligned: Number of cells over time whose raters were to be aligned but share too few windows.
    """

    setup: Ints
    dimension: Ints
    video: Ints
    window: Ints
    value: Values
    std: Values
    n: Ints
    weights: Mapping[str, npt.NDArray[Any]]
    single_rater: int
    unagreed: int
    aligned: int
    unaligned: int


def combine(series: Series, recipe: Recipe, fitted: npt.NDArray[np.bool_] | None = None) -> Combined:
    """Combines the raters of every cell.

    Args:
        series: Over time, or over clips.
        recipe: How raters are combined.
        fitted: (windows,) the windows that determine the weights; None: all. For ratings once per clip, a "window" is a
            clip, and these are the training videos.
    """
    entries: list[tuple[npt.NDArray[Any], ...]] = []
    weights: list[tuple[npt.NDArray[Any], ...]] = []
    single_rater = unagreed = aligned_cells = unaligned_cells = 0
    for cells in series.cells():
        value, weight, unweighted = _combined_values(cells.values, recipe, fitted)
        values = cells.values
        if recipe.align is not None and (cells.codes["video_id"] >= 0).all():
            values, value, is_aligned = _aligned(values, value, weight, recipe)
            aligned_cells, unaligned_cells = (
                aligned_cells + int(is_aligned.sum()),
                unaligned_cells + int((~is_aligned).sum()),
            )
        rated_cells = np.isfinite(values)
        count = rated_cells.sum(1)
        mean = np.where(rated_cells, values, 0).sum(1) / np.maximum(count, 1)
        square = np.where(rated_cells, (values - mean[:, None]) ** 2, 0).sum(1) / np.maximum(count, 1)
        cell, position = np.nonzero(count)
        video = cells.codes["video_id"][cell]
        over_clips = video < 0
        entries.append(
            (
                cells.codes["setup"][cell],
                cells.codes["dimension"][cell],
                np.where(over_clips, position, video),
                np.where(over_clips, -1, position),
                value[cell, position],
                np.sqrt(square[cell, position]),
                count[cell, position],
            )
        )
        raters = (cells.rater >= 0).sum(1)
        single_rater += int((raters == 1).sum())
        unagreed += int((unweighted & (raters > 1)).sum())
        cell, slot = np.nonzero(cells.rater >= 0)
        keys = (cells.codes[name][cell] for name in ("setup", "dimension", "video_id"))
        weights.append((*keys, cells.rater[cell, slot], weight[cell, slot]))
    columns = [np.concatenate(column) for column in zip(*entries, strict=True)] or [np.zeros(0, np.int64)] * 7
    weight_columns = [np.concatenate(column) for column in zip(*weights, strict=True)] or [np.zeros(0, np.int64)] * 5
    return Combined(
        **dict(zip(("setup", "dimension", "video", "window", "value", "std", "n"), columns, strict=True)),
        weights=dict(zip(("setup", "dimension", "video", "rater", "weight"), weight_columns, strict=True)),
        single_rater=single_rater,
        unagreed=unagreed,
        aligned=aligned_cells,
        unaligned=unaligned_cells,
    )


def _aligned(
    ratings: Values, value: Values, weight: Values, recipe: Recipe
) -> tuple[Values, Values, npt.NDArray[np.bool_]]:
    """(C, R, W) aligned ratings, (C, W) combined values, and (C,) whether the raters could be aligned."""
    longest = max(1, round(recipe.longest_warp / float(recipe.step)))
    method = recipe.align or "dba"
    cells = [aligned(*cell, method, longest) for cell in zip(ratings, value, weight, strict=True)]
    return (
        np.stack([aligned_ratings for aligned_ratings, _, _ in cells]),
        np.stack([combined for _, combined, _ in cells]),
        np.array([is_aligned for _, _, is_aligned in cells]),
    )


def _combined_values(
    ratings: Values, recipe: Recipe, fitted: npt.NDArray[np.bool_] | None
) -> tuple[Values, Values, npt.NDArray[np.bool_]]:
    """From (C, R, W) ratings: (C, W) values, (C, R) weights, and (C,) whether no rater got a weight."""
    equal_weights = np.asarray(np.isfinite(ratings).any(-1), np.float64)
    if recipe.method == "mean":
        return weighted_mean(ratings, equal_weights), equal_weights, np.zeros(len(ratings), bool)
    if recipe.method == "median":
        with np.errstate(all="ignore"):
            middle = np.ma.median(np.ma.masked_invalid(ratings), axis=1).filled(np.nan)
        return middle, equal_weights, np.zeros(len(ratings), bool)
    if fitted is None:
        value, weight, unagreed = ewe(ratings, recipe.weights)
    else:
        _, weight, unagreed = ewe(ratings[..., fitted[: ratings.shape[-1]]], recipe.weights)
        value = weighted_mean(ratings, np.where(unagreed[:, None], equal_weights, weight))
    return value, weight, unagreed


def setup_tables(
    parts: Sequence[Combined],
    names: Mapping[str, Sequence[str]],
    dimensions: Mapping[str, Dimension],
    metadata: Mapping[str, Any],
) -> dict[str, pa.Table]:
    """One table per setup, sorted by video and window; ratings of whole clips are repeated for each window."""
    tables = {}
    for i, setup in enumerate(names["setup"]):
        setup_parts = [_select_rows(part, part.setup == i) for part in parts]
        if any(len(part.value) for part in setup_parts):
            table, targets = _table(setup_parts, names, dimensions)
            setup_metadata = dict(metadata) | {"setup": setup, "targets": targets}
            tables[setup] = table.replace_schema_metadata({METADATA_KEY: json.dumps(setup_metadata)})
    return tables


def weights_table(parts: Iterable[Combined], names: Mapping[str, Sequence[str]]) -> pa.Table:
    """`rater`, `video_id`, `setup`, `dimension`, `weight`, one row per rater and cell."""
    columns = {
        key: np.concatenate([part.weights[key] for part in parts]) for key in ("rater", "video", "setup", "dimension")
    }
    weight = np.concatenate([part.weights["weight"] for part in parts]).astype(np.float64)
    return pa.table(
        {
            "rater": words(columns["rater"], names["rater"]),
            "video_id": words(columns["video"], names["video_id"]),
            "setup": words(columns["setup"], names["setup"]),
            "dimension": words(columns["dimension"], names["dimension"]),
            "weight": pa.array(weight),
        }
    )


def _select_rows(part: Combined, rows: npt.NDArray[np.bool_]) -> Combined:
    arrays = {
        name: getattr(part, name)[rows] for name in ("setup", "dimension", "video", "window", "value", "std", "n")
    }
    return replace(part, **arrays)


def _table(
    parts: Sequence[Combined], names: Mapping[str, Sequence[str]], dimensions: Mapping[str, Dimension]
) -> tuple[pa.Table, list[dict[str, Any]]]:
    """The table of one setup, and the description of its targets for the metadata."""
    rated = [part for part in parts if len(part.value)]
    # Rows are windows if anything is rated over time, else clips.
    row_part = max(rated, key=lambda part: int(part.window.max()))
    windows_per_video = int(row_part.window.max()) + 2
    keys = np.unique(row_part.video * windows_per_video + row_part.window + 1)
    video, window = keys // windows_per_video, keys % windows_per_video - 1
    columns: dict[str, pa.Array] = {"video_id": words(video, names["video_id"])}
    if windows_per_video > 1:
        columns["window"] = pa.array(window.astype(np.int32))
    targets = []
    for part in rated:
        key = keys if part is row_part or part.window.max() >= 0 else video * windows_per_video
        for code in np.unique(part.dimension):
            dimension_part = _select_rows(part, part.dimension == code)
            row_keys = dimension_part.video * windows_per_video + np.where(
                dimension_part.window < 0, 0, dimension_part.window + 1
            )
            position = np.searchsorted(row_keys, key).clip(0, len(row_keys) - 1)
            rated_cells = row_keys[position] == key
            name = names["dimension"][code]
            for suffix, array in (
                ("", dimension_part.value),
                (STD, dimension_part.std),
                (N, dimension_part.n.astype(np.int32)),
            ):
                values = array[position]
                columns[name + suffix] = pa.array(values, mask=~rated_cells | ~np.isfinite(values))
            dimension = dimensions[name]
            targets.append(
                {"name": name, "std": name + STD, "n": name + N}
                | {"low": dimension.low, "high": dimension.high, "level": dimension.level}
            )
    return pa.table(columns), targets
