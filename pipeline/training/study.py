"""What a training run needs: features, labels and folds, read and checked before anything is fitted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from avcues.pipeline.annotations.ratings import schema
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.dataset.catalog import read_catalog
from avcues.pipeline.dataset.dataset import Dataset, Incomplete, open_dataset
from avcues.pipeline.dataset.labels import Fill
from avcues.pipeline.errors import LeakError, SettingsError
from avcues.pipeline.store.location import location
from avcues.pipeline.training.ratings import human_agreement, rater_targets, refitted
from avcues.pipeline.training.samples import Floats, Samples, Target, read_samples
from avcues.pipeline.training.settings import AUDIO, MAIN, VISUAL, ModelName, TrainingSettings
from avcues.pipeline.training.splits import Parts, check_apart, split, tested
from avcues.pipeline.training.targets import LabelFile, choose, gold_targets, gold_values, read_label_file

_LISTED = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """Everything that a training run needs, checked; made by `prepare`.

    Args:
        data: The dataset, opened with the tables that the model reads.
        settings: With the dimensions and the scale that were chosen.
        samples: Features and labels of the labelled videos.
        folds: The videos of each part, fold by fold.
        files: Label files by role.
        human: By dimension, mean, sd and number of the CCC of each rater's series with the gold standard of the
            others; empty where no ratings were given.
        notes: What was left out and why, one line each.
    """

    data: Dataset
    settings: TrainingSettings
    samples: Samples
    folds: tuple[Parts, ...]
    files: Mapping[str, LabelFile]
    human: Mapping[str, Any]
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
    annotations: str | Path | None = None,
    finished: Callable[[int, int], object] = lambda done, videos: None,
) -> Study:
    """Reads features and labels, makes the folds, and checks that no test video leaks into what its fold fits.

    Args:
        folder: A folder that `avcues extract` made; a path, or a URL such as "s3://bucket/features".
        labels: A CSV or Parquet file, or a table in memory.
        pretrain: For PAIR: labels of the isolated modalities, as `labels`, under the keys "audio" and "visual".
        label_fill: What windows without a label get: "none", "hold" or "linear".
        incomplete: A video that lacks a table is left out ("leave_out"), or is null there ("nulls").
        order: For split="kfold": the videos in the order in which they are split.
        annotations: The ratings that labels were made of, as `avcues annotations import` writes them: for targets of
            single raters, and for gold standards that are refitted in every fold.
        finished: Called with the number of videos read so far and the number of all.

    Raises:
        AvcuesError: Features or labels cannot be used, or videos are too few.
        LeakError: The same file is in two parts under two names, or labels were fitted on videos that a fold tests.
    """
    pretrain = pretrain or {}
    _check_pretraining(settings, pretrain)
    if settings.targets == "raters" and annotations is None:
        raise SettingsError("--targets raters learns from single raters: give their ratings with --annotations")
    ratings = None if annotations is None else schema.read(Path(annotations))
    data = open_dataset(folder, tables=list(settings.tables), incomplete=incomplete)
    sources = {MAIN: labels, **{branch: pretrain[branch] for branch in ("audio", "visual") if branch in pretrain}}
    files = {role: read_label_file(source, data, label_fill) for role, source in sources.items()}
    settings = choose(settings, list(files.values()))
    videos = sorted(frozenset().union(*(file.videos for file in files.values())))
    targets, gold = _labels(files, ratings, data, videos, settings)
    samples = read_samples(data, settings.blocks, videos, targets, gold, finished)
    reach = sum(settings.history) - 1
    short = [video_id for video_id in videos if data.lengths[video_id] <= reach]
    usable = {role: samples.has_labels(role) - {*short} for role in files}
    folds = tuple(split(usable, settings, order))
    notes = [*_notes(data, files, settings), *_short(short, reach)]
    by_fold = [files] * len(folds)
    if ratings is not None and any(file.fitted_on for file in files.values()):
        by_fold = [_refitted(files, ratings, parts, data) for parts in folds]
        of_folds = tuple(_labels(of_fold, ratings, data, videos, settings) for of_fold in by_fold)
        samples = replace(samples, of_folds=of_folds)
        notes.append("the gold standard is refitted in every fold, on the training and validation videos only")
    for parts, of_fold in zip(folds, by_fold, strict=True):
        check_fold(parts, samples.fingerprints, of_fold, data)
    human = {} if ratings is None else _human(ratings, files[MAIN], settings, tested(folds), data)
    return Study(
        data=data, settings=settings, samples=samples, folds=folds, files=files, human=human, notes=tuple(notes)
    )


def check_fold(parts: Parts, fingerprints: Mapping[str, str], files: Mapping[str, LabelFile], data: Dataset) -> None:
    """Makes sure that nothing that a fold fits has seen a test video: no copy of it, and no label fitted on it.

    Args:
        fingerprints: Of the source files of labelled videos, by video id.
        files: The labels of the fold, by role.
        data: Tells whether labels were fitted on a test video under another name.

    Raises:
        LeakError: Something has.
    """
    named = {"training": parts.train, "validation": parts.validation, "test": parts.test}
    check_apart(named, fingerprints)
    files_of_test = {fingerprints[video_id] for video_id in parts.test}
    for file in files.values():
        seen = [
            name for name in sorted(file.fitted_on) if name in parts.test or _fingerprint(data, name) in files_of_test
        ]
        if seen:
            raise LeakError(
                f"{file.name}: these labels were fitted on {_named(seen)}, which a fold tests: give the ratings with "
                "--annotations to fit the labels anew in every fold, or make labels that need no fitting"
            )


def leaks_of(settings: TrainingSettings) -> list[str]:
    """The settings that let test videos leak into a model, or into its figures."""
    found = []
    if settings.model == "pair" and settings.protocol.pretrain == "shared":
        found.append("--pretrain shared: the branches of every fold were pretrained on videos that other folds test")
    if settings.protocol.scoring == "s111":
        found.append("--scoring s111: the slices that are scored as one video begin within the video before")
    return found


def _labels(
    files: Mapping[str, LabelFile],
    ratings: Annotations | None,
    data: Dataset,
    videos: Sequence[str],
    settings: TrainingSettings,
) -> tuple[dict[str, dict[str, Target]], dict[str, Floats]]:
    """Targets by role and dimension, and the gold standard that predictions are judged by."""
    values = {role: gold_values(file, data, videos, settings) for role, file in files.items()}
    if settings.targets == "gold" or ratings is None:
        return {role: gold_targets(of_role) for role, of_role in values.items()}, values[MAIN]
    targets = {role: rater_targets(ratings, file, role, data, videos, settings) for role, file in files.items()}
    return targets, values[MAIN]


def _refitted(
    files: Mapping[str, LabelFile], ratings: Annotations, parts: Parts, data: Dataset
) -> dict[str, LabelFile]:
    """Label files whose gold standards were fitted on the training and validation videos of a fold only."""
    training = {*parts.train, *parts.validation}
    made = {}
    for role, file in files.items():
        made[role] = file
        if file.fitted_on:
            table = refitted(ratings, file.name, file.about, training, data)
            made[role] = replace(read_label_file(table, data, file.labels.fill), name=file.name)
    return made


def _fingerprint(data: Dataset, video_id: str) -> str | None:
    return data.fingerprint(video_id) if video_id in data.lengths else None


def _human(
    ratings: Annotations, file: LabelFile, settings: TrainingSettings, videos: Collection[str], data: Dataset
) -> dict[str, dict[str, float]]:
    step = data.catalog.step
    return human_agreement(ratings, file.name, file.about, settings.dimensions, videos, step)


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
    what = "1 labelled video has" if len(videos) == 1 else f"{len(videos)} labelled videos have"
    return [f"{what} {reach} windows or fewer, too short for one sequence; left out: {_named(videos)}"]


def _named(videos: Sequence[str]) -> str:
    more = f" and {len(videos) - _LISTED} more" if len(videos) > _LISTED else ""
    return ", ".join(videos[:_LISTED]) + more
