"""Reads CSV and Parquet files of ratings, with one-line errors."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from avcues.pipeline.errors import InputError

_CONVERSION = re.compile(r"In CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to (\S+): invalid value '(.*)'")
_PARSE = re.compile(r"CSV parse error: (?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")
_EXPECTED = {"double": "a number", "bool": "true or false"}


def read_columns(
    path: Path, types: Mapping[str, pa.DataType], required: Collection[str] | None = None, others: bool = False
) -> pa.Table:
    """Reads some columns of a file by name.

    Empty cells are null; the separator of a CSV file is a comma, or else the semicolon or tab of its first line.

    Args:
        path: CSV, or Parquet if it ends in `.parquet`.
        types: Types of the columns to read, by name.
        required: Names of the columns that must exist; None: all of `types`.
        others: Also read all other columns, with inferred types.

    Raises:
        InputError: The file cannot be read, lacks a column, or has a value of the wrong type, in the row that is
            named.
    """
    try:
        if path.suffix.lower() == ".parquet":
            found = pq.read_schema(path).names
            columns = _present(path, found, types, required, others)
            words = [name for name in columns if pa.types.is_dictionary(types.get(name, pa.null()))]
            table = pq.read_table(path, columns=columns, read_dictionary=words)
            return pa.table({name: _cast(path, name, table[name], types.get(name)) for name in columns})
        names, separator = _header(path)
        return _read_csv(path, names, _present(path, names, types, required, others), types, separator)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as a {path.suffix or 'CSV'} file of ratings ({error})") from error


def column_names(path: Path) -> list[str]:
    """Names of the columns, from the first line of a CSV file.

    Raises:
        InputError: There is no such file, or it is empty.
    """
    try:
        return _header(path)[0]
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a CSV file ({error})") from error


def missing_column(where: object, missing: Sequence[str], found: Sequence[str]) -> InputError:
    """The error that names the missing and the existing columns."""
    what = "column" if len(missing) == 1 else "columns"
    shown = ", ".join(found[:20]) + (" ..." if len(found) > 20 else "")
    return InputError(f"{where}: has no {what} {', '.join(missing)}, only {shown}")


def _header(path: Path) -> tuple[list[str], str]:
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline().rstrip("\r\n")
    if not first:
        raise InputError(f"{path}: is empty; expected a first line with column names")
    separator = next((one for one in ",;\t" if one in first), ",")
    # RECOLA pads its names with blanks, and numpy.savetxt puts a "#" before the first.
    names = [name.strip() for name in next(csv.reader([first.removeprefix("#")], delimiter=separator))]
    return names, separator


def _present(
    path: Path,
    found: Sequence[str],
    types: Mapping[str, pa.DataType],
    required: Collection[str] | None,
    others: bool,
) -> list[str]:
    missing = [name for name in (types if required is None else required) if name not in found]
    if missing:
        raise missing_column(path, missing, found)
    twice = [name for name in types if found.count(name) > 1]
    if twice:
        raise InputError(f"{path}: has the column {twice[0]} {found.count(twice[0])} times; expected once")
    return [name for name in found if others or name in types]


def _read_csv(
    path: Path, names: list[str], columns: list[str], types: Mapping[str, pa.DataType], separator: str
) -> pa.Table:
    def read(use_threads: bool) -> pa.Table:
        return pa.csv.read_csv(
            path,
            read_options=pa.csv.ReadOptions(use_threads=use_threads, skip_rows=1, column_names=names),
            parse_options=pa.csv.ParseOptions(delimiter=separator, newlines_in_values=False),
            convert_options=pa.csv.ConvertOptions(
                column_types={name: types[name] for name in columns if name in types},
                include_columns=columns,
                null_values=[""],
                strings_can_be_null=True,
            ),
        )

    try:
        return read(use_threads=True)
    except pa.ArrowInvalid:
        # Only the single-threaded reader says in which row a value cannot be converted.
        try:
            return read(use_threads=False)
        except pa.ArrowInvalid as error:
            raise InputError(f"{path}: {_what_is_wrong(str(error), names)}") from error


def _what_is_wrong(message: str, columns: Sequence[str]) -> str:
    """Arrow's message, with the column's name, and with rows counted from 1 after the header."""
    wrong = _CONVERSION.search(message)
    if wrong is not None:
        column, row, kind, value = wrong.groups()
        place = f"row {int(row) - 1}: " if row else ""
        return f'{place}{columns[int(column)]} is "{value}"; expected {_EXPECTED.get(kind, kind)}'
    wrong = _PARSE.search(message)
    if wrong is not None:
        row, expected, got = wrong.groups()
        return f"{f'row {int(row) - 1}: ' if row else ''}has {got} cells; expected {expected}, as in the first line"
    return message


def _cast(path: Path, name: str, column: pa.ChunkedArray, kind: pa.DataType | None) -> pa.ChunkedArray:
    if kind is None or column.type == kind:
        return column
    try:
        if pa.types.is_dictionary(column.type) or pa.types.is_dictionary(kind):
            words = column.cast(pa.string())
            return words.dictionary_encode() if pa.types.is_dictionary(kind) else words
        return column.cast(kind)
    except pa.ArrowException as error:
        raise InputError(f"{path}: {name} is {column.type}; expected {_EXPECTED.get(str(kind), str(kind))}") from error
