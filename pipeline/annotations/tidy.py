"""Import of a tidy table: one row per rating, with the columns of `avcues.pipeline.annotations.schema`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.csv_files import missing_column, read_columns
from avcues.pipeline.annotations.keys import among, codes, combined, starts
from avcues.pipeline.annotations.rules import Origin, check_setups, checked, known_only
from avcues.pipeline.annotations.schema import EXPOSURE_SCHEMA, RATING_SCHEMA, Annotations, Dimension, Level
from avcues.pipeline.annotations.wording import counted, listed
from avcues.pipeline.errors import InputError, SettingsError

Range = tuple[float, float]

_REQUIRED = ("rater", "video_id", "setup", "dimension")
_OF_EXPOSURES = {"order": pa.int32(), "seen": pa.bool_(), "overlay": pa.string()}


def import_tidy(
    source: Any,
    *,
    range_: Range | None = None,
    ranges: Mapping[str, Range] | None = None,
    levels: Mapping[str, Level] | None = None,
    setups: Collection[str] | None = None,
    known: Collection[str] | None = None,
    raters: Any = None,
) -> Annotations:
    """Ratings of a tidy CSV or Parquet file, or of a table in memory.

    Args:
        source: A path, or a table (pyarrow, pandas, polars), with the columns `rater`, `video_id`, `setup`,
            `dimension`, `value` or `label` or both, and optionally `time` (s), `round`, `order`, `seen`, `overlay`.
            Without `order`, each rater saw the clips in the order of the rows.
        range_: Lowest and highest possible value of all dimensions that are rated in numbers; None: not known.
        ranges: The same for single dimensions.
        levels: Level of measurement of single dimensions; default: "nominal" for labels, "interval" for numbers.
        setups: The setups that are allowed; None: any.
        known: Ids of the videos that may be rated; ratings of others are left out and counted. None: any.
        raters: What is known of the raters: a path or table with a column `rater` and any others; None: nothing.

    Raises:
        InputError: A column or key is missing, a rating is impossible or appears twice, or no video is known.
        SettingsError: A range is empty, or `ranges` or `levels` names a dimension that is not rated.
    """
    where = str(source) if isinstance(source, str | Path) else "ratings"
    table = _load(source)
    every = pa.table({name: _as(table, name, kind) for name, kind in _fields()}, schema=RATING_SCHEMA)
    check_setups(every, setups, Origin(where))
    dimensions = _dimensions(every, range_, ranges or {}, levels or {})
    ratings, notes = checked(every, dimensions, Origin(where))
    exposures = exposures_of(every, {name: _as(table, name, kind) for name, kind in _OF_EXPOSURES.items()})
    ratings, of_foreign = known_only(ratings, known, Origin(where))
    if not len(ratings):
        raise InputError(f"{where}: has no ratings")
    known_raters, of_raters = raters_of(ratings, raters)
    notes += [*of_foreign, *of_raters, *_unbounded(dimensions, ratings)]
    return Annotations(
        ratings=ratings,
        raters=known_raters,
        exposures=exposures.filter(
            pa.array(among(exposures["video_id"], set(ratings["video_id"].unique().to_pylist())))
        ),
        dimensions=dimensions,
        origin={"importer": "tidy", "files": [Path(where).name], "notes": notes},
    )


def exposures_of(ratings: pa.Table, about: Mapping[str, pa.ChunkedArray] | None = None) -> pa.Table:
    """One row per rater and clip.

    Args:
        ratings: By `RATING_SCHEMA`.
        about: `order`, `seen` and `overlay` of each rating; clips without an order are in that of their first ratings.
    """
    keys = ("rater", "video_id", "setup", "round")
    names = {name: [word for word in ratings[name].unique().to_pylist() if word is not None] for name in keys}
    key = combined((codes(ratings[name], names[name]), len(names[name])) for name in keys)
    begins = starts(key)
    _, of_run = np.unique(key[begins], return_index=True)
    first = np.sort(begins[of_run])
    rater = codes(ratings["rater"].take(first), names["rater"])
    by_rater = np.argsort(rater, kind="stable")
    order = np.empty(len(first), np.int32)
    order[by_rater] = np.arange(len(first)) - np.searchsorted(rater[by_rater], rater[by_rater])
    columns = {name: ratings[name].take(first).cast(pa.string()) for name in keys}
    known = {name: column.take(first) for name, column in (about or {}).items() if column.null_count < len(column)}
    for name, kind in _OF_EXPOSURES.items():
        columns[name] = known.get(name, pa.array(order) if name == "order" else pa.nulls(len(first), kind))
    return pa.table(columns, schema=EXPOSURE_SCHEMA)


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
        table = read_columns(Path(source), {"rater": pa.string()}, others=True)
    else:
        table = pa.table(source)
    if "rater" not in table.column_names:
        raise missing_column(where, ["rater"], table.column_names)
    names = table["rater"].cast(pa.string()).to_pylist()
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise InputError(f"{where}: row {names.index(twice, names.index(twice) + 1) + 1}: rater {twice} appears twice")
    notes = []
    unknown = [name for name in rated if name not in set(names)]
    if unknown:
        notes.append(f"no row in {Path(where).name} for {counted(len(unknown), 'rater')}: {listed(unknown)}")
    columns = {name: table[name] for name in table.column_names if name != "rater"}
    place = pa.array([names.index(name) if name in set(names) else None for name in rated], pa.int64())
    return pa.table({"rater": pa.array(rated, pa.string())} | {n: c.take(place) for n, c in columns.items()}), notes


def _fields() -> list[tuple[str, pa.DataType]]:
    return [(field.name, field.type) for field in RATING_SCHEMA]


def _load(source: Any) -> pa.Table:
    types = dict(_fields()) | _OF_EXPOSURES
    if isinstance(source, str | Path):
        table = read_columns(Path(source), types, _REQUIRED)
    else:
        table = pa.table(source)
        missing = [name for name in _REQUIRED if name not in table.column_names]
        if missing:
            raise missing_column("ratings", missing, table.column_names)
    if not {"value", "label"} & set(table.column_names):
        raise missing_column(source if isinstance(source, str | Path) else "ratings", ["value"], table.column_names)
    return table


def _as(table: pa.Table, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    """A column as one chunk of the given type; nulls where there is none. Empty words are null."""
    if name not in table.column_names:
        return pa.chunked_array([pa.nulls(len(table), kind)], kind)
    column = table[name]
    if pa.types.is_null(column.type):
        return pa.chunked_array([pa.nulls(len(table), kind)], kind)
    if not pa.types.is_dictionary(kind):
        try:
            return pa.chunked_array([column.cast(kind).combine_chunks()], kind)
        except pa.ArrowException as error:
            raise InputError(f"ratings: {name} is {column.type}; expected {kind}") from error
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    names = [word for word in column.unique().to_pylist() if word]
    code = codes(column, names).astype(np.int32)
    words = pa.array([str(word) for word in names], pa.string())
    return pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array(code, mask=code < 0), words)])


def _dimensions(
    ratings: pa.Table, range_: Range | None, ranges: Mapping[str, Range], levels: Mapping[str, Level]
) -> dict[str, Dimension]:
    names = [name for name in ratings["dimension"].unique().to_pylist() if name is not None]
    for name in (*ranges, *levels):
        if name not in names:
            raise SettingsError(f'no dimension "{name}" in these ratings, only {", ".join(names)}')
    found = {}
    for name in names:
        of_it = ratings.filter(pa.array(among(ratings["dimension"], [name])))
        labels = tuple(sorted(label for label in of_it["label"].unique().to_pylist() if label is not None))
        level = levels.get(name, "nominal" if labels else "interval")
        low, high = (None, None) if level == "nominal" else ranges.get(name, range_ or (None, None))
        found[name] = Dimension(name=name, level=level, low=low, high=high, labels=labels if level == "nominal" else ())
    return found


def _unbounded(dimensions: Mapping[str, Dimension], ratings: pa.Table) -> list[str]:
    notes = []
    for dimension in dimensions.values():
        if dimension.level != "nominal" and dimension.low is None:
            value = ratings.filter(pa.array(among(ratings["dimension"], [dimension.name])))["value"].to_numpy()
            notes.append(
                f"{dimension.name}: range not given, so values outside it go unnoticed; they run from "
                f"{value.min():g} to {value.max():g}"
            )
    return notes
