"""Import of wide CSV files: a column of times beside columns of ratings, one file per clip or per clip and rater.

Two forms are read, which differ in what the columns stand for:

| form                                         | columns beside the time | who rated                                 |
|----------------------------------------------|-------------------------|-------------------------------------------|
| MuSe-Toolbox, RECOLA: one file per clip and  | one per rater           | the names of the columns                  |
| dimension                                    |                         |                                           |
| end2you: one file per clip and rater         | one per dimension       | `{rater}` in the pattern, or option rater |

What else a file is of (video, setup, dimension, round) its path says, or an option.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.annotations.importing.assemble import Part, Range, Reading, Scales, assemble
from avcues.pipeline.annotations.importing.csv_files import column_names, read_columns
from avcues.pipeline.annotations.ratings.schema import RATING_SCHEMA, Annotations, Level
from avcues.pipeline.errors import InputError, SettingsError

TimeUnit = Literal["s", "ms"]

PLACEHOLDERS = ("video_id", "setup", "dimension", "round", "rater")
_TIMES = ("time", "timestamp", "times")


def import_wide(
    files: Sequence[str | Path],
    *,
    pattern: str = "{video_id}",
    setup: str | None = None,
    dimension: str | None = None,
    rater: str | None = None,
    range_: Range | None = None,
    level: Level = "interval",
    time_unit: TimeUnit = "s",
    setups: Collection[str] | None = None,
    known: Collection[str] | None = None,
    raters: Any = None,
) -> Annotations:
    """Ratings over time of wide CSV files.

    Args:
        files: CSV files with a column `time` or `timestamp` (in any case), separated by commas, semicolons or tabs. The
            other columns are raters; where the rater is known from the path or from `rater`, they are dimensions. An
            empty cell is no rating.
        pattern: How paths end, without the suffix, such as "{dimension}/{setup}/{video_id}". Known names: `video_id`
            (needed), `setup`, `dimension`, `round`, `rater`.
        setup: Of all files, unless their paths name it.
        dimension: Of all files, unless their paths or columns name it.
        rater: Of all files, unless their paths name it.
        range_: Lowest and highest possible value; None: not known.
        level: Level of measurement of all dimensions.
        time_unit: Unit of the times in the files.
        setups: The setups that are allowed; None: any.
        known: Ids of the videos that may be rated; ratings of others are left out and counted. None: any.
        raters: What is known of the raters, as for `import_tidy`.

    Raises:
        InputError: A file cannot be read or holds an impossible rating, or two files are of the same clip.
        SettingsError: The pattern has no `{video_id}`, or nothing names a file's setup or dimension.
    """
    if time_unit not in get_args(TimeUnit):
        raise SettingsError(f'time unit "{time_unit}"; expected {" or ".join(get_args(TimeUnit))}')
    if not files:
        raise InputError("no file to import; name CSV files with a column of times")
    expression = _expression(pattern)
    given = {"setup": setup, "dimension": dimension, "round": None, "rater": rater}
    parts = []
    read_files: dict[tuple[str | None, ...], Path] = {}
    for file in map(Path, files):
        about = given | _of_path(file, expression, pattern)
        key = tuple(about[name] for name in PLACEHOLDERS)
        if key in read_files:
            raise InputError(f"{file}: is of the same clip as {read_files[key]} ({', '.join(filter(None, key))})")
        read_files[key] = file
        time, columns = _columns(file, about, 0.001 if time_unit == "ms" else 1.0)
        rows = np.repeat(np.arange(1, len(time) + 1, dtype=np.int32), len(columns))
        parts.append(Part(table=_long(time, columns), name=str(file), rows=rows))
    reading = Reading(
        parts=parts,
        name="the files",
        origin={"importer": "wide", "files": [str(file) for file in files], "pattern": pattern},
    )
    return assemble(reading, Scales(range_=range_, level=level), setups=setups, known=known, raters=raters)


def _expression(pattern: str) -> re.Pattern[str]:
    if pattern.count("{video_id}") != 1:
        raise SettingsError(f'the pattern "{pattern}" names no video; expected {{video_id}} in it, once')
    expression = re.escape(pattern)
    for name in PLACEHOLDERS:
        # Ids of videos may hold what separates the names: of "After_The_Rain_Valence" the id is "After_The_Rain".
        many = "+" if name == "video_id" else "+?"
        expression = expression.replace(re.escape(f"{{{name}}}"), f"(?P<{name}>[^/]{many})")
    if r"\{" in expression:
        raise SettingsError(f'the pattern "{pattern}" has an unknown name; known are {", ".join(PLACEHOLDERS)}')
    return re.compile(f"(?:^|.*/){expression}$")


def _of_path(file: Path, expression: re.Pattern[str], pattern: str) -> dict[str, str]:
    matched = expression.match(file.with_suffix("").as_posix())
    if matched is None:
        raise InputError(f'{file}: its path does not match the pattern "{pattern}"')
    return matched.groupdict()


def _columns(
    file: Path, about: Mapping[str, str | None], seconds: float
) -> tuple[npt.NDArray[np.float64], list[tuple[dict[str, str], npt.NDArray[np.float64]]]]:
    """The times of a file in seconds, and what each of its other columns is of, with its values."""
    names = column_names(file)
    times = [name for name in names if name.lower() in _TIMES]
    if len(times) != 1:
        raise InputError(f"{file}: has {'several columns' if times else 'no column'} of times; expected {_TIMES[0]}")
    rated = [name for name in names if name not in times]
    if not rated:
        raise InputError(f"{file}: has no column of ratings beside {times[0]}")
    if about["rater"] is not None and about["dimension"] is not None and len(rated) > 1:
        raise InputError(
            f"{file}: has {len(rated)} columns of ratings ({', '.join(rated)}); expected one, because rater and "
            "dimension are named"
        )
    column_is = "rater" if about["rater"] is None else "dimension"
    table = read_columns(file, dict.fromkeys(names, pa.float64()))
    time = table[times[0]].to_numpy() * seconds
    missing = np.flatnonzero(np.isnan(time))
    if len(missing):
        raise InputError(f"{file}: row {missing[0] + 1}: {times[0]} is empty")
    columns = []
    for name in rated:
        of_column = {key: word for key, word in about.items() if word is not None}
        of_column.setdefault(column_is, name)
        for key in ("setup", "dimension"):
            if key not in of_column:
                raise SettingsError(f"{file}: its {key} is not known; give --{key}, or {{{key}}} in the pattern")
        columns.append((of_column, table[name].to_numpy()))
    return time, columns


def _long(
    time: npt.NDArray[np.float64], columns: Sequence[tuple[Mapping[str, str], npt.NDArray[np.float64]]]
) -> pa.Table:
    """Row by row as in the file: all columns of the first row, then of the second."""
    count, width = len(time) * len(columns), len(columns)
    rows: dict[str, pa.Array] = {}
    for field in RATING_SCHEMA:
        words = [of_column.get(field.name) for of_column, _ in columns]
        if field.name == "time":
            rows[field.name] = pa.array(np.repeat(time, width))
        elif field.name == "value":
            rows[field.name] = pa.array(np.column_stack([value for _, value in columns]).ravel())
        elif None in words:
            rows[field.name] = pa.nulls(count, field.type)
        else:
            distinct = list(dict.fromkeys(words))
            code = np.tile([distinct.index(word) for word in words], len(time)).astype(np.int32)
            rows[field.name] = pa.DictionaryArray.from_arrays(pa.array(code), pa.array(distinct, pa.string()))
    return pa.table(rows, schema=RATING_SCHEMA)
