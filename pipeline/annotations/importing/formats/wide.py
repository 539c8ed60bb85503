"""Imports wide CSV files: a column of times and columns of ratings, one file per clip or per clip and rater.

Two forms are read, which differ in what a column of ratings is:

| form                                         | columns beside the time | who rated                                 |
|----------------------------------------------|-------------------------|-------------------------------------------|
| MuSe-Toolbox, RECOLA: one file per clip and  | one per rater           | the names of the columns                  |
| dimension                                    |                         |                                           |
| end2you: one file per clip and rater         | one per dimension       | `{rater}` in the pattern, or option rater |

The video, setup, dimension and round of a file come from its path or from options.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.annotations.importing.assemble import assemble
from avcues.pipeline.annotations.importing.reading import Part, Range, Reading, Scales
from avcues.pipeline.annotations.importing.times import OF_DAY, TimeUnit, require_unit, seconds_of, since_first
from avcues.pipeline.annotations.ratings.schema import RATING_SCHEMA, Annotations, Level
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.store.user_columns import drop_row_counters
from avcues.pipeline.store.user_tables import PARQUET, column_names, missing_column, read_user_table

Values = npt.NDArray[np.float64]

PLACEHOLDERS = ("video_id", "setup", "dimension", "round", "rater")
_TIMES = ("time", "timestamp", "times")
_STATISTICS = frozenset(
    (
        *("mean", "average", "avg", "median", "std", "sd", "stdev", "var", "variance", "se", "sem", "min", "max"),
        *("gold", "gold_standard", "ewe", "consensus", "count", "n"),
    )
)


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
    hold: bool | Collection[str] = False,
    columns: Collection[str] | None = None,
    setups: Collection[str] | None = None,
    known: Collection[str] | None = None,
    raters: Any = None,
    repeated: bool = False,
) -> Annotations:
    """Imports ratings over time from wide CSV files.

    Args:
        files: CSV files with a column `time` or `timestamp` (in any case), separated by commas, semicolons or tabs. The
            other columns are raters; where the rater is known from the path or from `rater`, they are dimensions. An
            empty cell is no rating.
        pattern: Template of the end of paths, without the suffix, such as "{dimension}/{setup}/{video_id}". Names:
            `video_id` (required), `setup`, `dimension`, `round`, `rater`.
        setup: Setup of all files, unless their paths name it.
        dimension: Dimension of all files, unless their paths or columns name it.
        rater: Rater of all files, unless their paths name it.
        range_: Lowest and highest possible value; None: not known.
        level: Level of measurement of all dimensions.
        time_unit: Unit of the times in the files; texts such as 1:02.5 are minutes and seconds.
        columns: Names of the columns of ratings; None: all but the times, columns that count rows, and statistics over
            raters, such as a column `mean`.
        hold: Whether ratings over time are logs of changes, in which a value holds until the next one; or the names of
            the dimensions for which this is so.
        setups: The setups that are allowed; None: any.
        known: Ids of the videos that may be rated, or their lengths in seconds by id, so that the last value of a log
            holds until the end; ratings of other videos are left out and counted. None: any.
        raters: What is known of the raters, as for `import_tidy`.
        repeated: As for `import_tidy`; a second file of a clip is then its repetition.

    Raises:
        InputError: A file cannot be read or holds an impossible rating, or two files are of the same clip.
        SettingsError: The pattern has no `{video_id}`, or nothing names a file's setup or dimension.
    """
    require_unit(time_unit)
    if not files:
        raise InputError("no file to import; name CSV files with a column of times")
    expression = _expression(pattern)
    option_keys = {"setup": setup, "dimension": dimension, "round": None, "rater": rater}
    parts: list[Part] = []
    file_of_clip: dict[tuple[str | None, ...], Path] = {}
    for file in map(Path, files):
        keys = option_keys | _keys_in_path(file, expression, pattern)
        clip = tuple(keys[name] for name in PLACEHOLDERS)
        if clip in file_of_clip and not repeated:
            raise InputError(f"{file}: is of the same clip as {file_of_clip[clip]} ({', '.join(filter(None, clip))})")
        file_of_clip[clip] = file
        parts.append(_part(file, keys, time_unit, columns))
    reading = Reading(
        parts=parts,
        name=str(files[0]) if len(files) == 1 else "the files",
        origin={"importer": "wide", "files": [str(file) for file in files], "pattern": pattern},
    )
    scales = Scales(range_=range_, level=level, hold=hold)
    return assemble(reading, scales, setups=setups, known=known, raters=raters, repeated=repeated)


def _expression(pattern: str) -> re.Pattern[str]:
    if pattern.count("{video_id}") != 1:
        raise SettingsError(f'the pattern "{pattern}" names no video; expected {{video_id}} in it, once')
    expression = re.escape(pattern)
    for name in PLACEHOLDERS:
        # Ids of videos may contain the separator: in "After_The_Rain_Valence", the id is "After_The_Rain".
        length = "+" if name == "video_id" else "+?"
        expression = expression.replace(re.escape(f"{{{name}}}"), f"(?P<{name}>[^/]{length})")
    if r"\{" in expression:
        raise SettingsError(f'the pattern "{pattern}" has an unknown name; known are {", ".join(PLACEHOLDERS)}')
    return re.compile(f"(?:^|.*/){expression}$")


def _keys_in_path(file: Path, expression: re.Pattern[str], pattern: str) -> dict[str, str]:
    matched = expression.match(file.with_suffix("").as_posix())
    if matched is None:
        raise InputError(f'{file}: its path does not match the pattern "{pattern}"')
    return matched.groupdict()


@dataclass(frozen=True, kw_only=True)
class _Column:
    """A column of ratings: the keys that its values share (rater, setup, ...), and the values."""

    keys: Mapping[str, str]
    values: Values


def _part(
    file: Path, keys: Mapping[str, str | None], time_unit: TimeUnit, rated_columns: Collection[str] | None
) -> Part:
    """The tidy rows of a file.

    Args:
        keys: Keys of the file from its path and the options.
        rated_columns: The columns of ratings; None: all but the times, counts of rows and statistics.
    """
    names = column_names(file)
    times = [name for name in names if name.lower() in _TIMES]
    if len(times) != 1:
        raise InputError(f"{file}: has {'several columns' if times else 'no column'} of times; expected {_TIMES[0]}")
    missing = [name for name in rated_columns or () if name not in names]
    if missing:
        raise missing_column(file, missing, names)
    used = names if rated_columns is None else [times[0], *rated_columns]
    types = dict.fromkeys(used, pa.float64())
    if file.suffix.lower() not in PARQUET:
        types[times[0]] = pa.string()
    table = read_user_table(file, types=types, required=times).select(used)
    column_is = "rater" if keys["rater"] is None else "dimension"
    notes: list[str] = []
    if rated_columns is None:
        table, notes = drop_row_counters(table, times, file.name)
        table, statistics_notes = _without_statistics(table, times[0], column_is, file.name)
        notes += statistics_notes
    time = seconds_of(table[times[0]], time_unit, str(file), times[0])
    if time_unit in OF_DAY:
        time = since_first(time)
        notes.append("times of day: the first rating of each rater and clip counts as 0 s")
    untimed = np.flatnonzero(np.isnan(time))
    if len(untimed):
        raise InputError(f"{file}: row {untimed[0] + 1}: {times[0]} is empty")
    columns = _rated_columns(table.drop_columns(times), file, keys, column_is)
    rows = np.repeat(np.arange(1, len(time) + 1, dtype=np.int32), len(columns))
    return Part(table=_tidy(time, columns), name=str(file), rows=rows, notes=notes)


def _rated_columns(table: pa.Table, file: Path, keys: Mapping[str, str | None], column_is: str) -> Sequence[_Column]:
    """The columns of a table, each of which is a rater or a dimension."""
    names = table.column_names
    if not names:
        raise InputError(f"{file}: has no column of ratings beside its times")
    if keys["rater"] is not None and keys["dimension"] is not None and len(names) > 1:
        raise InputError(
            f"{file}: has {len(names)} columns of ratings ({', '.join(names)}); expected one, because rater and "
            "dimension are named"
        )
    columns = []
    for name in names:
        column_keys = {key: word for key, word in keys.items() if word is not None}
        column_keys.setdefault(column_is, name)
        for key in ("setup", "dimension"):
            if key not in column_keys:
                raise SettingsError(f"{file}: its {key} is not known; give `{key}`, or {{{key}}} in `pattern`")
        columns.append(_Column(keys=column_keys, values=table[name].to_numpy()))
    return columns


def _without_statistics(table: pa.Table, time: str, column_is: str, file: str) -> tuple[pa.Table, list[str]]:
    """Drops columns with statistics over raters, such as their mean, and notes their names."""
    rated = [name for name in table.column_names if name != time]
    if column_is != "rater" or len(rated) < 2:
        return table, []
    statistics = [name for name in rated if name.lower() in _STATISTICS]
    if len(rated) - len(statistics) > 1:
        values = np.column_stack([table[name].to_numpy() for name in rated])
        for i, name in enumerate(rated):
            other_values = np.delete(values, i, 1)
            known = np.isfinite(values[:, i]) & np.isfinite(other_values).all(1)
            if name not in statistics and known.sum() > 2 and other_values.shape[1] > 1:
                spread = float(np.ptp(other_values[known]))
                if spread > 0 and np.abs(values[known, i] - other_values[known].mean(1)).max() < 1e-4 * spread:
                    statistics.append(name)
    if not statistics or len(statistics) == len(rated):
        return table, []
    listed_names = ", ".join(f'"{name}"' for name in statistics)
    note = f"{file}: ignored: {listed_names}, statistics over raters rather than raters; name raters with `columns`"
    return table.drop_columns(statistics), [note]


def _tidy(time: Values, columns: Sequence[_Column]) -> pa.Table:
    """Tidy rows in the order of the file: all columns of the first row, then of the second."""
    count, width = len(time) * len(columns), len(columns)
    rows: dict[str, pa.Array] = {}
    for field in RATING_SCHEMA:
        words = [column.keys.get(field.name) for column in columns]
        if field.name == "time":
            rows[field.name] = pa.array(np.repeat(time, width))
        elif field.name == "value":
            rows[field.name] = pa.array(np.column_stack([column.values for column in columns]).ravel())
        elif None in words:
            rows[field.name] = pa.nulls(count, field.type)
        else:
            distinct = list(dict.fromkeys(words))
            code = np.tile([distinct.index(word) for word in words], len(time)).astype(np.int32)
            rows[field.name] = pa.DictionaryArray.from_arrays(pa.array(code), pa.array(distinct, pa.string()))
    return pa.table(rows, schema=RATING_SCHEMA)
