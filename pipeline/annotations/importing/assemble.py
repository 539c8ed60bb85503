"""From what a format reads to the ratings of a study.

Every import ends here: setups are compared with those allowed, dimensions get their scales, impossible ratings are
refused, what cannot be used is left out and counted, videos that the dataset does not have are dropped from ratings and
exposures alike, and the raters get their profiles.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.annotations.importing.repeats import numbered as numbers_of_repeats
from avcues.pipeline.annotations.importing.repeats import repeat_column
from avcues.pipeline.annotations.importing.rules import (
    Rows,
    Source,
    Sources,
    known_only,
    require_setups,
    series_keys,
    validated,
)
from avcues.pipeline.annotations.ratings.keys import among, codes, combined, starts
from avcues.pipeline.annotations.ratings.schema import (
    EXPOSURE_SCHEMA,
    RATING_SCHEMA,
    REPEAT_SCHEMA,
    Annotations,
    Dimension,
    Level,
)
from avcues.pipeline.annotations.ratings.wording import counted, listed
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.store.user_columns import drop_row_counters, normalised
from avcues.pipeline.store.user_tables import missing_column, read_user_table

Range = tuple[float, float]

EXPOSURE_TYPES = {"order": pa.int32(), "seen": pa.bool_(), "overlay": pa.string()}


@dataclass(frozen=True, kw_only=True)
class Part:
    """Tidy rows of one file.

    Args:
        table: Columns of `RATING_SCHEMA`, in the order of the file, `repeat`, how many times the rater had rated the
            clip before, and `order`, `seen` and `overlay` of the exposure; a column that is missing is null.
        name: Of the file, for messages.
        rows: The file's row of each rating, counted from 1 below the header; None: one row per rating.
    """

    table: pa.Table
    name: str
    rows: Rows | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a format read.

    Args:
        parts: At least one.
        name: Of all files together, for messages.
        origin: How they were read, as it is stored with the ratings: `importer`, files and options.
        dimensions: Those whose scale or labels the format states.
        exposures: By `EXPOSURE_SCHEMA`; None: one per rater and clip, in the order of the rows.
        raters: What the format says of the raters: a table with a column `rater`; None: nothing.
        raters_name: Of that table, for messages.
        notes: What was changed, one line each.
    """

    parts: Sequence[Part]
    name: str
    origin: Mapping[str, Any]
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    exposures: pa.Table | None = None
    raters: pa.Table | None = None
    raters_name: str = "raters"
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Scales:
    """Scales of dimensions whose format does not state them.

    Args:
        range_: Lowest and highest possible value of all dimensions that are rated in numbers; None: not known.
        ranges: The same for single dimensions.
        levels: Level of measurement of single dimensions; default: "nominal" for labels, `level` for numbers.
        level: Of dimensions rated in numbers.
        hold: Whether ratings over time are logs of changes, in which a value holds until the next one; or the names of
            the dimensions for which this is so.
    """

    range_: Range | None = None
    ranges: Mapping[str, Range] = field(default_factory=dict)
    levels: Mapping[str, Level] = field(default_factory=dict)
    level: Level = "interval"
    hold: bool | Collection[str] = False

    def holds(self, dimension: str) -> bool:
        """Whether a dimension is a log of changes."""
        return self.hold if isinstance(self.hold, bool) else dimension in self.hold


