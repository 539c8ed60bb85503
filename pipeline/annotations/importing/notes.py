"""Notes on imported ratings that users of the study must know."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.ratings.keys import is_in
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.annotations.ratings.wording import counted, listed

_DAY_AND_MONTH = re.compile(
    r"\d{1,2}[-. /]{1,2}(jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-z]*\.?"
    r"|(jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-z]*\.?[-. /]{1,2}\d{1,2}",
    re.IGNORECASE,
)
_PAST_END_S = 1.0
"""Ratings later than this after the end of their video are noted."""


def notes_on(
    ratings: pa.Table, repeats: pa.Table, dimensions: Mapping[str, Dimension], lengths: Mapping[str, float]
) -> list[str]:
    """One line for everything conspicuous in the ratings.

    Args:
        repeats: Repeated ratings, which are kept apart.
        lengths: Lengths of the videos in seconds, where known.
    """
    logs = [dimension.name for dimension in dimensions.values() if dimension.hold]
    return [
        *_on_missing_ranges(dimensions, ratings),
        *_on_similar_names(ratings),
        *_on_names_like_dates(ratings),
        *_on_ratings_behind_the_end(ratings, lengths),
        *_on_logs(logs, bool(lengths)),
        *_on_repeats(repeats),
    ]


def _on_missing_ranges(dimensions: Mapping[str, Dimension], ratings: pa.Table) -> list[str]:
    notes = []
    for dimension in dimensions.values():
        if dimension.level != "nominal" and dimension.low is None:
            value = ratings.filter(pa.array(is_in(ratings["dimension"], [dimension.name])))["value"].to_numpy()
            if len(value):
                notes.append(
                    f"{dimension.name}: range not given, so values outside it go unnoticed; they run from "
                    f"{value.min():g} to {value.max():g}"
                )
    return notes


def _on_similar_names(ratings: pa.Table) -> list[str]:
    """Notes on names of raters or videos that differ only in capitals."""
    notes = []
    for key, noun in (("rater", "raters"), ("video_id", "videos")):
        spellings: dict[str, list[str]] = {}
        for name in ratings[key].unique().to_pylist():
            spellings.setdefault(name.casefold(), []).append(name)
        similar = [" and ".join(sorted(names)) for names in spellings.values() if len(names) > 1]
        if similar:
            notes.append(f"{noun} whose names differ in capitals only are kept apart: {listed(similar)}")
    return notes


def _on_names_like_dates(ratings: pa.Table) -> list[str]:
    notes = []
    for key, noun in (("rater", "rater"), ("video_id", "video"), ("label", "label")):
        dates = [name for name in ratings[key].unique().to_pylist() if name and _DAY_AND_MONTH.fullmatch(name)]
        if dates:
            notes.append(
                f"{counted(len(dates), noun)} called like a date, as Excel makes of 1-2: {listed(sorted(dates))}"
            )
    return notes


def _on_ratings_behind_the_end(ratings: pa.Table, lengths: Mapping[str, float]) -> list[str]:
    if not lengths or ratings["time"].null_count == len(ratings):
        return []
    last_ratings = ratings.group_by("video_id").aggregate([("time", "max")]).to_pylist()
    late = {
        row["video_id"]: row["time_max"]
        for row in last_ratings
        if row["time_max"] is not None and row["time_max"] > lengths.get(row["video_id"], np.inf) + _PAST_END_S
    }
    if not late:
        return []
    examples = [f"{video_id} ({late[video_id]:g} s of {lengths[video_id]:g} s)" for video_id in sorted(late)]
    end = pa.array([lengths.get(name, np.inf) for name in ratings["video_id"].to_pylist()], pa.float64())
    count = pc.sum(pc.greater(ratings["time"], end)).as_py() or 0
    return [
        f"{counted(count, 'rating')} behind the end of {counted(len(late), 'video')}, which no window holds: "
        f"{listed(examples)}"
    ]


def _on_logs(logs: Sequence[str], lengths_known: bool) -> list[str]:
    if not logs:
        return []
    end_of_last_value = (
        "the end of its video"
        if lengths_known
        else "the last rating of its video by any rater, because lengths are not known"
    )
    return [f"{listed(logs)}: a value holds until the next one, the last one until {end_of_last_value}"]


def _on_repeats(repeats: pa.Table) -> list[str]:
    if not len(repeats):
        return []
    raters, videos = (len(repeats[name].unique()) for name in ("rater", "video_id"))
    return [
        f"kept apart: ratings of {counted(videos, 'video')} that {counted(raters, 'rater')} gave again "
        f"({counted(len(repeats), 'row')}), for test-retest reliability"
    ]
