"""Panels of scenes, objects and actions: the classes that matter most in the video, each in a lane of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from avcues.pipeline.report.series import Panel, numbers, series_of, why_empty
from avcues.pipeline.report.video import Values, Video

LANES = 8


def scenes(video: Video) -> Panel | None:
    """The most probable scenes of the whole video."""
    if not video.has("scenes", "top1"):
        return None
    classes = video.classes("scenes")
    values = video.values("scenes", classes)
    panel = _lanes(
        video,
        "Scenes",
        "scenes",
        classes,
        values,
        f"probability of {LANES} of {len(classes)} classes, the most probable of the whole video",
    )
    return replace(panel, words=video.texts("scenes", "top1"), words_column="scenes.top1")


def actions(video: Video) -> Panel | None:
    """The most probable actions of the whole video; the values of a shot apply to all its windows."""
    if not video.has("actions", "top1"):
        return None
    classes = video.classes("actions")
    values = video.per_window("actions", classes)
    words = [*video.texts("actions", "top1"), None]
    panel = _lanes(
        video,
        "Actions",
        "actions",
        classes,
        values,
        f"probability per shot of {LANES} of {len(classes)} classes, the most probable of the whole video",
    )
    return replace(panel, words=[words[shot] for shot in video.shot_of_windows], words_column="actions.top1")


def objects(video: Video) -> Panel | None:
    """The objects that appear most, with their best score and their number."""
    classes = [name.removeprefix("score_") for name in video.numeric("objects") if name.startswith("score_")]
    if not classes:
        return None
    values = video.values("objects", [f"score_{name}" for name in classes])
    panel = _lanes(
        video,
        "Objects",
        "objects",
        [f"score_{name}" for name in classes],
        values,
        "score of the most confident detection, and number of detections; the classes that appear most",
    )
    seen = [scores for scores in panel.series if any(scores.values)]
    count_of = {scores.column: scores.column.replace("objects.score_", "count_") for scores in seen}
    counts = video.values("objects", list(count_of.values()))
    return replace(
        panel,
        series=[
            replace(
                scores,
                name=scores.name.removeprefix("score_"),
                counts=numbers(counts[:, i]),
                counts_column=f"objects.{count_of[scores.column]}",
            )
            for i, scores in enumerate(seen)
        ],
        empty=panel.empty or ("" if seen else "no object was found in any frame"),
    )


def _lanes(video: Video, title: str, table: str, classes: Sequence[str], values: Values, note: str) -> Panel:
    """The `LANES` classes with the highest mean of (windows, classes) values."""
    means = np.nan_to_num(values).sum(axis=0)
    best = np.argsort(-means, kind="stable")[:LANES]
    series = [series_of(video, table, classes[i], values[:, i]) for i in best]
    return Panel(title=title, kind="lanes", note=note, series=series, empty=why_empty(video, series))
