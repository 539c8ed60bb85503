"""Parquet tables: key columns, nulls, metadata, writing and reading."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from avcues.extractors.protocol import Column, Columns, Table
from avcues.pipeline.errors import one_line
from avcues.pipeline.store.arrow import array, strings
from avcues.pipeline.store.documents import MAX_ROWS, Kind, parse, require_regular_file
from avcues.pipeline.store.files import is_transient, write_atomically
from avcues.pipeline.timeline import Grid, Shot

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

METADATA_KEY = b"avcues"
WINDOW_KEYS = ("video_id", "window", "start", "end")
SHOT_KEYS = ("video_id", "shot", "start", "end", "first_window", "last_window")


@dataclass(frozen=True)
class TableRows:
    """The finished rows of a table.

    Args:
        columns: Arrays of equal length, in the column order of the table.
        present: Whether each row was measured; other rows are null. None: all rows were measured.
        window_of_row: For item tables, the window of each row.
    """

    table: Table
    columns: Columns
    present: npt.NDArray[np.bool_] | None = None
    window_of_row: npt.NDArray[np.int32] | None = None


_KEY_TYPES = {
    "video_id": pa.string(),
    "window": pa.int32(),
    "shot": pa.int32(),
    "start": pa.float64(),
    "end": pa.float64(),
    "first_window": pa.int32(),
    "last_window": pa.int32(),
}
_FEATURE_TYPES = (pa.float32(), pa.float64(), pa.int16(), pa.int32(), pa.bool_(), pa.string())


def window_table(rows: TableRows, video_id: str, grid: Grid, windows: int, metadata: Mapping[str, Any]) -> pa.Table:
    """Makes the Arrow table with a row per window, or with items and the keys of their windows."""
    row_windows = np.arange(windows, dtype=np.int32) if rows.window_of_row is None else rows.window_of_row
    starts, ends = grid.edges(windows)
    keys = {
        "video_id": strings([video_id] * len(row_windows)),
        "window": array(row_windows, "int32"),
        "start": array(starts[row_windows], "float64"),
        "end": array(ends[row_windows], "float64"),
    }
    return _assemble(keys, rows, metadata)


def shot_table(
    rows: TableRows, video_id: str, grid: Grid, shots: Sequence[Shot], windows: int, metadata: Mapping[str, Any]
) -> pa.Table:
    """Makes the Arrow table with a row per shot; a shot in which no window starts has no first and last window."""
    window_spans = [grid.starting_in(shot.start, shot.end) for shot in shots]
    window_spans = [range(span.start, min(span.stop, windows)) for span in window_spans]
    is_empty = np.array([not span for span in window_spans], bool)
    keys = {
        "video_id": strings([video_id] * len(shots)),
        "shot": array(np.arange(len(shots)), "int32"),
        "start": array(np.array([float(shot.start) for shot in shots]), "float64"),
        "end": array(np.array([float(shot.end) for shot in shots]), "float64"),
        "first_window": array(np.array([span[0] if span else 0 for span in window_spans], np.int32), "int32", is_empty),
        "last_window": array(np.array([span[-1] if span else 0 for span in window_spans], np.int32), "int32", is_empty),
    }
    return _assemble(keys, rows, metadata)


def _assemble(keys: Mapping[str, pa.Array], rows: TableRows, metadata: Mapping[str, Any]) -> pa.Table:
    arrays = dict(keys)
    for column in rows.table.columns:
        arrays[column.name] = _array(rows.columns[column.name], column, rows.present)
    full_metadata = dict(metadata) | {
        "table": rows.table.name,
        "row": rows.table.row,
        "columns": [_column_metadata(column) for column in rows.table.columns],
        "sums_to_one": [list(group) for group in rows.table.sums_to_one],
    }
    return pa.table(arrays).replace_schema_metadata({METADATA_KEY: json.dumps(full_metadata)})


def _column_metadata(column: Column) -> dict[str, Any]:
    """The documentation of a column for the metadata; missing bounds are left out."""
    return {key: value for key, value in vars(column).items() if value is not None and key != "dtype"}


def _array(values: npt.NDArray[Any], column: Column, present: npt.NDArray[np.bool_] | None) -> pa.Array:
    missing = np.ma.getmaskarray(values) if present is None else ~present
    values = np.ma.getdata(values)
    if column.dtype == "string":
        return strings(values.tolist(), missing)
    if values.dtype.kind == "f":
        values = values.astype(column.dtype, copy=False)
        missing = missing | ~np.isfinite(values)
    return array(values, column.dtype, missing)


def write_table(table: pa.Table, path: Location) -> None:
    """Writes a table as one row group, or without a row group if it has no rows, atomically and durably."""
    write_atomically(path, lambda file: _write_parquet(table, file))


def _write_parquet(table: pa.Table, file: BinaryIO) -> None:
    without_metadata = table.replace_schema_metadata()
    with pq.ParquetWriter(
        file,
        without_metadata.schema,
        compression="zstd",
        use_dictionary=[field.name for field in table.schema if pa.types.is_string(field.type)],
        write_statistics=[name for name in SHOT_KEYS + WINDOW_KEYS if name in without_metadata.schema.names],
        write_page_checksum=True,
        # Storing the Arrow schema as well would duplicate the metadata.
        store_schema=False,
    ) as writer:
        if table.num_rows:  # the library `datasets` cannot read a row group without rows
            writer.write_table(without_metadata, row_group_size=table.num_rows)
        writer.add_key_value_metadata(table.schema.metadata or {})


def open_parquet(path: Location) -> pq.ParquetFile:
    """Opens a Parquet file at any location; reading checks the checksums of its pages. Use as a context manager.

    Raises:
        OSError: There is no regular file, or it cannot be read.
        ValueError: It is not a Parquet file, or claims more rows than a video can have.
    """
    if isinstance(path, Path):
        require_regular_file(path)
    file = pq.ParquetFile(path if isinstance(path, Path) else path.open("rb"), page_checksum_verification=True)
    if file.metadata.num_rows <= MAX_ROWS:
        return file
    file.close()
    raise ValueError(f"it claims {file.metadata.num_rows} rows")


def read_table(path: Location, columns: Sequence[str] | None = None) -> pa.Table:
    """Reads a table, or some of its columns, without the metadata of the file."""
    with open_parquet(path) as file:
        return file.read(None if columns is None else list(columns))


def damage_of(path: Location) -> str:
    """Why the content of a table cannot be read, in one line; empty if it can be read."""
    try:
        read_table(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        if is_transient(error):
            raise
        return one_line(error)
    return ""


@dataclass(frozen=True)
class Footer:
    """The `avcues` metadata and the number of rows of a table."""

    metadata: dict[str, Any]
    rows: int


def metadata_of(file: pq.ParquetFile, kind: Kind = "origin") -> dict[str, Any]:
    """The `avcues` metadata of an open table.

    Raises:
        ValueError: The metadata are missing or damaged.
    """
    content = (file.metadata.metadata or {}).get(METADATA_KEY)
    if content is None:
        raise ValueError("it has no avcues metadata")
    return parse(content, kind)


def optional_metadata(schema: pa.Schema, kind: Kind) -> dict[str, Any]:
    """The `avcues` metadata of a file that a user names; empty where it has none.

    Raises:
        ValueError: The metadata are damaged; the message says in one line what is wrong.
    """
    content = (schema.metadata or {}).get(METADATA_KEY)
    return {} if content is None else parse(content, kind)


def numeric_columns(table: pa.Table) -> dict[str, str]:
    """Units of the numeric feature columns of a table in memory, by name; empty for a table of items."""
    metadata = parse(table.schema.metadata[METADATA_KEY], "footer")
    if metadata["row"] == "item":
        return {}
    units = {column["name"]: column["unit"] for column in metadata["columns"]}
    return {name: unit for name, unit in units.items() if not pa.types.is_string(table.schema.field(name).type)}


def read_footer(path: Location, kind: Kind = "footer") -> Footer | None:
    """Reads the footer of a table; None if the file is absent, damaged, or not an avcues table.

    Args:
        kind: How much of the metadata is checked; "origin" takes a tenth of the time of "footer".
    """
    try:
        with open_parquet(path) as file:
            return Footer(metadata_of(file, kind), file.metadata.num_rows)
    except (FileNotFoundError, ValueError, pa.ArrowException):
        return None
    except OSError as error:
        if is_transient(error):
            raise
        return None


def read_metadata(path: Location) -> dict[str, Any] | None:
    """Reads the `avcues` metadata of a table; None if the file is absent, damaged, or not an avcues table."""
    footer = read_footer(path)
    return None if footer is None else footer.metadata


def misfit(schema: pa.Schema, row: str, columns: Sequence[str]) -> str:
    """Why a file does not have the columns of a table; empty if it has them.

    Args:
        schema: Schema of the file.
        row: Kind of row: "window", "item" or "shot".
        columns: Names of the required feature columns.
    """
    keys = SHOT_KEYS if row == "shot" else WINDOW_KEYS
    for name in (*keys, *columns):
        i = schema.get_field_index(name)
        file_type = None if i < 0 else schema.field(i).type
        if name in _KEY_TYPES and file_type != _KEY_TYPES[name]:
            return f"{name} is {file_type or 'missing'}, not {_KEY_TYPES[name]}"
        if name not in keys and file_type not in _FEATURE_TYPES:
            return f"{name} is {file_type or 'missing'}, not a number, a truth value or text"
    return ""
