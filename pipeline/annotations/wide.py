"""Import of wide CSV files: a column of times and one column per rater, one file per clip.

The form of MuSe-Toolbox and end2you. What a file is of, its path says.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa

from pipeline.annotations.csv_files import column_names, read_columns
from pipeline.annotations.rules import Origin, check_setups, checked, known_only
from pipeline.annotations.schema import RATING_SCHEMA, Annotations, Dimension, Level
from pipeline.annotations.tidy import Range, exposures_of, raters_of
from pipeline.errors import InputError, SettingsError

TimeUnit = Literal["s", "ms"]

PLACEHOLDERS = ("video_id", "setup", "dimension", "round")
_TIMES = ("time", "timestamp", "times", "Time", "Timestamp")


def import_wide(
    files: Sequence[str | Path],
    *,
    pattern: str = "{video_id}",
    setup: str | None = None,
    dimension: str | None = None,
    range_: Range | None = None,
    level: Level = "interval",
    time_unit: TimeUnit = "s",
    setups: Collection[str] | None = None,
    known: Collection[str] | None = None,
    raters: Any = None,
) -> Annotations:
    """Ratings over time of wide files, one per clip, setup and dimension.

    Args:
        files: CSV files with a column `time` or `timestamp`, and one column per rater; an empty cell is no rating.
        pattern: What the end of a path says, without its suffix: "{dimension}/{setup}/{video_id}".
        setup: Of all files whose path does not say it.
        dimension: Of all files whose path does not say it.
        range_: Lowest and highest value; None: not known.
        level: Of measurement, of all dimensions.
        time_unit: Of the times in the files.
        setups: The setups that there may be; None: any.
        known: Ids of the videos that there may be; None: any.
        raters: As for `import_tidy`.

    Raises:
        InputError: A file cannot be read or holds an impossible rating, or two files are of the same clip.
        SettingsError: The pattern names no video, or neither it nor an option says setup and dimension.
    """
    if time_unit not in get_args(TimeUnit):
        raise SettingsError(f'time unit "{time_unit}"; expected {" or ".join(get_args(TimeUnit))}')
    if not files:
        raise InputError("no file to import")
    expression = _expression(pattern)
    given = {"setup": setup, "dimension": dimension, "round": None}
    parts, notes = [], []
    taken: dict[tuple[str | None, ...], Path] = {}
    dimensions: dict[str, Dimension] = {}
    for file in map(Path, files):
        about = given | _of_path(file, expression, pattern)
        for name in ("setup", "dimension"):
            if about[name] is None:
                raise SettingsError(f"{file}: its {name} is not known; name it, or have {{{name}}} in the pattern")
        key = tuple(about[name] for name in PLACEHOLDERS)
        if key in taken:
            raise InputError(f"{file}: is of the same clip as {taken[key]} ({', '.join(filter(None, key))})")
        taken[key] = file
        name = str(about["dimension"])
        low, high = range_ or (None, None)
        dimensions[name] = Dimension(name=name, level=level, low=low, high=high)
        rows, raters_of_file = _long(file, about, 0.001 if time_unit == "ms" else 1.0)
        check_setups(rows, setups, Origin(str(file), raters_of_file))
        rows, of_file = checked(rows, {name: dimensions[name]}, Origin(str(file), raters_of_file))
        parts.append(rows)
        notes += [f"{file.name}: {note}" for note in of_file if "without a value" not in note]
    ratings = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    exposures = exposures_of(ratings)
    ratings, of_foreign = known_only(ratings, known, Origin("the files"))
    profiles, of_raters = raters_of(ratings, raters)
    return Annotations(
        ratings=ratings,
        raters=profiles,
        exposures=exposures,
        dimensions=dimensions,
        origin={
            "importer": "wide",
            "files": [str(file) for file in files],
            "pattern": pattern,
            "notes": [*notes, *of_foreign, *of_raters],
        },
    )


def _expression(pattern: str) -> re.Pattern[str]:
    if pattern.count("{video_id}") != 1:
        raise SettingsError(f'the pattern "{pattern}" names no video; expected {{video_id}} in it, once')
    expression = re.escape(pattern)
    for name in PLACEHOLDERS:
        expression = expression.replace(re.escape(f"{{{name}}}"), f"(?P<{name}>[^/]+?)")
    if r"\{" in expression:
        raise SettingsError(f'the pattern "{pattern}" has an unknown name; known are {", ".join(PLACEHOLDERS)}')
    return re.compile(f"(?:^|.*/){expression}$")


def _of_path(file: Path, expression: re.Pattern[str], pattern: str) -> dict[str, str]:
    found = expression.match(file.with_suffix("").as_posix())
    if found is None:
        raise InputError(f'{file}: its path does not end as the pattern "{pattern}" says')
    return found.groupdict()


def _long(file: Path, about: dict[str, str | None], seconds: float) -> tuple[pa.Table, int]:
    """Row by row as in the file, all raters of the first row, then of the second; and how many raters."""
    names = column_names(file)
    times = [name for name in names if name in _TIMES]
    if len(times) != 1:
        raise InputError(f"{file}: has {'several columns' if times else 'no column'} of times; expected {_TIMES[0]}")
    raters = [name for name in names if name not in times]
    if not raters:
        raise InputError(f"{file}: has no column of a rater beside {times[0]}")
    table = read_columns(file, dict.fromkeys(names, pa.float64()))
    value = np.column_stack([table[name].to_numpy() for name in raters])
    time = table[times[0]].to_numpy() * seconds
    missing = np.flatnonzero(np.isnan(time))
    if len(missing):
        raise InputError(f"{file}: row {missing[0] + 1}: {times[0]} is empty")
    count = value.size
    columns = {"rater": _repeated(raters, np.tile(np.arange(len(raters)), len(time)))}
    for name in PLACEHOLDERS:
        word = about[name]
        columns[name] = (
            pa.nulls(count, RATING_SCHEMA.field(name).type) if word is None else _repeated([word], np.zeros(count))
        )
    columns["time"] = pa.array(np.repeat(time, len(raters)))
    columns["value"] = pa.array(value.ravel())
    columns["label"] = pa.nulls(count, RATING_SCHEMA.field("label").type)
    return pa.table({field.name: columns[field.name] for field in RATING_SCHEMA}, schema=RATING_SCHEMA), len(raters)


def _repeated(words: Sequence[str], code: np.ndarray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(code.astype(np.int32)), pa.array(words, pa.string()))
