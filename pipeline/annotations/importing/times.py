"""Times of ratings: units, clock times, texts such as 1:02.5, and what is said of times that cannot be seconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.ratings.schema import LONGEST_S
from avcues.pipeline.errors import InputError, SettingsError

Values = npt.NDArray[np.float64]

TimeUnit = Literal["s", "ms", "us", "ns", "min", "unix", "unix-ms"]
"""Of times since the start of the video, or of times of day, of which the first of a series counts as 0 s."""
TIME_UNITS: tuple[TimeUnit, ...] = get_args(TimeUnit)

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0, "unix": 1.0, "unix-ms": 1e-3}
_WORDS = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_CLOCK = re.compile(r"(?:(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d+(?:[.,]\d+)?)")
_CLOSE_S = 10.0
_FAR_APART_S = 100.0
"""Continuous ratings that are further apart than this are hardly in seconds."""


def require_unit(unit: str) -> None:
    """Makes sure that a unit is known.

    Raises:
        SettingsError: It is not.
    """
    if unit not in TIME_UNITS:
        raise SettingsError(f"`time_unit={unit}`: expected one of {', '.join(TIME_UNITS)}")


def in_seconds(times: Values, unit: TimeUnit) -> Values:
    """Times in seconds; of times of day (unix, unix-ms), those since the first of the file."""
    times = np.asarray(times, np.float64)
    if unit.startswith("unix") and np.isfinite(times).any():
        times = times - np.nanmin(times)
    return times * _SECONDS[unit]


def of_clock(times: pa.ChunkedArray, where: str, name: str) -> Values:
    """Numbers, or texts such as 75.5, 1:15.5 and 0:01:15,5, as numbers; the texts with colons are seconds.

    Raises:
        InputError: A text is neither.
    """
    if not (pa.types.is_string(times.type) or pa.types.is_dictionary(times.type)):
        return np.asarray(times.cast(pa.float64()).to_numpy(), np.float64)
    distinct = times.cast(pa.string()).dictionary_encode().unify_dictionaries().combine_chunks()
    if isinstance(distinct, pa.ChunkedArray):
        distinct = distinct.chunk(0)
    numbers = []
    for text in distinct.dictionary.to_pylist():
        clock = _CLOCK.fullmatch(text.strip())
        if clock is not None:
            hours, minutes = int(clock["hours"] or 0), int(clock["minutes"])
            numbers.append(3600 * hours + 60 * minutes + float(clock["seconds"].replace(",", ".")))
            continue
        try:
            numbers.append(float(text.replace(",", ".")))
        except ValueError:
            row = pc.index(times.cast(pa.string()), text).as_py() + 1
            raise InputError(
                f'{where}: row {row}: {name} is "{text}"; expected seconds, or minutes and seconds such as 1:02.5'
            ) from None
    values = np.array([*numbers, np.nan])
    return np.asarray(values[distinct.indices.fill_null(len(numbers)).to_numpy(zero_copy_only=False)])


def proposal(times: Values) -> str:
    """What to do about times of which some are longer than `LONGEST_S`."""
    longest, shortest = float(np.nanmax(times)), float(np.nanmin(times))
    if shortest > 1e8 and shortest > 0.9 * longest:
        unit = "unix" if longest < 1e11 else "unix-ms"
        if longest > 1e14:
            return "they look like times of day; give times since the start of the video"
        return (
            "they look like times of day (seconds since 1970); give times since the start of the video, or "
            f"`time_unit={unit}`, which counts from the first rating of each file"
        )
    steps = np.diff(np.unique(times[np.isfinite(times)]))
    for unit, word in _WORDS.items():
        if longest * _SECONDS[unit] <= LONGEST_S and (not len(steps) or steps.min() * _SECONDS[unit] <= _CLOSE_S):
            return f"they look like {word}; give `time_unit={unit}`"
    return "give times since the start of the video"


def suspicion(times: Values, series: npt.NDArray[np.int64]) -> Sequence[str]:
    """A note if ratings over time lie so far apart that they are hardly in seconds.

    Args:
        times: (N,) seconds.
        series: (N,) the series that each belongs to.
    """
    steps = np.diff(times)[(series[1:] == series[:-1]) & (np.diff(times) > 0)]
    if not len(steps) or np.median(steps) < _FAR_APART_S:
        return []
    return [
        f"ratings over time are {np.median(steps):g} s apart (median) and reach {np.nanmax(times):g} s; if these are "
        "milliseconds, import them with `time_unit=ms`"
    ]
