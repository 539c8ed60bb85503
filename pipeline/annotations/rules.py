"""The rules that ratings must meet, and the one-line errors for those that do not."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.keys import among, codes, combined, runs
from avcues.pipeline.annotations.schema import KEYS, RATING_SCHEMA, Dimension
from avcues.pipeline.annotations.wording import counted, listed
from avcues.pipeline.errors import InputError

_REQUIRED = ("rater", "video_id", "setup", "dimension")

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Origin:
    """Where ratings come from, for messages.

    Args:
        name: Of the file.
        per_row: Number of ratings in one row of the file.
    """

    name: str
    per_row: int = 1

    def __str__(self) -> str:
        return self.name

    def at(self, mask: Mask) -> str:
        """The file, and its first row, counted from 1 below the header, at which a mask is true."""
        return f"{self.name}: row {self.row(int(np.argmax(mask)))}"

    def row(self, rating: int) -> int:
        """The file's row of a rating."""
        return rating // self.per_row + 1


def checked(ratings: pa.Table, dimensions: Mapping[str, Dimension], where: Origin) -> tuple[pa.Table, list[str]]:
    """The usable ratings, and a note for everything that was changed or left out.

    Args:
        ratings: By `RATING_SCHEMA`, in the order of the file.
        dimensions: Of all ratings, with the ranges that are known.

    Raises:
        InputError: A key is missing; a time is negative or not finite; a value is infinite or outside its range; a
            dimension has both numbers and labels, or both times and none; a rating is there twice.
    """
    for name in _REQUIRED:
        if ratings[name].null_count:
            raise InputError(f"{where.at(_nulls(ratings[name]))}: {name} is empty")
    time, value = (ratings[name].to_numpy() for name in ("time", "value"))
    untimed = _nulls(ratings["time"])
    wrong = ~untimed & ~(np.isfinite(time) & (time >= 0))
    if wrong.any():
        raise InputError(f"{where.at(wrong)}: time is {time[wrong][0]:g}; expected seconds from 0 on")
    if np.isinf(value).any():
        raise InputError(f"{where.at(np.isinf(value))}: value is infinite; expected a number")
    without = _nulls(ratings["round"])
    if without.any() and not without.all():
        raise InputError(f"{where.at(without)}: round is empty, but not in row {where.row(int(np.argmin(without)))}")
    labelled, empty = ~_nulls(ratings["label"]), np.zeros(len(ratings), bool)
    for dimension in dimensions.values():
        of_it = among(ratings["dimension"], [dimension.name])
        _check_level(dimension, of_it & (labelled if dimension.level != "nominal" else ~np.isnan(value)), where)
        _check_times(dimension, of_it, untimed, where)
        _check_range(dimension, of_it, value, where)
        empty |= of_it & np.isnan(value) & (dimension.level != "nominal")
    notes = _check_series(ratings, where)
    if empty.any():
        notes.append(f"left out: {counted(int(empty.sum()), 'row')} without a value")
        ratings = ratings.filter(pa.array(~empty))
    at = RATING_SCHEMA.get_field_index("value")
    finite = pc.if_else(pc.is_nan(ratings["value"]), None, ratings["value"])
    return ratings.set_column(at, RATING_SCHEMA.field(at), finite), notes


def known_only(ratings: pa.Table, known: Collection[str] | None, where: Origin) -> tuple[pa.Table, list[str]]:
    """The ratings of known videos, and notes that count the others; None: all videos are known.

    Raises:
        InputError: No video is known.
    """
    if known is None:
        return ratings, []
    named = set(ratings["video_id"].unique().to_pylist())
    foreign, unrated = sorted(named - set(known)), sorted(set(known) - named)
    if not named & set(known):
        raise InputError(
            f"{where}: no rated video is in the dataset; rated are {listed(foreign)}, the dataset has {listed(unrated)}"
        )
    notes = [f"no rating of {counted(len(unrated), 'video')} of the dataset: {listed(unrated)}"] if unrated else []
    if foreign:
        wanted = among(ratings["video_id"], known)
        notes.append(
            f"left out: {counted(int((~wanted).sum()), 'rating')} of {counted(len(foreign), 'video')} that the dataset "
            f"does not have: {listed(foreign)}"
        )
        ratings = ratings.filter(pa.array(wanted))
    return ratings, notes


