"""From a finished folder and label files to a judged and saved model."""

from __future__ import annotations

import importlib.metadata
import platform
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.dataset.catalog import read_catalog
from pipeline.dataset.dataset import Dataset, Incomplete, open_dataset
from pipeline.dataset.labels import Fill
from pipeline.errors import InputError, LeakError, SettingsError
from pipeline.store.files import location, prepare_output
from pipeline.store.parquet import write_json
from pipeline.store.provenance import avcues_version
from pipeline.training.cross_validation import Job, Outcome, epochs_of, jobs_of
from pipeline.training.metrics import metrics
from pipeline.training.modelcard import write_card
from pipeline.training.pool import Shares, processes
from pipeline.training.results import write_results
from pipeline.training.samples import MAIN, Samples, read_samples
from pipeline.training.saved_model import DOCUMENT, read_document, save_model
from pipeline.training.settings import AUDIO, VISUAL, ModelName, TrainingSettings
from pipeline.training.splits import Parts, check_apart, split
from pipeline.training.targets import LabelFile, choose_dimensions, gold_targets, gold_values, read_label_file

METRICS = "metrics.json"
_LIBRARIES = ("numpy", "safetensors", "scikit-learn", "torch")
_LISTED = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """Everything that a training run needs, checked.

    Args:
        settings: With the dimensions that were chosen.
        files: Label files by role.
        notes: What was left out and why, one line each.
    """

    data: Dataset
    settings: TrainingSettings
    samples: Samples
    folds: tuple[Parts, ...]
    files: Mapping[str, LabelFile]
    notes: tuple[str, ...]