def assemble(
    reading: Reading,
    scales: Scales = Scales(),
    *,
    setups: Collection[str] | None = None,
    known: Collection[str] | None = None,
    raters: Any = None,
    repeated: bool = False,
) -> Annotations:
    """Checks what was read, and makes the annotations of a study from it.

    Args:
        reading: Of a format.
        scales: Of the dimensions.
        setups: The setups that are allowed; None: any.
        known: Ids of the videos that may be rated, or their lengths in seconds by id, to which the last values of logs
            hold; ratings of others are left out and counted. None: any.
        raters: What is known of the raters: a path or table with a column `rater`; None: what the format says.
        repeated: Whether a rating that comes again is a repeated one rather than an error.

    Raises:
        InputError: A key is missing, a rating is impossible or appears twice, or no video is known.
        SettingsError: A range is empty, or a scale is given for a dimension that is not rated.
    """
    tables = [tidy_columns(part.table, part.name) for part in reading.parts]
    ratings = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    sources = Sources(
        name=reading.name,
        parts=[Source(name=part.name, ratings=len(part.table), rows=part.rows) for part in reading.parts],
    )
    require_setups(ratings, setups, sources)
    dimensions = _dimensions(ratings, reading.dimensions, scales)
    repeat = _repeats(ratings, reading.parts, sources, repeated)
    exposures = reading.exposures if reading.exposures is not None else _exposures(ratings, reading.parts, repeat == 0)
    ratings, notes, usable = validated(ratings, dimensions, sources, repeat)
    numbered = ratings.append_column(REPEAT_SCHEMA.field("repeat"), pa.array(repeat[usable].astype(np.int32)))
    every, foreign_notes = known_only(numbered, known, reading.name)
    first = every["repeat"].to_numpy() == 0
    ratings, repeats = every.filter(pa.array(first)).drop_columns(["repeat"]), every.filter(pa.array(~first))
    if not len(ratings):
        raise InputError(f"{reading.name}: has no ratings")
    rated = set(ratings["video_id"].unique().to_pylist())
    logs = [dimension.name for dimension in dimensions.values() if dimension.hold]
    ends = {name: float(known[name]) for name in sorted(rated)} if logs and isinstance(known, Mapping) else {}
    profiles, rater_notes = raters_of(ratings, reading.raters if raters is None else raters, reading.raters_name)
    return Annotations(
        ratings=ratings,
        raters=profiles,
        exposures=exposures if known is None else exposures.filter(pa.array(among(exposures["video_id"], rated))),
        dimensions=dimensions,
        repeats=repeats.select(REPEAT_SCHEMA.names),
        origin={
            **reading.origin,
            **({"ends_s": ends} if ends else {}),
            "notes": [
                *reading.notes,
                *notes,
                *foreign_notes,
                *rater_notes,
                *_unbounded(dimensions, ratings),
                *_alike(ratings),
                *_log_notes(logs, ends),
                *_repeat_notes(repeats),
            ],
        },
    )


def tidy_columns(table: pa.Table, name: str) -> pa.Table:
    """A table by `RATING_SCHEMA`: its columns cast, the others null. Empty words are null."""
    columns = {field.name: _column(table, field.name, field.type, name) for field in RATING_SCHEMA}
    return pa.table(columns, schema=RATING_SCHEMA)


def places_in_order(rater: np.ndarray) -> np.ndarray:
    """(N,) the place of each row among those of its rater, from 0; `rater` is (N,) codes."""
    by_rater = np.argsort(rater, kind="stable")
    order = np.empty(len(rater), np.int32)
    order[by_rater] = np.arange(len(rater)) - np.searchsorted(rater[by_rater], rater[by_rater])
    return order


