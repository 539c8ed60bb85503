"""A folder of ratings: a tidy table, repeated ratings, and tables about raters and exposures.

| file                | one row per                                                     | columns                      |
|---------------------|-----------------------------------------------------------------|------------------------------|
| `ratings.parquet`   | rating: a number at a time (s), a number for the whole clip     | `rater`, `video_id`,         |
|                     | (`time` is null), or a chosen label                             | `setup`, `round`, `time`,    |
|                     |                                                                 | `dimension`, `value`,        |
|                     |                                                                 | `label`                      |
| `repeats.parquet`   | the same of clips that a rater rated again, 1 for the second    | as above, and `repeat`       |
|                     | time; there is no such file if nobody did                       |                              |
| `raters.parquet`    | rater                                                           | `rater`, and any others      |
| `exposures.parquet` | clip that a rater saw: its place in the rater's order, whether  | `rater`, `video_id`,         |
|                     | the rater knew it, and the overlay                              | `setup`, `round`, `order`,   |
|                     |                                                                 | `seen`, `overlay`            |

Repeated ratings show how reliable each rater is. They are kept apart, so that no rater counts twice.

A rater who was asked for labels and chose none has one row without value and label. `round` separates ratings before
the raters were trained from those after it; it is null if there is only one round. The key `avcues` of the ratings'
metadata holds the dimensions and how the ratings were imported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from avcues.pipeline.annotations.ratings.schema import (
    EXPOSURE_SCHEMA,
    KEYS,
    RATING_SCHEMA,
    REPEAT_SCHEMA,
    Annotations,
    Dimension,
)
from avcues.pipeline.errors import DatasetError, one_line
from avcues.pipeline.store.documents import require_regular_file
from avcues.pipeline.store.exchange import replaced_files
from avcues.pipeline.store.parquet import METADATA_KEY, optional_metadata
from avcues.version import __version__

RATINGS, REPEATS = "ratings.parquet", "repeats.parquet"
RATERS, EXPOSURES = "raters.parquet", "exposures.parquet"
_KIND = "ratings"


def write(annotations: Annotations, folder: Path, other_tables: Mapping[str, pa.Table] | None = None) -> None:
    """Writes the files of a folder of ratings: all of them, or none.

    Args:
        folder: Made if it does not exist.
        other_tables: Tables to write beside them, by file name.

    Raises:
        OutputError: A file cannot be written.
    """
    metadata = {
        "avcues": __version__,
        "kind": _KIND,
        "dimensions": [_document(dimension) for dimension in annotations.dimensions.values()],
        "origin": dict(annotations.origin),
        "repeats": len(annotations.repeats),
    }
    ratings = annotations.ratings.replace_schema_metadata({METADATA_KEY: json.dumps(metadata)})
    tables = {RATERS: annotations.raters, EXPOSURES: annotations.exposures, RATINGS: ratings, **(other_tables or {})}
    if len(annotations.repeats):
        tables[REPEATS] = annotations.repeats
    write_tables({folder / name: table for name, table in tables.items()})
    if not len(annotations.repeats):
        (folder / REPEATS).unlink(missing_ok=True)


def _document(dimension: Dimension) -> dict[str, Any]:
    fields = asdict(dimension)
    return fields if dimension.hold else {name: value for name, value in fields.items() if name != "hold"}


def write_tables(tables: Mapping[Path, pa.Table]) -> None:
    """Writes tables with their metadata: all of them, or none.

    Raises:
        OutputError: They cannot be written.
    """
    with replaced_files() as write:
        for path, table in tables.items():
            write(path, partial(_write_parquet, table))


def _write_parquet(table: pa.Table, file: BinaryIO) -> None:
    metadata = {key: value for key, value in (table.schema.metadata or {}).items() if key == METADATA_KEY}
    # `store_schema` would store the metadata twice.
    with pq.ParquetWriter(file, table.schema.remove_metadata(), compression="zstd", store_schema=False) as writer:
        writer.write_table(table.replace_schema_metadata())
        writer.add_key_value_metadata(metadata)


def read(folder: str | Path) -> Annotations:
    """Reads a folder that `avcues annotations import` made.

    Raises:
        DatasetError: The folder holds no ratings, or one of its files is missing or damaged.
    """
    folder = Path(folder)
    if not (folder / RATINGS).is_file():
        raise DatasetError(f"{folder}: has no {RATINGS}; expected a folder made by avcues annotations import")
    try:
        ratings, raters, exposures = (_read(folder / name) for name in (RATINGS, RATERS, EXPOSURES))
        metadata = optional_metadata(ratings.schema, "ratings")
        repeats = REPEAT_SCHEMA.empty_table()
        if metadata.get("repeats"):
            repeats = _read(folder / REPEATS)
            if len(repeats) != metadata["repeats"]:
                raise ValueError(f"{REPEATS} has {len(repeats)} rows instead of {metadata['repeats']}")
        dimensions = [Dimension(**entry | {"labels": tuple(entry["labels"])}) for entry in metadata["dimensions"]]
        return Annotations(
            ratings=ratings.select(RATING_SCHEMA.names).cast(RATING_SCHEMA),
            raters=raters,
            exposures=exposures.select(EXPOSURE_SCHEMA.names).cast(EXPOSURE_SCHEMA),
            dimensions={dimension.name: dimension for dimension in dimensions},
            origin=metadata["origin"],
            repeats=repeats.select(REPEAT_SCHEMA.names).cast(REPEAT_SCHEMA),
        )
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        raise DatasetError(f"{folder}: cannot be read as ratings ({one_line(error)}); import them again") from error


def _read(path: Path) -> pa.Table:
    require_regular_file(path)
    return pq.read_table(path, read_dictionary=[*KEYS, "label"])