def check_setups(ratings: pa.Table, allowed: Collection[str] | None, where: Origin) -> None:
    """Makes sure that every setup is one of those that were named; None: any will do.

    Raises:
        InputError: One is not.
    """
    foreign = np.zeros(len(ratings), bool) if allowed is None else ~among(ratings["setup"], allowed)
    if foreign.any():
        setup = ratings["setup"][int(np.argmax(foreign))].as_py()
        raise InputError(f'{where.at(foreign)}: setup is "{setup}"; expected one of {", ".join(allowed or ())}')


def _check_level(dimension: Dimension, wrong: Mask, where: Origin) -> None:
    if wrong.any():
        has, expected = ("a number", "a label") if dimension.level == "nominal" else ("a label", "a number")
        raise InputError(
            f"{where.at(wrong)}: {dimension.name} has {has}; expected {expected}, because it is {dimension.level}"
        )


def _check_times(dimension: Dimension, of_it: Mask, untimed: Mask, where: Origin) -> None:
    timed, timeless = of_it & ~untimed, of_it & untimed
    if timed.any() and timeless.any():
        raise InputError(
            f"{where.at(timeless)}: {dimension.name} has no time here, but has one in row "
            f"{where.row(int(np.argmax(timed)))}; "
            "use a separate dimension for what is rated once per clip"
        )


def _check_range(dimension: Dimension, of_it: Mask, value: npt.NDArray[np.float64], where: Origin) -> None:
    low = -np.inf if dimension.low is None else dimension.low
    high = np.inf if dimension.high is None else dimension.high
    outside = of_it & ((value < low) | (value > high))
    if outside.any():
        raise InputError(
            f"{where.at(outside)}: {dimension.name} is {value[outside][0]:g}; expected {low:g} to {high:g}"
        )


def _check_series(ratings: pa.Table, where: Origin) -> list[str]:
    """Makes sure that no rating is there twice; says how many series are not in the order of their times."""
    names = {name: [w for w in ratings[name].unique().to_pylist() if w is not None] for name in (*KEYS, "label")}
    series = combined((codes(ratings[name], names[name]), len(names[name])) for name in KEYS)
    time = ratings["time"].to_numpy()
    distinct, of_run, _ = runs(series)
    if len(distinct) == len(of_run) and (time[1:] > time[:-1])[series[1:] == series[:-1]].all():
        return []
    time, label = np.nan_to_num(time, nan=-1), codes(ratings["label"], names["label"])
    order = np.lexsort((label, time, series))
    of_same_series, later = series[order[1:]] == series[order[:-1]], np.diff(time[order]) > 0
    same = of_same_series & ~later & (label[order[1:]] == label[order[:-1]])
    if same.any():
        at = int(np.argmax(same))
        first, second = sorted((int(order[at]), int(order[at + 1])))
        row = ratings.slice(first, 1).to_pylist()[0]
        what = ", ".join(f"{row[name]}" for name in (*_REQUIRED, "time", "label") if row[name] is not None)
        rows = f"rows {where.row(first)} and {where.row(second)}"
        raise InputError(f"{where}: {rows} are the same rating ({what}); expected it once")
    unsorted = np.unique(series[order[1:]][of_same_series & later & (np.diff(order) < 0)])
    if not len(unsorted):
        return []
    return [f"times out of order in {counted(len(unsorted), 'series', 'series')}; sorted by time"]


def _nulls(column: pa.ChunkedArray) -> Mask:
    return np.asarray(column.is_null().to_numpy(), bool)