def raters_of(ratings: pa.Table, source: Any, name: str = "raters") -> tuple[pa.Table, list[str]]:
    """One row per rater who rated anything, and a note that names those without a row in `source`.

    Args:
        source: A path or table with a column `rater`; None: nothing is known of the raters.
        name: Of a table, for messages.

    Raises:
        InputError: The table of raters cannot be read, has no column `rater`, or names one twice.
    """
    rated = sorted(ratings["rater"].unique().to_pylist())
    if source is None:
        return pa.table({"rater": pa.array(rated, pa.string())}), []
    where = str(source) if isinstance(source, str | Path) else name
    if isinstance(source, str | Path):
        table = read_user_table(source, types={"rater": pa.string()}, required=["rater"])
    else:
        table = pa.table(source)
    if "rater" not in table.column_names:
        raise missing_column(where, ["rater"], table.column_names)
    table, notes = drop_row_counters(table, ["rater"], Path(where).name)
    names = table["rater"].cast(pa.string()).to_pylist()
    rows: dict[str, int] = {}
    for row, rater in enumerate(names):
        if rows.setdefault(rater, row) != row:
            raise InputError(f"{where}: row {row + 1}: rater {rater} appears twice")
    unknown = [name for name in rated if name not in rows]
    if unknown:
        notes.append(f"no row in {Path(where).name} for {counted(len(unknown), 'rater')}: {listed(unknown)}")
    columns = {name: table[name] for name in table.column_names if name != "rater"}
    place = pa.array([rows.get(name) for name in rated], pa.int64())
    return pa.table({"rater": pa.array(rated, pa.string())} | {n: c.take(place) for n, c in columns.items()}), notes


def _repeats(ratings: pa.Table, parts: Sequence[Part], sources: Sources, repeated: bool) -> npt.NDArray[np.int64]:
    """(N,) how many times the rater had rated the clip before, by a column `repeat` or by what comes again."""
    stated = [_column(part.table, "repeat", pa.float64(), part.name) for part in parts]
    column = pa.chunked_array([chunk for part_column in stated for chunk in part_column.chunks], pa.float64())
    if column.null_count < len(column):
        numbers = column.to_numpy()
        repeat = repeat_column(numbers)
        if repeat is None:
            wrong = ~(np.isnan(numbers) | ((numbers >= 0) & (numbers % 1 == 0)))
            raise InputError(f"{sources.first(wrong)}: repeat is {numbers[wrong][0]:g}; expected 0, 1, 2, ...")
        return repeat
    if not repeated:
        return np.zeros(len(ratings), np.int64)
    part_of = np.repeat(np.arange(len(parts)), [len(part.table) for part in parts])
    labels = [word for word in ratings["label"].unique().to_pylist() if word is not None]
    series = combined([(series_keys(ratings), 0), (codes(ratings["label"], labels), len(labels))])
    repeat = numbers_of_repeats(series, ratings["time"].to_numpy(), part_of)
    repeated_labels = (repeat > 0) & ratings["label"].is_valid().to_numpy()
    if repeated_labels.any():
        raise InputError(
            f"{sources.first(repeated_labels)}: a label may be a second choice or a choice made again; tell them "
            "apart by a column `repeat` (0, 1, ...)"
        )
    return repeat


def _exposures(ratings: pa.Table, parts: Sequence[Part], used: npt.NDArray[np.bool_]) -> pa.Table:
    """One row per rater and clip of the used rows; without a stated order, clips are ordered by their first ratings."""
    place, ratings = np.flatnonzero(used), ratings.filter(pa.array(used))
    keys = ("rater", "video_id", "setup", "round")
    names = {name: [word for word in ratings[name].unique().to_pylist() if word is not None] for name in keys}
    key = combined((codes(ratings[name], names[name]), len(names[name])) for name in keys)
    begins = starts(key)
    _, first_run = np.unique(key[begins], return_index=True)
    first = np.sort(begins[first_run])
    order = pa.array(places_in_order(codes(ratings["rater"].take(first), names["rater"])))
    columns = {name: ratings[name].take(first).cast(pa.string()) for name in keys}
    for name, kind in EXPOSURE_TYPES.items():
        stated = [_column(part.table, name, kind, part.name) for part in parts]
        column = pa.chunked_array([chunk for part_column in stated for chunk in part_column.chunks], kind)
        if column.null_count < len(column):
            columns[name] = column.take(place[first])
        else:
            columns[name] = order if name == "order" else pa.nulls(len(first), kind)
    return pa.table(columns, schema=EXPOSURE_SCHEMA)


