"""Ratings and predictions as columns beside the features: a value per window and a mean per video."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.report.emotion import TimeCourses
from avcues.pipeline.report.video import Values

RATINGS, PREDICTIONS = "ratings", "predictions"


@dataclass(frozen=True)
class VideoTarget:
    """A rating or a prediction of one video.

    Args:
        mean: The mean over its windows, or the rating of the whole video; NaN if missing.
        windows: (windows,) values, NaN where a value is missing; None: the video was rated as a whole.
    """

    mean: float
    windows: Values | None = None


def video_targets(
    video_id: str, courses: Mapping[tuple[str, str | None], TimeCourses], ratings: Annotations | None
) -> dict[str, VideoTarget]:
    """Every rating and prediction of a video by the name of its column, such as `ratings.valence (music)`.

    Names contain the setup if the ratings have several setups.
    """
    has_several_setups = ratings is not None and len(ratings.setups) > 1
    targets = {}
    for (dimension, setup), course in courses.items():
        for table, windows in ((RATINGS, course.gold), (PREDICTIONS, course.prediction)):
            if windows is not None:
                name = _name(table, dimension, setup if has_several_setups and table == RATINGS else None)
                targets[name] = VideoTarget(_mean(windows), windows)
    return targets | dict(_clip_targets(video_id, ratings, has_several_setups))


def _clip_targets(
    video_id: str, ratings: Annotations | None, has_several_setups: bool
) -> Iterator[tuple[str, VideoTarget]]:
    """Yields the mean over raters for each dimension in which videos are rated as a whole."""
    if ratings is None:
        return
    video_ratings = ratings.select(videos=[video_id])
    for dimension in video_ratings.numeric():
        if video_ratings.over_time(dimension.name):
            continue
        for setup in video_ratings.setups:
            values = video_ratings.select(setups=[setup], dimensions=[dimension.name]).ratings["value"]
            if values.null_count < len(values):
                yield (
                    _name(RATINGS, dimension.name, setup if has_several_setups else None),
                    VideoTarget(float(pc.mean(values).as_py())),
                )


def _name(table: str, dimension: str, setup: str | None) -> str:
    return f"{table}.{dimension}" + (f" ({setup})" if setup else "")


def _mean(values: Values) -> float:
    present = values[~np.isnan(values)]
    return float(present.mean()) if len(present) else float("nan")
