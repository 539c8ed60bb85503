"""Import of a tidy table: one row per rating, with the columns of `avcues.pipeline.annotations.ratings.schema`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from avcues.pipeline.annotations.importing.assemble import assemble
from avcues.pipeline.annotations.importing.exposures import EXPOSURE_TYPES
from avcues.pipeline.annotations.importing.reading import Part, Range, Reading, Scales
from avcues.pipeline.annotations.importing.rules import REQUIRED
from avcues.pipeline.annotations.importing.times import OF_DAY, TimeUnit, require_unit, seconds_of, since_first
from avcues.pipeline.annotations.ratings.schema import RATING_SCHEMA, Annotations, Level
from avcues.pipeline.store.user_tables import missing_column, read_user_table


def import_tidy(
    source: Any,
    *,
    range_: Range | None = None,
    ranges: Mapping[str, Range] | None = None,
    levels: Mapping[str, Level] | None = None,
    time_unit: TimeUnit = "s",
    hold: bool | Collection[str] = False,
    setups: Collection[str] | None = None,
    known: Collection[str] | None = None,
    raters: Any = None,
    repeated: bool = False,
) -> Annotations:
    """Imports ratings from a tidy CSV or Parquet file, or from a table in memory.

    Args:
        source: A path, or a table (pyarrow, pandas, polars), with the columns `rater`, `video_id`, `setup`,
            `dimension`, `value` or `label` or both, and optionally `time` (s), `round`, `repeat`, `order`, `seen` and
            `overlay`. Without `order`, each rater saw the clips in the order of the rows.
        range_: Lowest and highest possible value of all dimensions that are rated in numbers; None: not known.
        ranges: Lowest and highest possible value of single dimensions.
        levels: Level of measurement of single dimensions; default: "nominal" for labels, "interval" for numbers.
        time_unit: Unit of `time`; for times of day, the first rating of each rater and clip counts as 0 s.
        hold: Whether ratings over time are logs of changes, in which a value holds until the next one; or the names of
            the dimensions for which this is so.
        setups: The setups that are allowed; None: any.
        known: Ids of the videos that may be rated, or their lengths in seconds by id, so that the last value of a log
            holds until the end; ratings of other videos are left out and counted. None: any.
        raters: Profiles of the raters, a path or table with a column `rater` and any others; None: there are none.
        repeated: Whether a rating that appears again is a repeated one, which is kept apart in `Annotations.repeats`,
            rather than an error; not needed with a column `repeat` (0, 1, ...).

    Raises:
        InputError: A column or key is missing, a rating is impossible or appears twice, or no video is known.
        SettingsError: A range is empty, or `ranges` or `levels` names a dimension that is not rated.
    """
    name = str(source) if isinstance(source, str | Path) else "ratings"
    require_unit(time_unit)
    table = _read(source)
    scales = Scales(range_=range_, ranges=ranges or {}, levels=levels or {}, hold=hold)
    reading = Reading(
        parts=[Part(table=_in_seconds(table, time_unit, name), name=name)],
        name=name,
        origin={"importer": "tidy", "files": [Path(name).name]},
    )
    return assemble(reading, scales, setups=setups, known=known, raters=raters, repeated=repeated)


def _in_seconds(table: pa.Table, unit: TimeUnit, name: str) -> pa.Table:
    """The table with times in seconds; times of day count from the first rating of each rater and clip."""
    if "time" not in table.column_names or pa.types.is_null(table["time"].type):
        return table
    if unit == "s" and pa.types.is_floating(table["time"].type):
        return table
    seconds = seconds_of(table["time"], unit, name, "time")
    if unit in OF_DAY:
        clip = [table[name] for name in ("rater", "video_id", "setup", "round") if name in table.column_names]
        seconds = since_first(seconds, [key.cast(pa.string()) for key in clip])
    position = table.column_names.index("time")
    missing = table["time"].is_null().to_numpy()
    return table.set_column(position, "time", pa.array(seconds, pa.float64(), mask=missing))


def _read(source: Any) -> pa.Table:
    if isinstance(source, str | Path):
        types = {field.name: field.type for field in RATING_SCHEMA} | EXPOSURE_TYPES | {"repeat": pa.float64()}
        table = read_user_table(source, types=types, required=REQUIRED, extra_columns=False)
    else:
        table = pa.table(source)
        missing = [name for name in REQUIRED if name not in table.column_names]
        if missing:
            raise missing_column("ratings", missing, table.column_names)
    if not {"value", "label"} & set(table.column_names):
        raise missing_column(source if isinstance(source, str | Path) else "ratings", ["value"], table.column_names)
    return table
