"""Fold by fold, seed by seed: every model is fitted on its own, so that any number of processes gives the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from avcues.pipeline.training import importance
from avcues.pipeline.training.baselines import time_only, train_mean
from avcues.pipeline.training.fit import Epoch, best_epoch, one_thread, seed_of
from avcues.pipeline.training.lasso import Lasso
from avcues.pipeline.training.models import Fitted, fit_model
from avcues.pipeline.training.samples import Floats, Samples
from avcues.pipeline.training.settings import MAIN, TrainingSettings
from avcues.pipeline.training.splits import Parts


@dataclass(frozen=True, kw_only=True)
class Job:
    """One model to fit.

    Args:
        fold: None: the model of all videos, which nothing is left to test.
        without: A table that it is not to read.
        epochs: By stage; None: as validation videos say.
    """

    dimension: str
    fold: int | None
    seed: int
    without: str | None = None
    epochs: Mapping[str, int] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What became of a job.

    Args:
        rows: (M,) labelled rows of the test videos.
        predictions: (M,).
        outputs: (M, outputs) of each rater or setup; NaN where the network learned from none of its labels.
        train_mean: (M,) baseline.
        time_only: (M,) baseline.
        losses: By stage, of every epoch.
        importance: For each table, the CCC that is lost without it.
        coefficients: Of LASSO, by column.
        constant: Columns that were left out, because they do not vary.
        unconverged: Of LASSO: how often it had not converged.
        fitted: The model, of jobs without a fold.
    """

    job: Job
    rows: npt.NDArray[np.int64] = field(default_factory=lambda: np.arange(0))
    predictions: Floats = field(default_factory=lambda: np.zeros(0))
    outputs: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    train_mean: Floats = field(default_factory=lambda: np.zeros(0))
    time_only: Floats = field(default_factory=lambda: np.zeros(0))
    losses: Mapping[str, list[Epoch]] = field(default_factory=dict)
    importance: Mapping[str, float] = field(default_factory=dict)
    coefficients: Mapping[str, float] = field(default_factory=dict)
    constant: tuple[str, ...] = ()
    unconverged: int = 0
    fitted: Fitted | None = None


def jobs_of(settings: TrainingSettings, folds: int) -> list[Job]:
    """Every model of a cross-validation: those with all tables first. LASSO has no randomness, and one seed."""
    seeds = 1 if settings.model == "lasso" else settings.seeds
    ablated = settings.tables if settings.ablate and len(settings.tables) > 1 else ()
    return [
        Job(dimension=dimension, fold=fold, seed=seed, without=without)
        for without in (None, *ablated)
        for dimension in settings.dimensions
        for seed in range(seeds)
        for fold in range(folds)
    ]


def run_job(
    job: Job,
    samples: Samples,
    folds: Sequence[Parts],
    settings: TrainingSettings,
    told: Callable[[float], object] = lambda share: None,
) -> Outcome:
    """Fits the model of a job and lets it predict its test videos.

    Args:
        told: Is called with the share of the work that is done.
    """
    samples = samples.of_fold(job.fold)
    everything = Parts(samples.videos, (), ())
    parts = everything if job.fold is None else folds[job.fold]
    shared = settings.protocol.pretrain == "shared" and job.fold is not None
    stages = [*samples.columns, MAIN] if settings.model == "pair" else [MAIN]

    def epoch_done(stage: str, epoch: int) -> None:
        told((stages.index(stage) + epoch / settings.protocol.epochs) / len(stages))

    with one_thread():
        fitted, inputs = fit_model(
            samples,
            parts,
            job.dimension,
            settings,
            seed=job.seed,
            pretraining=folds[-1] if shared else None,
            without=job.without,
            epochs=job.epochs,
            told=epoch_done,
        )
        about = Outcome(
            job=job,
            losses=fitted.losses,
            constant=tuple(name for scaler in fitted.scalers.values() for name in scaler.constant),
        )
        if isinstance(fitted.estimator, Lasso):
            (scaler,) = fitted.scalers.values()
            coefficients = dict(zip(scaler.columns, fitted.estimator.coefficients.tolist(), strict=True))
            about = replace(about, coefficients=coefficients, unconverged=fitted.estimator.unconverged)
        if job.fold is None:
            return replace(about, fitted=fitted)
        gold = samples.gold[job.dimension]
        rows = samples.labelled(parts.test, gold, settings.history)
        train = samples.labelled((*parts.train, *parts.validation), gold, settings.history)
        outputs = fitted.outputs(inputs, rows)
        learned = samples.targets[MAIN][job.dimension].learned(samples.rows((*parts.train, *parts.validation)))
        tables = () if job.without else settings.tables
        return replace(
            about,
            rows=rows,
            predictions=outputs @ np.array(fitted.readout),
            outputs=np.where(learned, outputs, np.nan),
            train_mean=train_mean(gold, train, rows),
            time_only=time_only(samples, gold, train, rows),
            importance=importance.of_tables(
                fitted, inputs, samples, gold, parts.test, tables, seed_of(job.seed, job.fold)
            ),
        )


def epochs_of(outcomes: Sequence[Outcome], dimension: str, settings: TrainingSettings) -> dict[str, int]:
    """By stage, how long the model of all videos is fitted: the median of the folds' epochs that were kept."""
    found: dict[str, list[int]] = {}
    for outcome in outcomes:
        if outcome.job.dimension == dimension and outcome.job.without is None:
            for stage, losses in outcome.losses.items():
                kept = best_epoch(losses) if settings.keep_of(stage) == "best" else len(losses)
                found.setdefault(stage, []).append(kept)
    return {stage: round(float(np.median(epochs))) for stage, epochs in found.items()}
