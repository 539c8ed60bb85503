"""Writes the tables from which all figures of a model are computed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.store.model_files import COEFFICIENTS, FOLDS, HISTORY, IMPORTANCE, OUT_OF_FOLD, RATERS
from avcues.pipeline.store.parquet import write_table
from avcues.pipeline.training.cross_validation import Outcome
from avcues.pipeline.training.protocol import MAIN
from avcues.pipeline.training.samples import Samples
from avcues.pipeline.training.settings import TrainingSettings
from avcues.pipeline.training.splits import Parts


def write_results(
    folder: Path, samples: Samples, folds: Sequence[Parts], settings: TrainingSettings, outcomes: Sequence[Outcome]
) -> None:
    """Writes every table into the model's folder; predictions and labels are on the scale of the labels.

    `avcues.pipeline.store.model_files` documents the tables.
    """
    unablated = [outcome for outcome in outcomes if outcome.job.without is None]
    _write([_out_of_fold(outcome, samples, settings) for outcome in outcomes], folder / OUT_OF_FOLD)
    _write([_parts(fold, parts) for fold, parts in enumerate(folds)], folder / FOLDS)
    _write([_losses(outcome) for outcome in unablated], folder / HISTORY)
    _write([_importance(outcome, settings) for outcome in unablated], folder / IMPORTANCE)
    if any(outcome.coefficients for outcome in unablated):
        _write([_coefficients(outcome) for outcome in unablated], folder / COEFFICIENTS)
    if settings.targets == "raters":
        _write([_raters(outcome, samples, settings) for outcome in unablated], folder / RATERS)


def _write(tables: Sequence[pa.Table], path: Path) -> None:
    write_table(pa.concat_tables(tables), path)


def _out_of_fold(outcome: Outcome, samples: Samples, settings: TrainingSettings) -> pa.Table:
    """The rows of each label, label by label; each category of a dimension is a label."""
    dimension = outcome.job.dimension
    gold = samples.with_fold_labels(outcome.job.fold).gold[dimension][outcome.rows]
    on_scale = (lambda shares: shares) if dimension in settings.categories else settings.as_labels
    return pa.concat_tables(
        pa.table(
            {
                "dimension": _repeated(label, len(gold)),
                "without": pa.array([outcome.job.without] * len(gold), pa.string()),
                **_row_keys(outcome, samples, outcome.rows, settings),
                "target": on_scale(gold[:, i]),
                "prediction": on_scale(outcome.predictions[:, i]),
                "train_mean": on_scale(outcome.train_mean[:, i]),
                "time_only": on_scale(outcome.time_only[:, i]),
            }
        )
        for i, label in enumerate(settings.labels_of(dimension))
    )


def _raters(outcome: Outcome, samples: Samples, settings: TrainingSettings) -> pa.Table:
    target = samples.with_fold_labels(outcome.job.fold).targets[MAIN][outcome.job.dimension]
    ratings = target.values[outcome.rows]
    row, column = np.nonzero(np.isfinite(ratings))
    own_head = outcome.outputs[row, np.array(target.heads)[column]]
    return pa.table(
        {
            "dimension": _repeated(outcome.job.dimension, len(row)),
            **_row_keys(outcome, samples, outcome.rows[row], settings),
            "rater": pa.array([target.names[i] for i in column], pa.string()),
            "target": settings.as_labels(ratings[row, column]),
            "own_head": pa.array(settings.as_labels(own_head), mask=np.isnan(own_head)),
            "prediction": settings.as_labels(outcome.predictions[row, 0]),
        }
    )


def _row_keys(
    outcome: Outcome, samples: Samples, rows: npt.NDArray[np.int64], settings: TrainingSettings
) -> dict[str, Any]:
    """Seed, fold, video and window of each row; the window is null if clips are labelled."""
    video_index, window = samples.videos_and_windows(rows)
    return {
        "seed": pa.array([outcome.job.seed] * len(rows), pa.int32()),
        "fold": pa.array([outcome.job.fold] * len(rows), pa.int32()),
        "video_id": pa.array(samples.videos).take(pa.array(video_index)) if len(rows) else pa.array([], pa.string()),
        "window": pa.nulls(len(rows), pa.int32()) if settings.unit == "clip" else pa.array(window, pa.int32()),
    }


def _parts(fold: int, parts: Parts) -> pa.Table:
    part_of_videos = [(video_id, part) for part, videos in parts._asdict().items() for video_id in videos]
    return pa.table(
        {
            "fold": pa.array([fold] * len(part_of_videos), pa.int32()),
            "video_id": pa.array([video_id for video_id, _ in part_of_videos], pa.string()),
            "part": pa.array([part for _, part in part_of_videos], pa.string()),
        }
    )


def _losses(outcome: Outcome) -> pa.Table:
    epochs = [
        (stage, number, epoch) for stage, losses in outcome.losses.items() for number, epoch in enumerate(losses, 1)
    ]
    return pa.table(
        {
            **_job_keys(outcome, len(epochs)),
            "stage": pa.array([stage for stage, _, _ in epochs], pa.string()),
            "epoch": pa.array([number for _, number, _ in epochs], pa.int32()),
            "train": pa.array([epoch.train for _, _, epoch in epochs], pa.float64()),
            "validation": pa.array([epoch.validation for _, _, epoch in epochs], pa.float64()),
        }
    )


def _importance(outcome: Outcome, settings: TrainingSettings) -> pa.Table:
    importance = outcome.importance
    if settings.unit == "clip" and outcome.job.dimension not in settings.categories:
        rows = [
            (table, repeat, video_id, value)
            for table, predictions in importance.permuted_predictions.items()
            for repeat, predictions_of_repeat in enumerate(predictions)
            for video_id, value in zip(importance.clips, predictions_of_repeat.tolist(), strict=True)
        ]
        tables, repeats, clips, values = zip(*rows, strict=True) if rows else ((), (), (), ())
        losses: list[float | None] = [None] * len(rows)
        predicted = tuple(settings.as_labels(np.array(values, np.float64)).tolist())
    else:
        tables, losses = tuple(importance.score_losses), list(importance.score_losses.values())
        repeats = clips = predicted = (None,) * len(losses)
    return pa.table(
        {
            **_job_keys(outcome, len(tables)),
            "table": pa.array(tables, pa.string()),
            "lost": pa.array(losses, pa.float64()),
            "repeat": pa.array(repeats, pa.int32()),
            "video_id": pa.array(clips, pa.string()),
            "prediction": pa.array(predicted, pa.float64()),
        }
    )


def _coefficients(outcome: Outcome) -> pa.Table:
    return pa.table(
        {
            **_job_keys(outcome, len(outcome.coefficients)),
            "column": pa.array(list(outcome.coefficients), pa.string()),
            "coefficient": pa.array(list(outcome.coefficients.values()), pa.float64()),
        }
    )


def _job_keys(outcome: Outcome, rows: int) -> dict[str, Any]:
    return {
        "dimension": _repeated(outcome.job.dimension, rows),
        "seed": pa.array([outcome.job.seed] * rows, pa.int32()),
        "fold": pa.array([outcome.job.fold] * rows, pa.int32()),
    }


def _repeated(text: str, rows: int) -> pa.Array:
    return pa.array([text] * rows, pa.string())
