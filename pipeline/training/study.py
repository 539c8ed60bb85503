"""Reads and checks what a training run needs, before anything is fitted: features, labels and folds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from avcues.pipeline.annotations.ratings import files as rating_files
from avcues.pipeline.annotations.ratings.raters import raters_by_video
from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.dataset.catalog import read_catalog
from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.dataset.labels import Fill
from avcues.pipeline.dataset.opening import Incomplete, open_dataset
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.store.location import location
from avcues.pipeline.training.copies import Probes, find_copies, probes_of, read_traces
from avcues.pipeline.training.leak_checks import check_copies, check_fold
from avcues.pipeline.training.models.registry import estimator_class
from avcues.pipeline.training.protocol import MAIN
from avcues.pipeline.training.ratings import delay_features, human_agreement, rater_targets, refit_gold_standard
from avcues.pipeline.training.samples import Floats, Samples, Target, read_samples
from avcues.pipeline.training.settings import AUDIO, VISUAL, TrainingSettings
from avcues.pipeline.training.splits import Parts, partitioned, split, tested
from avcues.pipeline.training.study_notes import (
    count_videos,
    list_names,
    notes_on_data,
    notes_on_groups,
    notes_on_shared_raters,
    notes_on_short_videos,
)
from avcues.pipeline.training.targets import LabelFile, complete_settings, gold_targets, gold_values, read_label_file


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """Everything that a training run needs, checked. `prepare` makes it.

    Args:
        data: The dataset, opened with the tables that the model reads.
        settings: The settings, with the dimensions and the scale that were derived from the labels.
        samples: Features and labels of the labelled videos.
        folds: The videos of each part, fold by fold.
        files: Label files by role.
        human: By dimension, mean, sd and number of the CCC of each rater's series with the gold standard of the other
            raters; empty without ratings.
        probes: Excerpts by which copies of the labelled videos are recognised.
        notes: What was left out and why, one line each.
    """

    data: Dataset
    settings: TrainingSettings
    samples: Samples
    folds: tuple[Parts, ...]
    files: Mapping[str, LabelFile]
    human: Mapping[str, Any]
    probes: Probes
    notes: tuple[str, ...]


def choose_tables(
    folder: str,
    model: str,
    audio: Sequence[str] | None = None,
    visual: Sequence[str] | None = None,
    text: Sequence[str] | None = None,
) -> dict[str, tuple[str, ...]]:
    """By modality, the tables that a model reads: the named ones, or else the default tables.

    The default tables are those of `AUDIO` and `VISUAL` that the folder has. They apply to each unnamed modality of a
    model of several modalities, and to a model of any number of modalities if no modality is named. Tables of words
    have no default.

    Raises:
        AvcuesError: The folder is not a dataset, or there is no such model.
    """
    modalities = estimator_class(model).modalities
    available = read_catalog(location(folder)).tables
    uses_only_defaults = audio is None and visual is None and text is None
    use_defaults = modalities == "several" or (modalities == "any" and uses_only_defaults)
    audio_tables = [name for name in AUDIO if name in available and use_defaults] if audio is None else audio
    visual_tables = [name for name in VISUAL if name in available and use_defaults] if visual is None else visual
    return {"audio": tuple(audio_tables), "visual": tuple(visual_tables), "text": tuple(text or ())}


def prepare(
    folder: str,
    labels: Any,
    settings: TrainingSettings,
    *,
    pretrain: Mapping[str, Any] | None = None,
    label_fill: Fill = "none",
    incomplete: Incomplete = "leave_out",
    order: Sequence[str] | None = None,
    groups: Mapping[str, str] | None = None,
    partition: Mapping[str, str] | None = None,
    annotations: str | Path | None = None,
    on_progress: Callable[[int, int], object] = lambda done, videos: None,
) -> Study:
    """Reads features and labels, makes the folds, and checks that no test video leaks into what its fold fits.

    Args:
        folder: A folder that `avcues extract` made; a path, or a URL such as "s3://bucket/features".
        labels: A CSV or Parquet file, or a table in memory.
        pretrain: For PAIR, the labels of each isolated modality ("audio", "visual", "text"), in the form of `labels`.
        label_fill: How windows without a label are filled: "none", "hold" or "linear".
        incomplete: What happens to a video that lacks a table: it is left out ("leave_out") or filled with nulls
            ("nulls").
        order: For split="kfold", the videos in the order in which they are split.
        groups: The group of each video, such as its film, speaker or session. All videos of a group are in one part,
            and intervals and tests are over groups. Videos without one are groups of their own.
        partition: The study's own part of each video, "train", "validation" (also "val", "dev", "devel") or "test": one
            fold instead of a cross-validation. Videos without a part are left out.
        annotations: The ratings from which the labels were made, as `avcues annotations import` writes them. Needed for
            targets of single raters and for gold standards that are refitted in every fold.
        on_progress: Called with the number of videos read so far and the number of all videos.

    Raises:
        AvcuesError: Features or labels cannot be used, or videos are too few.
        LeakError: One file is in two parts under two names, or labels were fitted on test videos of a fold.
    """
    pretrain = pretrain or {}
    _check_pretraining(settings, pretrain)
    if settings.targets == "raters" and annotations is None:
        raise SettingsError("`targets=raters` learns from single raters: give their ratings with `annotations`")
    ratings = None if annotations is None else rating_files.read(Path(annotations))
    data = open_dataset(folder, tables=list(settings.tables), incomplete=incomplete)
    sources = {
        MAIN: labels,
        **{branch: pretrain[branch] for branch in settings.tables_by_modality if branch in pretrain},
    }
    files = {role: read_label_file(source, data, label_fill) for role, source in sources.items()}
    settings = complete_settings(settings, list(files.values()))
    videos = sorted(frozenset().union(*(file.videos for file in files.values())))
    without_part = [video_id for video_id in videos if partition is not None and video_id not in partition]
    videos = [video_id for video_id in videos if video_id not in set(without_part)]
    targets, gold = _labels(files, ratings, data, videos, settings)
    samples = read_samples(data, settings.blocks, videos, targets, gold, groups, on_progress)
    reach = sum(settings.history) - 1
    too_short = [video_id for video_id in videos if data.lengths[video_id] <= reach]
    long_enough = {role: samples.labelled_videos(role) - {*too_short} for role in files}
    notes = [
        *notes_on_data(data, files, settings),
        *notes_on_short_videos(too_short, reach),
        *notes_on_groups(videos, groups),
    ]
    if without_part:
        notes.append(f"the partition does not name {count_videos(without_part)}; left out: {list_names(without_part)}")
    if partition is None:
        folds = tuple(split(long_enough, settings.folds, settings.protocol, order=order, groups=groups))
    else:
        folds = (partitioned(long_enough, partition, groups=groups),)
    files_by_fold = [files] * len(folds)
    fitted_on = frozenset[str]().union(*(file.fitted_on for file in files.values()))
    # Labels that were fitted on the training part of a study's own partition need no refitting.
    if ratings is not None and fitted_on and (partition is None or fitted_on & {*folds[0].test}):
        files_by_fold = _refit_labels(files, ratings, folds, data)
        labels_by_fold = tuple(_labels(fold_files, ratings, data, videos, settings) for fold_files in files_by_fold)
        samples = replace(samples, fold_labels=labels_by_fold)
        notes.append("the gold standard is refitted in every fold, on the training and validation videos only")
    for parts, fold_files in zip(folds, files_by_fold, strict=True):
        check_fold(parts, samples, fold_files, data)
    traces = read_traces(data, videos)
    probes = probes_of(traces)
    notes += check_copies(find_copies(probes, traces), folds)
    human = {} if ratings is None else _human_agreement(ratings, files[MAIN], settings, tested(folds), data)
    raters = files[MAIN].metadata.get("raters", {}) if ratings is None else raters_by_video(ratings)
    notes += notes_on_shared_raters(raters, folds)
    if pretrain and ratings is None:
        notes.append(
            "whether raters of the labels for pretraining also rated test videos is unknown: no ratings were given, "
            "and only they tell"
        )
    return Study(
        data=data,
        settings=settings,
        samples=samples,
        folds=folds,
        files=files,
        human=human,
        probes=probes,
        notes=tuple(notes),
    )


def _labels(
    files: Mapping[str, LabelFile],
    ratings: Annotations | None,
    data: Dataset,
    videos: Sequence[str],
    settings: TrainingSettings,
) -> tuple[dict[str, dict[str, Target]], dict[str, Floats]]:
    """Targets by role and dimension, and by dimension the gold standard against which predictions are scored."""
    values = {role: gold_values(file, data, videos, settings) for role, file in files.items()}
    if settings.targets == "gold" or ratings is None:
        return {role: gold_targets(role_labels, settings) for role, role_labels in values.items()}, values[MAIN]
    targets = {role: rater_targets(ratings, file, role, data, videos, settings) for role, file in files.items()}
    return targets, values[MAIN]


def _refit_labels(
    files: Mapping[str, LabelFile], ratings: Annotations, folds: Sequence[Parts], data: Dataset
) -> list[dict[str, LabelFile]]:
    """For each fold, label files with gold standards that were fitted on its training and validation videos only."""
    features = {role: delay_features(file.name, file.metadata, data) for role, file in files.items() if file.fitted_on}
    files_by_fold = []
    for parts in folds:
        fold_files = dict(files)
        for role, role_features in features.items():
            file = files[role]
            table = refit_gold_standard(
                ratings, file.name, file.metadata, {*parts.train, *parts.validation}, role_features
            )
            fold_files[role] = replace(read_label_file(table, data, file.labels.fill), name=file.name)
        files_by_fold.append(fold_files)
    return files_by_fold


def _human_agreement(
    ratings: Annotations, file: LabelFile, settings: TrainingSettings, videos: Collection[str], data: Dataset
) -> dict[str, dict[str, float]]:
    step = data.catalog.step
    numbers = [name for name in settings.dimensions if name not in settings.categories]
    return human_agreement(ratings, file.name, file.metadata, numbers, videos, step) if numbers else {}


def _check_pretraining(settings: TrainingSettings, pretrain: Mapping[str, Any]) -> None:
    missing = [f"`pretrain_{branch}`" for branch in settings.tables_by_modality if branch not in pretrain]
    if settings.estimator.pretrained and missing:
        raise SettingsError(
            f"`model={settings.model}` needs ratings of the isolated modalities: give {' and '.join(missing)}, or use "
            "another model"
        )
    unread = [branch for branch in pretrain if branch not in settings.tables_by_modality]
    if settings.estimator.pretrained and unread:
        raise SettingsError(
            f"`pretrain_{unread[0]}`: the model reads no table of this modality; name some with `{unread[0]}`"
        )
    if not settings.estimator.pretrained and pretrain:
        raise SettingsError(
            f"`pretrain_{min(pretrain)}`: {settings.model} is not pretrained; of the built-in models, only pair is"
        )
