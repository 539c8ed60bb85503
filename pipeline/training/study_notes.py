"""What a reader of a study's figures should know: what was left out, and what makes them too good, a line each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.training.settings import TrainingSettings
from avcues.pipeline.training.splits import Parts, apparent_groups
from avcues.pipeline.training.targets import LabelFile

_LISTED = 5


def leaks_of(settings: TrainingSettings) -> list[str]:
    """The settings that let test videos leak into a model, or into its figures."""
    leaks = []
    if settings.estimator.pretrained and settings.protocol.pretrain == "shared":
        leaks.append("pretrain=shared: the branches of every fold were pretrained on videos that other folds test")
    if settings.protocol.scoring == "s111":
        leaks.append("scoring=s111: the slices that are scored as one video begin within the video before")
    return leaks


def notes_on_data(data: Dataset, files: Mapping[str, LabelFile], settings: TrainingSettings) -> list[str]:
    notes = [f"{video_id} is left out: {why}" for video_id, why in data.left_out.items()]
    for file in files.values():
        notes += file.labels.warnings
        if not file.about:
            notes.append(
                f"{file.name}: nothing says on which videos these labels were fitted, if they were; no test video may "
                "be among them (files of avcues annotations gold and soft say it)"
            )
    return [*notes, *(f"not comparable with other protocols: {leak}" for leak in leaks_of(settings))]


def notes_on_groups(videos: Sequence[str], groups: Mapping[str, str] | None) -> list[str]:
    if groups:
        group_names = [groups[video_id] for video_id in videos if video_id in groups]
        alone = len(videos) - len(group_names)
        more = f", {counted(range(alone))} without a group" if alone else ""
        return [f"{len(set(group_names))} groups of {counted(group_names)}{more}; all figures are over groups"]
    pieces = apparent_groups(videos)
    if not pieces:
        return []
    stem, stem_videos = max(pieces.items(), key=lambda piece: len(piece[1]))
    return [
        f"videos look like pieces of {len(pieces)} longer ones, such as {named(stem_videos)} of {stem}: pieces of one "
        "in training and test make figures too high; name what belongs together (groups)"
    ]


def notes_on_shared_raters(by_video: Mapping[str, Collection[int]], folds: Sequence[Parts]) -> list[str]:
    """A note if raters of test videos also rated training videos, which is common, and flatters the figures.

    Args:
        by_video: By video, who rated it; empty: not known.
    """
    shared = 0
    for parts in folds:
        train, test = (
            frozenset[int]().union(*(by_video.get(video_id, ()) for video_id in videos))
            for videos in ((*parts.train, *parts.validation), parts.test)
        )
        shared = max(shared, len(train & test))
    if not shared:
        return []
    return [
        f"{shared} raters rated both training and test videos of a fold: figures are of new videos, not of new raters"
    ]


def notes_on_short_videos(videos: Sequence[str], reach: int) -> list[str]:
    if not videos:
        return []
    subject = "1 labelled video has" if len(videos) == 1 else f"{len(videos)} labelled videos have"
    return [f"{subject} {reach} windows or fewer, too short for one sequence; left out: {named(videos)}"]


def counted(videos: Collection[Any]) -> str:
    return "1 video" if len(videos) == 1 else f"{len(videos)} videos"


def named(videos: Sequence[str]) -> str:
    more = f" and {len(videos) - _LISTED} more" if len(videos) > _LISTED else ""
    return ", ".join(videos[:_LISTED]) + more
