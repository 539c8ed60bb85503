"""Trains, evaluates and saves a model of a prepared study."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa

from avcues.pipeline.annotations.ratings import files as rating_files
from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.errors import InputError, SettingsError, one_line
from avcues.pipeline.store.documents import json_bytes
from avcues.pipeline.store.exchange import replaced_files, replaced_folder
from avcues.pipeline.store.files import prepare_output
from avcues.pipeline.store.model_files import CARD, DOCUMENT, METRICS, PAGE, PROBES
from avcues.pipeline.store.parquet import write_table
from avcues.pipeline.training.copies import probe_table
from avcues.pipeline.training.cross_validation import FitJob, Outcome, fit_jobs, median_epochs
from avcues.pipeline.training.metrics import metrics
from avcues.pipeline.training.model_card import model_card
from avcues.pipeline.training.model_document import read_document
from avcues.pipeline.training.parallel import OnProgress, job_runner
from avcues.pipeline.training.protocol import MAIN
from avcues.pipeline.training.ratings import human_agreement
from avcues.pipeline.training.results import write_results
from avcues.pipeline.training.saved_model import save_model
from avcues.pipeline.training.splits import Parts, tested
from avcues.pipeline.training.study import Study
from avcues.pipeline.training.study_notes import leaks_of
from avcues.version import __version__

MakePage = Callable[[Path, Mapping[str, Any]], str | None]

_LIBRARIES = ("numpy", "safetensors", "scikit-learn", "torch")


def train(
    study: Study,
    out: str | Path,
    *,
    workers: int = 1,
    on_progress: OnProgress = lambda index, share: None,
    on_outcome: Callable[[Outcome], object] = lambda outcome: None,
    page: MakePage = lambda folder, figures: None,
) -> dict[str, Any]:
    """Cross-validates, fits the models on all videos, and saves both. `out` is replaced as a whole at the end.

    Args:
        study: As `prepare` returns it.
        out: The folder of the model: weights, settings, all predictions, figures and a model card.
        workers: The number of processes, each with one thread; results do not depend on it.
        on_progress: Called with the index of a fit and the share of it that is done. The fits of the folds come first,
            then those on all videos, one per dimension.
        on_outcome: Called with the outcome of each fit.
        page: As for `evaluate_saved`.

    Returns:
        The content of `metrics.json`: by dimension the measures (see `scores`), baselines, agreement of raters,
        importance.

    Raises:
        AvcuesError: `out` cannot be written, or a loss is no longer finite.
    """
    out = Path(out)
    check_output(out, study.data)
    settings = study.settings
    jobs = fit_jobs(settings, len(study.folds))
    with job_runner(workers, study.samples, study.folds, settings) as run:
        outcomes = []
        for outcome in run(jobs, on_progress):
            on_outcome(outcome)
            outcomes.append(outcome)
        outcomes.sort(key=lambda outcome: jobs.index(outcome.job))
        final_jobs = [
            FitJob(dimension=name, fold=None, seed=0, epochs=median_epochs(outcomes, name, settings))
            for name in settings.dimensions
        ]
        final_outcomes = {}
        for outcome in run(final_jobs, lambda index, share: on_progress(len(jobs) + index, share)):
            on_outcome(outcome)
            final_outcomes[outcome.job.dimension] = outcome
    with replaced_folder(out) as new_folder:
        _save(new_folder, study, outcomes, [final_outcomes[name] for name in settings.dimensions])
        return evaluate_saved(new_folder, page=page)


def check_output(out: Path, data: Dataset) -> None:
    """Checks that a model can be written to `out`, and that nothing but an earlier model is replaced.

    Raises:
        SettingsError: `out` lies in the dataset, cannot be written, or holds something other than a model.
    """
    folder = data.catalog.folder
    if isinstance(folder, Path) and folder.resolve() in (out.resolve(), *out.resolve().parents):
        raise SettingsError(f"`out={out}`: lies in the dataset {folder}; name a place outside of it")
    if out.exists() and not (out / DOCUMENT).exists() and (out.is_file() or any(out.iterdir())):
        raise SettingsError(f"`out={out}`: exists and is not a model; name a new folder")
    prepare_output(out.parent)


def evaluate_saved(
    folder: str | Path,
    annotations: str | Path | None = None,
    *,
    page: MakePage = lambda folder, figures: None,
) -> dict[str, Any]:
    """Computes every figure of a saved model from its tables, and writes `metrics.json`, the model card and the page.

    Args:
        folder: The folder of a model that `train` saved.
        annotations: The ratings from which the labels were made; None: keep the agreement of raters that training
            computed.
        page: Called with the folder and the figures; returns the text of the page, or None for no page: an earlier
            page is then removed, because its figures may differ. Default: no page.

    Raises:
        AvcuesError: The folder is not a model, one of its tables is missing, or the ratings cannot be used.
    """
    folder = Path(folder)
    document = read_document(folder)
    settings = document.settings
    human: dict[str, Any] = {name: agreement.model_dump() for name, agreement in document.human.items()}
    if annotations is not None:
        labels, step = document.labels[MAIN], Fraction(document.step)
        ratings, videos = rating_files.read(Path(annotations)), tested(Parts(**dict(parts)) for parts in document.folds)
        numbers = [name for name in settings.dimensions if name not in settings.categories]
        human = human_agreement(ratings, labels.name, labels.about, numbers, videos, step)
    try:
        dimensions = metrics(folder, settings, human, document.groups)
    except (OSError, LookupError, TypeError, ValueError, ArithmeticError, pa.ArrowException) as error:
        raise InputError(f"{folder}: is damaged ({one_line(error)}); train the model again") from error
    figures = {"leaks": list(document.leaks), "dimensions": dimensions}
    text = page(folder, figures)
    with replaced_files() as write:
        write(folder / METRICS, lambda file: file.write(json_bytes(figures)))
        write(folder / CARD, lambda file: file.write(model_card(document, figures).encode()))
        if text is None:
            (folder / PAGE).unlink(missing_ok=True)  # an earlier page has other figures
        else:
            write(folder / PAGE, lambda file: file.write(text.encode()))
    return figures


def _save(
    folder: Path,
    study: Study,
    outcomes: Sequence[Outcome],
    final_outcomes: Sequence[Outcome],
) -> None:
    data, samples, settings = study.data, study.samples, study.settings
    metadata = data.metadata()
    constant_columns = sorted({name for outcome in final_outcomes for name in outcome.constant_columns})
    write_results(folder, samples, study.folds, settings, outcomes)
    write_table(probe_table(study.probes), folder / PROBES)
    save_model(
        folder,
        {outcome.job.dimension: outcome.fitted for outcome in final_outcomes if outcome.fitted is not None},
        samples.columns,
        settings,
        {
            "avcues": __version__,
            "step": metadata["step"],
            "tables": metadata["tables"],
            "labels": {role: file.document() for role, file in study.files.items()},
            "videos": dict(samples.fingerprints),
            "groups": {video_id: samples.groups[video_id] for video_id in samples.videos if video_id in samples.groups},
            "folds": [parts._asdict() for parts in study.folds],
            "epochs": {outcome.job.dimension: dict(outcome.job.epochs or {}) for outcome in final_outcomes},
            "constant": constant_columns,
            "unconverged": sum(outcome.unconverged_fits for outcome in (*outcomes, *final_outcomes)),
            "leaks": leaks_of(settings),
            "notes": list(study.notes),
            "human": dict(study.human),
            "versions": {"python": platform.python_version()}
            | {library: importlib.metadata.version(library) for library in _LIBRARIES},
        },
    )
