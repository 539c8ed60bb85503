"""Ratings and predictions as columns beside the features: a value per window and a mean per video."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from avcues.pipeline.annotations.ratings.schema import Annotations
from avcues.pipeline.report.emotion import Courses
from avcues.pipeline.report.video import Values

RATINGS, PREDICTIONS = "ratings", "predictions"


@dataclass(frozen=True)
class Target:
    """A rating or a prediction of one video.

    Args:
        mean: Over its windows, or its rating as a whole; NaN: there is none.
        windows: (windows,) values, NaN where there is none; None: the video was rated as a whole.
    """

    mean: float
    windows: Values | None = None


def targets_of(
    video_id: str, courses: Mapping[tuple[str, str | None], Courses], ratings: Annotations | None
) -> dict[str, Target]:
    """Every rating and prediction of a video by the name of its column, such as `ratings.valence (music)`.

    The name contains the setup if the ratings have several setups.
    """
    several = ratings is not None and len(ratings.setups) > 1
    targets = {}
    for (dimension, setup), course in courses.items():
        for table, windows in ((RATINGS, course.gold), (PREDICTIONS, course.prediction)):
            if windows is not None:
                name = _name(table, dimension, setup if several and table == RATINGS else None)
                targets[name] = Target(_mean(windows), windows)
    return targets | dict(_clip_targets(video_id, ratings, several))


def _clip_targets(video_id: str, ratings: Annotations | None, several: bool) -> Iterator[tuple[str, Target]]:
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
                yield _name(RATINGS, dimension.name, setup if several else None), Target(float(pc.mean(values).as_py()))


def _name(table: str, dimension: str, setup: str | None) -> str:
    return f"{table}.{dimension}" + (f" ({setup})" if setup else "")


def _mean(values: Values) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
