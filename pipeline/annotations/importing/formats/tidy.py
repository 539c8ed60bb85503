"""Import of a tidy table: one row per rating, with the columns of `avcues.pipeline.annotations.ratings.schema`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from avcues.pipeline.annotations.importing.assemble import EXPOSURE_TYPES, Part, Range, Reading, Scales, assemble
from avcues.pipeline.annotations.importing.csv_files import missing_column, read_columns
from avcues.pipeline.annotations.importing.rules import REQUIRED
from avcues.pipeline.annotations.ratings.schema import RATING_SCHEMA, Annotations, Level


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
    name = str(source) if isinstance(source, str | Path) else "ratings"
    scales = Scales(range_=range_, ranges=ranges or {}, levels=levels or {})
    reading = Reading(
        parts=[Part(table=_read(source), name=name)],
        name=name,
        origin={"importer": "tidy", "files": [Path(name).name]},
    )
    return assemble(reading, scales, setups=setups, known=known, raters=raters)


def _read(source: Any) -> pa.Table:
    if isinstance(source, str | Path):
        types = {field.name: field.type for field in RATING_SCHEMA} | EXPOSURE_TYPES
        table = read_columns(Path(source), types, REQUIRED)
    else:
        table = pa.table(source)
        missing = [name for name in REQUIRED if name not in table.column_names]
        if missing:
            raise missing_column("ratings", missing, table.column_names)
    if not {"value", "label"} & set(table.column_names):
        raise missing_column(source if isinstance(source, str | Path) else "ratings", ["value"], table.column_names)
    return table
