"""Computes every figure of a model from the tables that were saved with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.store.model_files import COEFFICIENTS, IMPORTANCE, OUT_OF_FOLD, RATERS
from avcues.pipeline.store.parquet import read_table
from avcues.pipeline.training.evaluate import scores
from avcues.pipeline.training.importance import coefficients_by_family
from avcues.pipeline.training.intervals import mean_interval, paired_test
from avcues.pipeline.training.scorers import Scorer, rows_by_group, rows_with_values, scorer_of
from avcues.pipeline.training.settings import ALL_OF, TrainingSettings

_LISTED_COLUMNS = 20


def metrics(
    folder: Path, settings: TrainingSettings, human: Mapping[str, Any], groups: Mapping[str, str]
) -> dict[str, Any]:
    """By dimension, the figures of a model, of its baselines, and of the raters.

    Args:
        human: By dimension, the agreement of raters, if known.
        groups: The group of each video; empty: each video is a group of its own.

    Returns:
        JSON values; an undefined figure is null.
    """
    table, importance = read_table(folder / OUT_OF_FOLD), read_table(folder / IMPORTANCE)
    figures = {}
    for dimension in settings.dimensions:
        scorer = scorer_of(settings, dimension, groups)
        rows = rows_of(table, settings, dimension)
        full_rows = rows.filter(pc.is_null(rows["without"]))
        dimension_figures = {
            "kind": scorer.kind,
            "model": scorer.evaluate(full_rows),
            "baselines": {name: _baseline(scorer, full_rows, name) for name in scorer.baselines},
            "human": human.get(dimension),
            "importance": _tables_and_modalities(
                scorer.importance(full_rows, rows_with_values(importance, dimension=dimension))
            )
            | _weights(folder, dimension),
            "ablation": _ablation(scorer, rows, full_rows),
        }
        if (folder / RATERS).exists():
            rater_rows = rows_with_values(read_table(folder / RATERS), dimension=dimension)
            dimension_figures["raters"] = _raters(rater_rows, over_clips=settings.unit == "clip")
        figures[dimension] = dimension_figures
    return figures


def rows_of(table: pa.Table, settings: TrainingSettings, dimension: str) -> pa.Table:
    """The out-of-fold predictions of a dimension's labels."""
    return table.filter(pc.is_in(table["dimension"], pa.array(settings.labels_of(dimension))))


def _baseline(scorer: Scorer, full_rows: pa.Table, name: str) -> dict[str, Any]:
    figures = {key: value for key, value in scorer.evaluate(full_rows, name).items() if key != "per_video"}
    return {**figures, "model_is_better_by": scorer.compare(full_rows, full_rows, "prediction", name)}


def _ablation(scorer: Scorer, rows: pa.Table, full_rows: pa.Table) -> dict[str, Any]:
    """By table, the headline figure of the model without it, and how much better the full model is."""
    figures = {}
    for table in rows["without"].unique().drop_null().to_pylist():
        ablated_rows = rows_with_values(rows, without=table)
        headline = scorer.evaluate(ablated_rows)[scorer.headline]
        figures[table] = {scorer.headline: headline, "model_is_better_by": scorer.compare(full_rows, ablated_rows)}
    return figures


def _tables_and_modalities(losses: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Importance of each table and, if there are several modalities, of each modality."""
    modalities = {name.removeprefix(ALL_OF): value for name, value in losses.items() if name.startswith(ALL_OF)}
    tables = {name: value for name, value in losses.items() if not name.startswith(ALL_OF)}
    return {"tables": tables} | ({"modalities": modalities} if modalities else {})


def _weights(folder: Path, dimension: str) -> dict[str, Any]:
    """The coefficients of a linear model, by descriptor family and by column; empty for other models."""
    if not (folder / COEFFICIENTS).exists():
        return {}
    table = rows_with_values(read_table(folder / COEFFICIENTS), dimension=dimension)
    folds, values = table["fold"].unique(), table["coefficient"].to_numpy()
    # A column that is constant over the training videos of a fold has no coefficient in that fold; it counts as 0.
    columns = {
        name: [*values[rows], *[0.0] * (len(folds) - len(rows))] for (name,), rows in rows_by_group(table, "column")
    }
    largest = sorted(columns, key=lambda name: -np.mean(np.abs(columns[name])))[:_LISTED_COLUMNS]
    listed = {name: float(np.mean(columns[name])) for name in largest if any(columns[name])}
    return {"families": coefficients_by_family(columns), "columns": listed}


def _raters(table: pa.Table, *, over_clips: bool) -> dict[str, Any]:
    """How well the head of each rater predicts that rater's series, compared with the joint prediction.

    Args:
        over_clips: Whether a rater has one series over all clips instead of one per clip over its windows.
    """
    target, *predicted = (table[name].to_numpy() for name in ("target", "own_head", "prediction"))
    series: dict[str, dict[str, list[list[float]]]] = {}
    keys = ("rater", "seed") if over_clips else ("rater", "seed", "video_id")
    for (rater, _, *video_id), rows in rows_by_group(table, *keys):
        series_ccc = [scores(target[rows], values[rows])["ccc"] for values in predicted]
        series.setdefault(rater, {}).setdefault("".join(video_id), []).append(series_ccc)
    per_rater = {}
    for rater, videos in sorted(series.items()):
        means = np.array([np.mean(seeds, axis=0) for seeds in videos.values()])
        per_rater[rater] = means[np.isfinite(means).all(axis=1)]
    raters_with_scores = {rater: means for rater, means in per_rater.items() if len(means)}
    if not raters_with_scores:
        return {"series": 0, "own_head": None, "prediction": None, "own_head_is_better_by": None, "per_rater": []}
    all_series = np.concatenate(list(raters_with_scores.values()))
    rater_means = np.array([means.mean(axis=0) for means in raters_with_scores.values()])
    return {
        "series": len(all_series),
        **{name: _summary(all_series[:, i]) for i, name in enumerate(("own_head", "prediction"))},
        "own_head_is_better_by": paired_test(rater_means[:, 0], rater_means[:, 1]) | {"over": "raters"},
        "per_rater": [
            {"rater": rater, "series": len(means), "own_head": float(own_head), "prediction": float(joint)}
            for (rater, means), (own_head, joint) in zip(raters_with_scores.items(), rater_means, strict=True)
        ],
    }


def _summary(values: npt.NDArray[np.float64]) -> dict[str, float | None]:
    bounds = [float(bound) if np.isfinite(bound) else None for bound in mean_interval(values, bounds=(-1, 1))]
    return {"mean": float(values.mean()), "sd": float(values.std()), "low": bounds[0], "high": bounds[1]}