def choose_tables(
    folder: str, model: ModelName, audio: Sequence[str] | None, visual: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tables of the sound and of the picture that a model reads: those that are named.

    Where none are, fusion takes what the folder has of `AUDIO` and `VISUAL`, and so does LASSO if neither is named.

    Raises:
        AvcuesError: The folder is no dataset.
    """
    there = read_catalog(location(folder)).tables
    named = audio is not None or visual is not None
    fused = model in ("early", "late", "pair")
    sound, picture = audio, visual
    if audio is None:
        sound = [name for name in AUDIO if name in there] if fused or (model == "lasso" and not named) else []
    if visual is None:
        picture = [name for name in VISUAL if name in there] if fused or (model == "lasso" and not named) else []
    return tuple(sound or ()), tuple(picture or ())


def prepare(
    folder: str,
    labels: Any,
    settings: TrainingSettings,
    *,
    pretrain: Mapping[str, Any] | None = None,
    label_fill: Fill = "none",
    incomplete: Incomplete = "leave_out",
    order: Sequence[str] | None = None,
    finished: Callable[[int, int], object] = lambda done, videos: None,
) -> Study:
    """Reads features and labels, makes the folds, and checks that no video leaks from one part into another.

    Args:
        folder: That `avcues extract` made.
        labels: A CSV or Parquet file, or a table in memory.
        pretrain: Of PAIR: labels of the isolated modalities, for "audio" and "visual".
        label_fill: What windows without a label get: "none", "hold" or "linear".
        incomplete: A video that lacks a table is left out, or is null there.
        order: Of split="kfold": the videos in the order that is split.
        finished: Is called with the number of videos that were read, and of all.

    Raises:
        AvcuesError: Features or labels cannot be used, or videos are too few.
        LeakError: The same file is in two parts under two names, or labels were fitted on videos that they are to test.
    """
    pretrain = pretrain or {}
    _check_pretraining(settings, pretrain)
    data = open_dataset(folder, tables=list(settings.tables), incomplete=incomplete)
    sources = {MAIN: labels, **{branch: pretrain[branch] for branch in ("audio", "visual") if branch in pretrain}}
    files = {role: read_label_file(source, data, label_fill) for role, source in sources.items()}
    dimensions = choose_dimensions(list(files.values()), settings.dimensions or None)
    settings = replace(settings, dimensions=dimensions)
    videos = sorted(frozenset().union(*(file.videos for file in files.values())))
    values = {role: gold_values(file, data, videos, settings) for role, file in files.items()}
    samples = read_samples(
        data,
        settings.blocks,
        videos,
        {role: gold_targets(of_role) for role, of_role in values.items()},
        values[MAIN],
        finished,
    )
    reach = sum(settings.history) - 1
    short = [video_id for video_id in videos if data.lengths[video_id] <= reach]
    usable = {role: samples.has_labels(role) - {*short} for role in files}
    folds = tuple(split(usable, settings, order))
    check_folds(folds, samples, files)
    return Study(
        data=data,
        settings=settings,
        samples=samples,
        folds=folds,
        files=files,
        notes=(*_notes(data, files, settings), *_short(short, reach)),
    )


def check_folds(folds: Sequence[Parts], samples: Samples, files: Mapping[str, LabelFile]) -> None:
    """Makes sure that nothing of a test video is in what a fold fits: no copy of it, and no label that it decided.

    Raises:
        LeakError: Something is.
    """
    for parts in folds:
        named = {"training": parts.train, "validation": parts.validation, "test": parts.test}
        check_apart(named, samples.fingerprints)
        for file in files.values():
            seen = sorted(file.fitted_on & {*parts.test})
            if seen:
                raise LeakError(
                    f"{file.name}: was fitted on {_named(seen)}, which a fold tests: fit delays and scales on other "
                    "videos, or make the labels without fitting"
                )


def train(
    study: Study,
    out: Path,
    *,
    workers: int = 1,
    human: Mapping[str, Any] | None = None,
    shares: Shares = lambda place, share: None,
    told: Callable[[Outcome], object] = lambda outcome: None,
) -> dict[str, Any]:
    """Cross-validates, fits the model of all videos, and saves both. `out` is replaced as a whole, in the end.

    Args:
        workers: Processes; nothing depends on their number.
        human: By dimension, how well raters agree.
        shares: Is called with the place of a job in `jobs_of`, and the share of it that is done; the models of all
            videos come after these, one per dimension.
        told: Is called with what became of each job.

    Returns:
        What `metrics.json` holds.

    Raises:
        AvcuesError: `out` cannot be written, or the loss is no number any more.
    """
    check_target(out, study.data)
    settings = study.settings
    jobs = jobs_of(settings, len(study.folds))
    with processes(workers, study.samples, study.folds, settings) as run:
        outcomes = []
        for outcome in run(jobs, shares):
            told(outcome)
            outcomes.append(outcome)
        outcomes.sort(key=lambda outcome: jobs.index(outcome.job))
        last = [
            Job(dimension=name, fold=None, seed=0, epochs=epochs_of(outcomes, name, settings))
            for name in settings.dimensions
        ]
        final = {}
        for outcome in run(last, lambda place, share: shares(len(jobs) + place, share)):
            told(outcome)
            final[outcome.job.dimension] = outcome
    new, former = (out.parent / f".{out.name}.{secrets.token_hex(4)}.{what}" for what in ("tmp", "former"))
    try:
        found = _save(new, study, outcomes, [final[name] for name in settings.dimensions], human or {})
        if out.exists():
            out.rename(former)
        new.rename(out)
    finally:
        for leftover in (new, former):
            shutil.rmtree(leftover, ignore_errors=True)
    return found


def check_target(out: Path, data: Dataset) -> None:
    """Makes sure that a model can be written to `out`, and that nothing else is lost.

    Raises:
        SettingsError: It lies in the dataset, cannot be written, or holds other things than a model.
    """
    folder = data.catalog.folder
    if isinstance(folder, Path) and folder.resolve() in (out.resolve(), *out.resolve().parents):
        raise SettingsError(f"--out {out}: lies in the dataset {folder}; name a place outside of it")
    if out.exists() and not (out / DOCUMENT).exists() and (out.is_file() or any(out.iterdir())):
        raise SettingsError(f"--out {out}: is there already and is no model; name a new folder")
    prepare_output(out.parent)


def evaluate_saved(folder: Path, human: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Computes every figure of a saved model again from its tables, and writes `metrics.json` and the card.

    Args:
        human: By dimension, how well raters agree; None: what the model says of it.

    Raises:
        InputError: It is no model, or a table of it is missing.
    """
    document = read_document(folder)
    settings = TrainingSettings.of_document(document["settings"])
    try:
        found = metrics(folder, settings.protocol.scoring, document["human"] if human is None else human)
    except (OSError, KeyError, pa.ArrowException) as error:
        raise InputError(f"{folder}: is damaged ({error}); train the model again") from error
    found = {"leaks": document["leaks"], "dimensions": found}
    write_json(found, folder / METRICS)
    write_card(folder, document, found)
    return found


def leaks_of(settings: TrainingSettings) -> list[str]:
    """What of a protocol lets test videos leak into a model, or into its figures."""
    found = []
    if settings.model == "pair" and settings.protocol.pretrain == "shared":
        found.append("--pretrain shared: the branches of every fold were pretrained on videos that other folds test")
    if settings.protocol.scoring == "s111":
        found.append("--scoring s111: what is scored as one video begins within the video before")
    return found


def _save(
    folder: Path,
    study: Study,
    outcomes: Sequence[Outcome],
    final: Sequence[Outcome],
    human: Mapping[str, Any],
) -> dict[str, Any]:
    data, samples, settings = study.data, study.samples, study.settings
    about = data.about()
    constant = sorted({name for outcome in final for name in outcome.constant})
    write_results(folder, samples, study.folds, settings, outcomes)
    save_model(
        folder,
        {outcome.job.dimension: outcome.fitted for outcome in final if outcome.fitted is not None},
        samples.columns,
        settings,
        {
            "avcues": avcues_version(),
            "step": about["step"],
            "tables": about["tables"],
            "labels": {role: file.document() for role, file in study.files.items()},
            "videos": dict(samples.fingerprints),
            "folds": [parts._asdict() for parts in study.folds],
            "epochs": {outcome.job.dimension: dict(outcome.job.epochs or {}) for outcome in final},
            "constant": constant,
            "unconverged": sum(outcome.unconverged for outcome in (*outcomes, *final)),
            "leaks": leaks_of(settings),
            "notes": list(study.notes),
            "human": dict(human),
            "versions": {"python": platform.python_version()}
            | {library: importlib.metadata.version(library) for library in _LIBRARIES},
        },
    )
    return evaluate_saved(folder)


def _check_pretraining(settings: TrainingSettings, pretrain: Mapping[str, Any]) -> None:
    missing = [f"--pretrain-{branch}" for branch in ("audio", "visual") if branch not in pretrain]
    if settings.model == "pair" and missing:
        raise SettingsError(
            f"--model pair needs ratings of the isolated modalities: give {' and '.join(missing)}, or use --model late"
        )
    if settings.model != "pair" and pretrain:
        raise SettingsError(f"--pretrain-{min(pretrain)}: only --model pair is pretrained, not {settings.model}")


def _notes(data: Dataset, files: Mapping[str, LabelFile], settings: TrainingSettings) -> list[str]:
    notes = [f"{video_id} is left out: {why}" for video_id, why in data.left_out.items()]
    for file in files.values():
        notes += file.labels.warnings
    return [*notes, *(f"not comparable with other protocols: {leak}" for leak in leaks_of(settings))]


def _short(videos: Sequence[str], reach: int) -> list[str]:
    if not videos:
        return []
    return [f"{len(videos)} labelled videos have {reach} windows or fewer, too short to learn from: {_named(videos)}"]


def _named(videos: Sequence[str]) -> str:
    more = f" and {len(videos) - _LISTED} more" if len(videos) > _LISTED else ""
    return ", ".join(videos[:_LISTED]) + more
