"""Panels of scenes, objects and actions: a lane for each of the most probable classes of the video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from avcues.pipeline.report.series import Panel, empty_reason, numbers, series_of
from avcues.pipeline.report.video import Values, Video

LANE_COUNT = 8


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
        f"probability of {LANE_COUNT} of {len(classes)} classes, the most probable of the whole video",
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
        f"probability per shot of {LANE_COUNT} of {len(classes)} classes, the most probable of the whole video",
    )
    return replace(panel, words=[words[shot] for shot in video.shot_of_windows], words_column="actions.top1")


def objects(video: Video) -> Panel | None:
    """The objects that appear most, with their best score and their number per window."""
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
    detected = [scores for scores in panel.series if any(scores.values)]
    count_columns = {scores.column: scores.column.replace("objects.score_", "count_") for scores in detected}
    counts = video.values("objects", list(count_columns.values()))
    return replace(
        panel,
        series=[
            replace(
                scores,
                name=scores.name.removeprefix("score_"),
                counts=numbers(counts[:, i]),
                counts_column=f"objects.{count_columns[scores.column]}",
            )
            for i, scores in enumerate(detected)
        ],
        empty=panel.empty or ("" if detected else "no object was detected in any frame"),
    )


def _lanes(video: Video, title: str, table: str, classes: Sequence[str], values: Values, note: str) -> Panel:
    """The `LANE_COUNT` classes with the highest mean of (windows, classes) values."""
    means = np.nan_to_num(values).sum(axis=0)
    best = np.argsort(-means, kind="stable")[:LANE_COUNT]
    series = [series_of(video, table, classes[i], values[:, i]) for i in best]
    return Panel(title=title, kind="lanes", note=note, series=series, empty=empty_reason(video, series))
