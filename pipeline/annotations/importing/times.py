"""Times of ratings: units, texts such as 1:02.5, times of day, and doubts about times that cannot be seconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.ratings.keys import codes, combined
from avcues.pipeline.annotations.ratings.schema import LONGEST_S
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.store.user_columns import MISSING

Values = npt.NDArray[np.float64]

TimeUnit = Literal["s", "ms", "us", "ns", "min", "clock", "unix", "unix-ms"]
"""Units of times since the start of the video, or of times of day (14:05:10.5, seconds since 1970): see `OF_DAY`."""
TIME_UNITS: tuple[TimeUnit, ...] = get_args(TimeUnit)

OF_DAY: tuple[TimeUnit, ...] = ("clock", "unix", "unix-ms")
"""Units of times of day; the first time of a rater and clip counts as 0 s."""
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0, "clock": 1.0, "unix": 1.0, "unix-ms": 1e-3}
_WORDS = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_CLOCK = re.compile(
    r"(?:(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d+(?:[.,]\d+)?)(?: ?(?P<half>am|pm))?", re.IGNORECASE
)
_CLOSE_S = 10.0
_FAR_APART_S = 100.0
"""Ratings over time that are further apart than this are unlikely to be in seconds."""
_LONG_S, _APART_IF_LONG_S = 3600.0, 5.0
"""Nor are ratings that reach `_LONG_S` and are further apart than `_APART_IF_LONG_S`: a hand is read more often."""
_LATE_S, _LATE_SPANS = 1800.0, 5.0
"""Series that begin later than `_LATE_S` and than `_LATE_SPANS` times their own length may have times of day."""


def require_unit(unit: str) -> None:
    """Makes sure that a unit is known.

    Raises:
        SettingsError: The unit is unknown.
    """
    if unit not in TIME_UNITS:
        raise SettingsError(f"`time_unit={unit}`: expected one of {', '.join(TIME_UNITS)}")


def seconds_of(column: pa.ChunkedArray, unit: TimeUnit, file: str, name: str) -> Values:
    """(N,) seconds, for times of day since 1970 or midnight; NaN where a time is missing.

    Args:
        column: Numbers in the unit, texts such as 75.5, 1:15.5 and 0:01:15,5 (which are minutes and seconds whatever
            the unit), or Arrow's durations and time stamps.
        unit: Unit of times that are numbers.
        file: The file, for messages.
        name: Name of the column, for messages.

    Raises:
        InputError: A text is no time, or there are time stamps although the unit is not one of times of day.
    """
    kind = column.type
    if pa.types.is_duration(kind):
        return _numbers(column.cast(pa.duration("ns")).cast(pa.int64())) / 1e9
    if pa.types.is_time(kind):
        return _numbers(column.cast(pa.time64("ns")).cast(pa.int64())) / 1e9
    if pa.types.is_timestamp(kind):
        if unit not in OF_DAY:
            raise InputError(f"{file}: {name} holds time stamps; give `time_unit=clock`")
        return _numbers(column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())) / 1e6
    if not (pa.types.is_string(kind) or pa.types.is_dictionary(kind)):
        return _numbers(column) * _SECONDS[unit]
    texts = column.cast(pa.string()).dictionary_encode().unify_dictionaries().combine_chunks()
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.chunk(0)
    seconds = []
    for text in texts.dictionary.to_pylist():
        parsed = _parsed(text.strip(), unit)
        if parsed is None:
            row = pc.index(column.cast(pa.string()), text).as_py() + 1
            raise InputError(
                f'{file}: row {row}: {name} is "{text}"; expected seconds, or minutes and seconds such as 1:02.5'
            )
        seconds.append(parsed)
    index = texts.indices.fill_null(len(seconds)).to_numpy(zero_copy_only=False)
    return np.asarray(np.array([*seconds, np.nan])[index])


def since_first(seconds: Values, keys: Sequence[pa.ChunkedArray | pa.Array] = ()) -> Values:
    """(N,) seconds since the first time of day with the same keys, such as rater and video."""
    if not np.isfinite(seconds).any():
        return seconds
    names = [[word for word in key.unique().to_pylist() if word is not None] for key in keys]
    group = combined((codes(key, words), len(words)) for key, words in zip(keys, names, strict=True))
    _, group = np.unique(np.broadcast_to(group, seconds.shape), return_inverse=True)
    first = np.full(group.max() + 1, np.inf)
    np.fmin.at(first, group, seconds)
    return np.asarray(seconds - first[group])


def _numbers(column: pa.ChunkedArray) -> Values:
    return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)


def _parsed(text: str, unit: TimeUnit) -> float | None:
    """A text as seconds, NaN if it stands for a missing time; None: it is no time."""
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        hours, minutes = int(clock["hours"] or 0), int(clock["minutes"])
        if clock["half"]:
            hours = hours % 12 + (12 if clock["half"].lower() == "pm" else 0)
        return 3600 * hours + 60 * minutes + float(clock["seconds"].replace(",", "."))
    if text in ("", *MISSING):
        return float("nan")
    try:
        return float(text.replace(",", ".")) * _SECONDS[unit]
    except ValueError:
        pass
    try:
        stamp = datetime.fromisoformat(text) if unit in OF_DAY else None
    except ValueError:
        return None
    return None if stamp is None else (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()


def proposal(times: Values) -> str:
    """Advice for times of which some exceed `LONGEST_S`."""
    longest, shortest = float(np.nanmax(times)), float(np.nanmin(times))
    if shortest > 1e8 and shortest > 0.9 * longest:
        unit = "unix" if longest < 1e11 else "unix-ms"
        if longest > 1e14:
            return "they look like times of day; give times since the start of the video"
        return (
            "they look like times of day (seconds since 1970); give times since the start of the video, or "
            f"`time_unit={unit}`, which counts from the first rating of each rater and clip"
        )
    steps = np.diff(np.unique(times[np.isfinite(times)]))
    for unit, word in _WORDS.items():
        if longest * _SECONDS[unit] <= LONGEST_S and (not len(steps) or steps.min() * _SECONDS[unit] <= _CLOSE_S):
            return f"they look like {word}; give `time_unit={unit}`"
    return "give times since the start of the video"


def doubts_about(times: Values, series: npt.NDArray[np.int64]) -> list[str]:
    """Notes on times that are unlikely to be seconds since the start of the video.

    Args:
        times: (N,) seconds.
        series: (N,) the series that each belongs to.
    """
    same_series = series[1:] == series[:-1]
    steps = np.diff(times)[same_series & (np.diff(times) > 0)]
    if not len(steps):
        return []
    notes = []
    apart, longest = np.median(steps), np.nanmax(times)
    if apart >= _FAR_APART_S or (longest >= _LONG_S and apart >= _APART_IF_LONG_S):
        notes.append(
            f"ratings over time are {apart:g} s apart (median) and reach {longest:g} s; if these "
            "are milliseconds, import them with `time_unit=ms`, and if they were minutes and seconds, Excel may have "
            "taken them for hours and minutes"
        )
    begins = np.flatnonzero(np.concatenate([[True], ~same_series]))
    first, last = np.minimum.reduceat(times, begins), np.maximum.reduceat(times, begins)
    late = np.isfinite(first) & (first > _LATE_S) & (first > _LATE_SPANS * (last - first))
    if late.mean() > 0.5:
        notes.append(
            f"series begin {np.median(first[late]):g} s into their videos (median) and last "
            f"{np.median((last - first)[late]):g} s; if these are times of day, import them with `time_unit=clock`"
        )
    return notes
