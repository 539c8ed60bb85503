"""Notes for readers of a study's figures: what was left out, and what makes figures too good; a line each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.training.settings import TrainingSettings
from avcues.pipeline.training.splits import Parts, apparent_groups
from avcues.pipeline.training.targets import LabelFile

_LISTED = 5


def leaks_of(settings: TrainingSettings) -> list[str]:
    """The settings that leak test videos into a model or into its figures."""
    leaks = []
    if settings.estimator.pretrained and settings.protocol.pretrain == "shared":
        leaks.append("pretrain=shared: the branches of every fold were pretrained on videos that other folds test")
    if settings.protocol.scoring == "s111":
        leaks.append("scoring=s111: each slice that is scored as one video begins within the preceding video")
    return leaks


def notes_on_data(data: Dataset, files: Mapping[str, LabelFile], settings: TrainingSettings) -> list[str]:
    """Notes on videos that were left out, on labels, and on settings that leak."""
    notes = [f"{video_id} is left out: {reason}" for video_id, reason in data.left_out.items()]
    for file in files.values():
        notes += file.labels.warnings
        if not file.metadata:
            notes.append(
                f"{file.name}: it is unknown on which videos these labels were fitted, if any; no test video may be "
                "among them (files of avcues annotations gold and soft record it)"
            )
    return [*notes, *(f"not comparable with other protocols: {leak}" for leak in leaks_of(settings))]


def notes_on_groups(videos: Sequence[str], groups: Mapping[str, str] | None) -> list[str]:
    """A note on the groups of a study, or on videos that look as if they needed groups."""
    if groups:
        group_names = [groups[video_id] for video_id in videos if video_id in groups]
        ungrouped = len(videos) - len(group_names)
        others = f", {count_videos(range(ungrouped))} without a group" if ungrouped else ""
        return [f"{len(set(group_names))} groups of {count_videos(group_names)}{others}; all figures are over groups"]
    pieces = apparent_groups(videos)
    if not pieces:
        return []
    stem, stem_videos = max(pieces.items(), key=lambda piece: len(piece[1]))
    return [
        f"videos look like pieces of {len(pieces)} longer ones, such as {list_names(stem_videos)} of {stem}: pieces of "
        "one video in training and test make figures too high; give their groups"
    ]


def notes_on_shared_raters(by_video: Mapping[str, Collection[int]], folds: Sequence[Parts]) -> list[str]:
    """A note if raters of test videos also rated training videos: common, but it makes figures better.

    Args:
        by_video: Numbers of the raters of each video; empty: unknown.
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
        f"{shared} raters rated both training and test videos of a fold: figures hold for new videos, not for new "
        "raters"
    ]


def notes_on_short_videos(videos: Sequence[str], reach: int) -> list[str]:
    """A note on labelled videos with at most `reach` windows."""
    if not videos:
        return []
    subject = "1 labelled video has" if len(videos) == 1 else f"{len(videos)} labelled videos have"
    return [f"{subject} {reach} windows or fewer, too short for one sequence; left out: {list_names(videos)}"]


def count_videos(videos: Collection[Any]) -> str:
    """The number of videos in words: "1 video" or "3 videos"."""
    return "1 video" if len(videos) == 1 else f"{len(videos)} videos"


def list_names(videos: Sequence[str]) -> str:
    """The first names of a list, and how many more it has."""
    remainder = f" and {len(videos) - _LISTED} more" if len(videos) > _LISTED else ""
    return ", ".join(videos[:_LISTED]) + remainder
