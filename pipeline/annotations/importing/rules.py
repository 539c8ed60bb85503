"""The rules that ratings must meet, and the one-line errors for those that do not."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.importing.repeats import counts_down, looks_repeated
from avcues.pipeline.annotations.importing.sources import Mask, Sources
from avcues.pipeline.annotations.importing.times import doubts_about, proposal
from avcues.pipeline.annotations.ratings.keys import codes, combined, is_in, runs
from avcues.pipeline.annotations.ratings.schema import KEYS, LONGEST_S, RATING_SCHEMA, Dimension
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError

REQUIRED = ("rater", "video_id", "setup", "dimension")
# Headers of spreadsheets have line breaks.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_STATISTICS = frozenset(
    (
        *("mean", "means", "average", "avg", "median", "total", "totals", "sum", "sd", "std", "stdev", "variance"),
        *("mittelwert", "summe", "gesamt", "moyenne", "media"),
    )
)
_EXCEL_DATE = re.compile(r"\d{4}-\d\d-\d\d 00:00:00")


def require_full_rows(rows: Sequence[Sequence[str]], file: Path) -> None:
    """Makes sure that every row of a table has a cell for every column.

    Args:
        rows: Cells by row; the first row names the columns.
        file: The file, for messages.

    Raises:
        InputError: A row has more or fewer cells.
    """
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise InputError(f"{file}: row {i}: has {len(row)} cells; expected {len(rows[0])}, as in the first line")


def validated(
    ratings: pa.Table, dimensions: Mapping[str, Dimension], sources: Sources, repeat: npt.NDArray[np.int64]
) -> tuple[pa.Table, list[str], Mask]:
    """The ratings that can be used.

    Args:
        ratings: Columns of `RATING_SCHEMA`, in the order of the sources.
        dimensions: All dimensions of the ratings, with ranges where they are known.
        repeat: (N,) number of earlier ratings of the clip by the same rater.

    Returns:
        The ratings, a note for everything that was changed or left out, and a mask of the rows that remain.

    Raises:
        InputError: A key is missing, or has control characters; a time is negative or not finite; a value is infinite
            or outside its range; a dimension has both numbers and labels, or both times and none; a rating appears
            twice.
    """
    for name in REQUIRED:
        if ratings[name].null_count:
            raise InputError(f"{sources.first(_nulls(ratings[name]))}: {name} is empty")
        if unprintable := [word for word in ratings[name].unique().to_pylist() if _CONTROL.search(word)]:
            place = sources.first(is_in(ratings[name], unprintable))
            raise InputError(f"{place}: {name} has control characters; expected a name that can be printed")
    time, value = (ratings[name].to_numpy() for name in ("time", "value"))
    untimed = _nulls(ratings["time"])
    wrong = ~untimed & ~(np.isfinite(time) & (time >= 0))
    if wrong.any():
        raise InputError(f"{sources.first(wrong)}: time is {time[wrong][0]:g}; expected seconds from 0 on")
    if len(time) and np.nanmax(time, initial=0) > LONGEST_S:
        late = time > LONGEST_S
        raise InputError(
            f"{sources.first(late)}: time is {time[late][0]:.15g}; expected seconds from the start of the video, at "
            f"most {LONGEST_S} (24 h): {proposal(time[~untimed])}"
        )
    if np.isinf(value).any():
        raise InputError(f"{sources.first(np.isinf(value))}: value is infinite; expected a number")
    without_round = _nulls(ratings["round"])
    if without_round.any() and not without_round.all():
        empty_row, full_row = int(np.argmax(without_round)), int(np.argmin(without_round))
        raise InputError(f"{sources.row(empty_row)}: round is empty, but not in {sources.row(full_row, empty_row)}")
    labelled, empty = ~_nulls(ratings["label"]), np.zeros(len(ratings), bool)
    for dimension in dimensions.values():
        rows = is_in(ratings["dimension"], [dimension.name])
        _require_level(dimension, rows & (labelled if dimension.level != "nominal" else ~np.isnan(value)), sources)
        _require_times(dimension, rows, untimed, sources)
        _require_range(dimension, rows, value, sources)
        empty |= rows & np.isnan(value) & (dimension.level != "nominal")
    notes = _require_series(ratings, sources, repeat)
    if empty.any():
        notes.append(f"left out: {counted(int(empty.sum()), 'row')} without a value")
        ratings = ratings.filter(pa.array(~empty))
    column = RATING_SCHEMA.get_field_index("value")
    finite = pc.if_else(pc.is_nan(ratings["value"]), None, ratings["value"])
    return ratings.set_column(column, RATING_SCHEMA.field(column), finite), notes, ~empty


def require_setups(ratings: pa.Table, allowed: Collection[str] | None, sources: Sources) -> None:
    """Makes sure that every setup is allowed; `allowed=None` allows all.

    Raises:
        InputError: A setup is not allowed.
    """
    foreign = np.zeros(len(ratings), bool) if allowed is None else ~is_in(ratings["setup"], allowed)
    if foreign.any():
        setup = ratings["setup"][int(np.argmax(foreign))].as_py()
        raise InputError(f'{sources.first(foreign)}: setup is "{setup}"; expected one of {", ".join(allowed or ())}')


def require_names(ratings: pa.Table, sources: Sources) -> None:
    """Makes sure that no rater is a row of totals, and no name a date.

    Raises:
        InputError: One of several raters has the name of a statistic, or a rater or video has that of a date.
    """
    raters = [name for name in ratings["rater"].unique().to_pylist() if name is not None]
    statistics = [name for name in raters if name.casefold() in _STATISTICS]
    if statistics and len(raters) > 1:
        raise InputError(
            f'{sources.first(is_in(ratings["rater"], statistics[:1]))}: the rater "{statistics[0]}" is a statistic '
            "over raters rather than one of them; delete its rows, or rename it"
        )
    for key in ("rater", "video_id"):
        dates = [name for name in ratings[key].unique().to_pylist() if name and _EXCEL_DATE.fullmatch(name)]
        if dates:
            raise InputError(
                f'{sources.first(is_in(ratings[key], dates[:1]))}: {key} is the date "{dates[0]}"; Excel makes dates '
                "of names such as 1-2: format the column as text and enter them again"
            )


def _require_level(dimension: Dimension, wrong: Mask, sources: Sources) -> None:
    if wrong.any():
        given_kind, expected = ("a number", "a label") if dimension.level == "nominal" else ("a label", "a number")
        raise InputError(
            f"{sources.first(wrong)}: {dimension.name} has {given_kind}; expected {expected}, because it is "
            f"{dimension.level}"
        )


def _require_times(dimension: Dimension, rows: Mask, untimed: Mask, sources: Sources) -> None:
    timed, timeless = rows & ~untimed, rows & untimed
    if timed.any() and timeless.any():
        timeless_row, timed_row = int(np.argmax(timeless)), int(np.argmax(timed))
        raise InputError(
            f"{sources.row(timeless_row)}: {dimension.name} has no time here, but has one in "
            f"{sources.row(timed_row, timeless_row)}; "
            "use a separate dimension for what is rated once per clip"
        )


def _require_range(dimension: Dimension, rows: Mask, value: npt.NDArray[np.float64], sources: Sources) -> None:
    low = -np.inf if dimension.low is None else dimension.low
    high = np.inf if dimension.high is None else dimension.high
    outside = rows & ((value < low) | (value > high))
    if outside.any():
        raise InputError(
            f"{sources.first(outside)}: {dimension.name} is {value[outside][0]:g}; expected {low:g} to {high:g}"
        )


def series_keys(ratings: pa.Table) -> npt.NDArray[np.int64]:
    """(N,) one number for each rater, video, setup, round and dimension."""
    names = {name: [word for word in ratings[name].unique().to_pylist() if word is not None] for name in KEYS}
    return combined((codes(ratings[name], names[name]), len(names[name])) for name in KEYS)


def _require_series(ratings: pa.Table, sources: Sources, repeat: npt.NDArray[np.int64]) -> list[str]:
    """Makes sure that no rating appears twice; returns notes on odd times and unsorted series."""
    series = combined([(series_keys(ratings), 0), (repeat, int(repeat.max(initial=0)) + 1)])
    time = ratings["time"].to_numpy()
    distinct, run_keys, _ = runs(series)
    notes = doubts_about(time, series)
    if len(distinct) == len(run_keys) and (time[1:] > time[:-1])[series[1:] == series[:-1]].all():
        return notes
    labels = [word for word in ratings["label"].unique().to_pylist() if word is not None]
    time, label = np.nan_to_num(time, nan=-1), codes(ratings["label"], labels)
    order = np.lexsort((label, time, series))
    same_series, is_later = series[order[1:]] == series[order[:-1]], np.diff(time[order]) > 0
    is_duplicate = same_series & ~is_later & (label[order[1:]] == label[order[:-1]])
    if is_duplicate.any():
        i = int(np.argmax(is_duplicate))
        first, second = sorted((int(order[i]), int(order[i + 1])))
        raise InputError(
            f"{sources.two_rows(first, second)} are the same rating "
            f"({_keys_in_words(ratings, first, 'time', 'label')}); expected "
            "it once, or `repeated` if the rater rated the clip again"
        )
    unsorted_series = np.unique(series[order[1:]][same_series & is_later & (np.diff(order) < 0)])
    for key in unsorted_series:
        rows = np.flatnonzero(series == key)
        _require_one_course(ratings, rows, time[rows], label[rows[0]] >= 0, sources)
    if len(unsorted_series):
        notes.append(f"times out of order in {counted(len(unsorted_series), 'series', 'series')}; sorted by time")
    return notes


def _require_one_course(
    ratings: pa.Table, rows: npt.NDArray[np.int64], time: npt.NDArray[np.float64], labelled: bool, sources: Sources
) -> None:
    """Makes sure that a series out of order is neither two courses through the clip nor a countdown."""
    first = int(rows[0])
    if not labelled and looks_repeated(time):
        raise InputError(
            f"{sources.row(first)}: the times of {_keys_in_words(ratings, first)} run through the clip twice; give "
            "`repeated` "
            "if the rater rated it again, or else sort them"
        )
    if counts_down(time):
        raise InputError(
            f"{sources.row(first)}: the times of {_keys_in_words(ratings, first)} count down from {time[0]:g} to "
            f"{time[-1]:g}; expected seconds since the start of the video"
        )


def _keys_in_words(ratings: pa.Table, row: int, *further_keys: str) -> str:
    """The keys of a rating, for messages."""
    rating = ratings.slice(row, 1).to_pylist()[0]
    return ", ".join(f"{rating[name]}" for name in (*REQUIRED, *further_keys) if rating[name] is not None)


def _nulls(column: pa.ChunkedArray) -> Mask:
    return np.asarray(column.is_null().to_numpy(), bool)