def _column(table: pa.Table, name: str, kind: pa.DataType, where: str) -> pa.ChunkedArray:
    """A column as one chunk of the given type; nulls where there is none. Empty words are null."""
    if name not in table.column_names or pa.types.is_null(table[name].type):
        return pa.chunked_array([pa.nulls(len(table), kind)], kind)
    column = table[name]
    if not pa.types.is_dictionary(kind):
        try:
            return pa.chunked_array([column.cast(kind).combine_chunks()], kind)
        except pa.ArrowException as error:
            raise InputError(f"{where}: {name} is {column.type}; expected {kind}") from error
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    spelled = {word: normalised(str(word)) for word in column.unique().to_pylist() if word}
    words = list(dict.fromkeys(word for word in spelled.values() if word))
    place = np.array([words.index(word) if word else -1 for word in spelled.values()] + [-1], np.int32)
    code = place[codes(column, list(spelled))]
    return pa.chunked_array(
        [pa.DictionaryArray.from_arrays(pa.array(code, mask=code < 0), pa.array(words, pa.string()))]
    )


def _dimensions(ratings: pa.Table, stated: Mapping[str, Dimension], scales: Scales) -> dict[str, Dimension]:
    names = [name for name in ratings["dimension"].unique().to_pylist() if name is not None]
    for name in (*scales.ranges, *scales.levels, *(() if isinstance(scales.hold, bool) else scales.hold)):
        if name not in names:
            raise SettingsError(f'no dimension "{name}" in these ratings, only {", ".join(names)}')
    dimensions = dict(stated)
    for name in names:
        if name in dimensions:
            continue
        rows = ratings.filter(pa.array(among(ratings["dimension"], [name])))
        labels = tuple(sorted(label for label in rows["label"].unique().to_pylist() if label is not None))
        level = scales.levels.get(name, "nominal" if labels else scales.level)
        low, high = (None, None) if level == "nominal" else scales.ranges.get(name, scales.range_ or (None, None))
        dimensions[name] = Dimension(
            name=name,
            level=level,
            low=low,
            high=high,
            labels=labels if level == "nominal" else (),
            hold=level != "nominal" and scales.holds(name) and bool(rows["time"].is_valid().to_numpy().any()),
        )
    return dimensions


def _alike(ratings: pa.Table) -> list[str]:
    """Notes on names of raters or videos that differ in case alone."""
    notes = []
    for key, what in (("rater", "raters"), ("video_id", "videos")):
        spellings: dict[str, list[str]] = {}
        for name in ratings[key].unique().to_pylist():
            spellings.setdefault(name.casefold(), []).append(name)
        alike = [" and ".join(sorted(names)) for names in spellings.values() if len(names) > 1]
        if alike:
            notes.append(f"{what} whose names differ in capitals only are kept apart: {listed(alike)}")
    return notes


def _repeat_notes(repeats: pa.Table) -> list[str]:
    if not len(repeats):
        return []
    raters, videos = (len(repeats[name].unique()) for name in ("rater", "video_id"))
    return [
        f"kept apart: ratings of {counted(videos, 'video')} that {counted(raters, 'rater')} gave again "
        f"({counted(len(repeats), 'row')}), for test-retest reliability"
    ]


def _log_notes(logs: Sequence[str], ends: Mapping[str, float]) -> list[str]:
    if not logs:
        return []
    until = (
        "the end of its video" if ends else "the last rating of its video by any rater, because lengths are not known"
    )
    return [f"{listed(logs)}: a value holds until the next one, the last one until {until}"]


def _unbounded(dimensions: Mapping[str, Dimension], ratings: pa.Table) -> list[str]:
    notes = []
    for dimension in dimensions.values():
        if dimension.level != "nominal" and dimension.low is None:
            value = ratings.filter(pa.array(among(ratings["dimension"], [dimension.name])))["value"].to_numpy()
            if len(value):
                notes.append(
                    f"{dimension.name}: range not given, so values outside it go unnoticed; they run from "
                    f"{value.min():g} to {value.max():g}"
                )
    return notes
