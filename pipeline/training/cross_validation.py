"""Fold by fold, seed by seed: each model is fitted on its own, so that results do not depend on the processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.pipeline.training import importance
from avcues.pipeline.training.baselines import time_only, train_mean
from avcues.pipeline.training.determinism import one_thread, seed_of
from avcues.pipeline.training.fitting import Fitted, fit_model
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
        fold: None: the model of all videos, which leaves none to test.
        without: What it is not to read: a name of `TrainingSettings.groups_of_tables`.
        epochs: By stage; None: as validation videos say.
    """

    dimension: str
    fold: int | None
    seed: int
    without: str | None = None
    epochs: Mapping[str, int] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """The results of a job.

    Args:
        rows: (M,) labelled rows of the test videos; where clips are labelled, the first of each clip.
        predictions: (M, P) of each label, or of the share of each category.
        outputs: (M, outputs) of each rater or setup; NaN where the model learned from none of its labels.
        train_mean: (M, P) baseline.
        time_only: (M, P) baseline.
        losses: By stage, of every epoch.
        importance: What test videos lose without each table.
        coefficients: Of a linear model, by column.
        constant: Columns that were left out, because they do not vary.
        unconverged: How many fits had not converged.
        fitted: The model, of jobs without a fold.
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
    constant: tuple[str, ...] = ()
    unconverged: int = 0
    fitted: Fitted | None = None


def jobs_of(settings: TrainingSettings, folds: int) -> list[FitJob]:
    """Every model of a cross-validation: those with all tables first."""
    ablated = settings.groups_of_tables if settings.ablate and len(settings.tables) > 1 else {}
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
    """Fits the model of a job and lets it predict its test videos.

    Args:
        on_progress: Called with the share of the work that is done.
    """
    samples = samples.of_fold(job.fold)
    everything = Parts(samples.videos, (), ())
    parts = everything if job.fold is None else folds[job.fold]
    shared = settings.protocol.pretrain == "shared" and job.fold is not None
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
            pretraining=folds[-1] if shared else None,
            without=settings.groups_of_tables[job.without] if job.without else (),
            epochs=job.epochs,
            on_epoch=on_epoch,
        )
        outcome = Outcome(
            job=job,
            losses=fitted.estimator.losses,
            coefficients=_coefficients(fitted),
            constant=tuple(name for scaler in fitted.scalers.values() for name in scaler.constant),
            unconverged=fitted.estimator.unconverged,
        )
        if job.fold is None:
            return replace(outcome, fitted=fitted)
        gold = samples.gold[job.dimension]
        rows = samples.labelled(parts.test, gold, settings.history)
        train = samples.labelled((*parts.train, *parts.validation), gold, settings.history)
        outputs = fitted.outputs(inputs, rows)
        learned = samples.targets[MAIN][job.dimension].learned(samples.rows((*parts.train, *parts.validation)))
        row_outputs: dict[str, Any] = {
            "predictions": fitted.combined(outputs),
            "outputs": np.where(learned, outputs, np.nan),
            "train_mean": train_mean(gold, train, rows),
            "time_only": time_only(samples, gold, train, rows),
        }
        if settings.unit == "clip":
            first, row_outputs = _by_clip(samples, rows, row_outputs)
            rows = rows[first]
        lost = importance.of_tables(
            fitted,
            inputs,
            samples,
            gold,
            parts.test,
            {} if job.without else settings.groups_of_tables,
            seed_of(job.seed, job.fold),
            by_clip=settings.unit == "clip",
        )
        return replace(outcome, rows=rows, importance=lost, **row_outputs)


def epochs_of(outcomes: Sequence[Outcome], dimension: str, settings: TrainingSettings) -> dict[str, int]:
    """By stage, how long the model of all videos is fitted: the median of the folds' epochs that were kept."""
    kept: dict[str, list[int]] = {}
    for outcome in outcomes:
        if outcome.job.dimension == dimension and outcome.job.without is None:
            for stage, losses in outcome.losses.items():
                epochs = best_epoch(losses) if settings.protocol.kept(stage) == "best" else len(losses)
                kept.setdefault(stage, []).append(epochs)
    return {stage: round(float(np.median(epochs))) for stage, epochs in kept.items()}


def _coefficients(fitted: Fitted) -> dict[str, float]:
    coefficients = fitted.estimator.coefficients
    if coefficients is None:
        return {}
    (scaler,) = fitted.scalers.values()
    return dict(zip(scaler.columns, coefficients.tolist(), strict=True))


def _by_clip(
    samples: Samples, rows: npt.NDArray[np.int64], row_outputs: Mapping[str, Floats]
) -> tuple[npt.NDArray[np.int64], dict[str, Floats]]:
    """The place of each clip's first row in `rows`, and what is predicted of the clip: the mean over its windows."""
    clip = samples.window(rows)[0]
    _, first, counts = np.unique(clip, return_index=True, return_counts=True)
    order = np.argsort(first)  # clips stand one after the other
    first, counts = first[order], counts[order]
    means = {
        name: np.add.reduceat(values, first) / counts[:, None] for name, values in row_outputs.items() if len(values)
    }
    return first, dict(row_outputs) | means
