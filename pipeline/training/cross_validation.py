"""Cross-validation: one job per fold and seed, so that results do not depend on the number of processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.pipeline.training import importance
from avcues.pipeline.training.baselines import time_only, train_mean
from avcues.pipeline.training.determinism import one_thread, seed_of
from avcues.pipeline.training.fitting import FittedModel, fit_model
from avcues.pipeline.training.models.estimator import Epoch, best_epoch
from avcues.pipeline.training.protocol import MAIN
from avcues.pipeline.training.samples import Floats, Samples
from avcues.pipeline.training.settings import TrainingSettings
from avcues.pipeline.training.splits import Parts


def _no_values() -> Floats:
    return np.zeros((0, 1))


@dataclass(frozen=True, kw_only=True)
class FitJob:
    """One model to fit.

    Args:
        fold: None: fit the final model on all videos, without a test.
        without: The tables that the model does not read: a name in `TrainingSettings.table_groups`.
        epochs: The number of epochs by stage; None: the validation videos decide.
    """

    dimension: str
    fold: int | None
    seed: int
    without: str | None = None
    epochs: Mapping[str, int] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """The result of a job.

    Args:
        rows: (M,) labelled rows of the test videos; if clips are labelled, the first row of each clip.
        predictions: (M, P) predictions of the label, or of the share of each category.
        outputs: (M, outputs) predictions for each rater or setup; NaN for an output that had no labels to learn from.
        train_mean: (M, P) predictions of the baseline.
        time_only: (M, P) predictions of the baseline.
        losses: By stage, the losses of every epoch.
        importance: How much the test videos lose without each table.
        coefficients: By column, the coefficients of a linear model.
        constant_columns: Columns that were left out because they do not vary.
        unconverged_fits: How many fits did not converge.
        fitted: The model, if the job has no fold.
    """

    job: FitJob
    rows: npt.NDArray[np.int64] = field(default_factory=lambda: np.arange(0))
    predictions: Floats = field(default_factory=_no_values)
    outputs: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    train_mean: Floats = field(default_factory=_no_values)
    time_only: Floats = field(default_factory=_no_values)
    losses: Mapping[str, list[Epoch]] = field(default_factory=dict)
    importance: importance.Importance = field(default_factory=importance.Importance)
    coefficients: Mapping[str, float] = field(default_factory=dict)
    constant_columns: tuple[str, ...] = ()
    unconverged_fits: int = 0
    fitted: FittedModel | None = None


def fit_jobs(settings: TrainingSettings, folds: int) -> list[FitJob]:
    """All jobs of a cross-validation; those with all tables come first."""
    ablated = settings.table_groups if settings.ablate and len(settings.tables) > 1 else {}
    return [
        FitJob(dimension=dimension, fold=fold, seed=seed, without=without)
        for without in (None, *ablated)
        for dimension in settings.dimensions
        for seed in range(settings.fits)
        for fold in range(folds)
    ]


def run_job(
    job: FitJob,
    samples: Samples,
    folds: Sequence[Parts],
    settings: TrainingSettings,
    on_progress: Callable[[float], object] = lambda share: None,
) -> Outcome:
    """Fits the model of a job and predicts its test videos.

    Args:
        on_progress: Called with the share of the work that is done.
    """
    samples = samples.with_fold_labels(job.fold)
    all_videos = Parts(samples.videos, (), ())
    parts = all_videos if job.fold is None else folds[job.fold]
    shares_pretraining = settings.protocol.pretrain == "shared" and job.fold is not None
    stages = settings.estimator.stages(tuple(samples.columns))

    def on_epoch(stage: str, epoch: int) -> None:
        on_progress((stages.index(stage) + epoch / settings.protocol.epochs) / len(stages))

    with one_thread():
        fitted, inputs = fit_model(
            samples,
            parts,
            job.dimension,
            settings,
            seed=job.seed,
            pretraining=folds[-1] if shares_pretraining else None,
            excluded_tables=settings.table_groups[job.without] if job.without else (),
            epochs=job.epochs,
            on_epoch=on_epoch,
        )
        outcome = Outcome(
            job=job,
            losses=fitted.estimator.losses,
            coefficients=_coefficients(fitted),
            constant_columns=tuple(name for scaler in fitted.scalers.values() for name in scaler.constant_columns),
            unconverged_fits=fitted.estimator.unconverged_fits,
        )
        if job.fold is None:
            return replace(outcome, fitted=fitted)
        gold = samples.gold[job.dimension]
        rows = samples.labelled_rows(parts.test, gold, settings.history)
        train = samples.labelled_rows((*parts.train, *parts.validation), gold, settings.history)
        outputs = fitted.outputs(inputs, rows)
        has_labels = samples.targets[MAIN][job.dimension].labelled_outputs(
            samples.rows((*parts.train, *parts.validation))
        )
        row_outputs: dict[str, Any] = {
            "predictions": fitted.read_out(outputs),
            "outputs": np.where(has_labels, outputs, np.nan),
            "train_mean": train_mean(gold, train, rows),
            "time_only": time_only(samples, gold, train, rows),
        }
        if settings.unit == "clip":
            first_rows, row_outputs = _by_clip(samples, rows, row_outputs)
            rows = rows[first_rows]
        table_importance = importance.permutation_importance(
            fitted,
            inputs,
            samples,
            gold,
            parts.test,
            {} if job.without else settings.table_groups,
            seed_of(job.seed, job.fold),
            by_clip=settings.unit == "clip",
        )
        return replace(outcome, rows=rows, importance=table_importance, **row_outputs)


def median_epochs(outcomes: Sequence[Outcome], dimension: str, settings: TrainingSettings) -> dict[str, int]:
    """By stage, the number of epochs for the final model: the median of the epochs that the folds kept."""
    epochs_by_stage: dict[str, list[int]] = {}
    for outcome in outcomes:
        if outcome.job.dimension == dimension and outcome.job.without is None:
            for stage, losses in outcome.losses.items():
                fold_epochs = best_epoch(losses) if settings.protocol.kept_epoch(stage) == "best" else len(losses)
                epochs_by_stage.setdefault(stage, []).append(fold_epochs)
    return {stage: round(float(np.median(fold_epochs))) for stage, fold_epochs in epochs_by_stage.items()}


def _coefficients(fitted: FittedModel) -> dict[str, float]:
    coefficients = fitted.estimator.coefficients
    if coefficients is None:
        return {}
    (scaler,) = fitted.scalers.values()
    return dict(zip(scaler.columns, coefficients.tolist(), strict=True))


def _by_clip(
    samples: Samples, rows: npt.NDArray[np.int64], row_outputs: Mapping[str, Floats]
) -> tuple[npt.NDArray[np.int64], dict[str, Floats]]:
    """The index in `rows` of each clip's first row, and the predictions for each clip: means over its windows."""
    clip = samples.videos_and_windows(rows)[0]
    _, first_rows, counts = np.unique(clip, return_index=True, return_counts=True)
    order = np.argsort(first_rows)  # the rows of a clip are contiguous
    first_rows, counts = first_rows[order], counts[order]
    means = {
        name: np.add.reduceat(values, first_rows) / counts[:, None]
        for name, values in row_outputs.items()
        if len(values)
    }
    return first_rows, dict(row_outputs) | means
