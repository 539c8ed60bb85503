"""Tables that users bring: CSV and its relatives, Excel workbooks and Parquet files, by one set of rules.

| rule     | what happens                                                                                              |
|----------|-----------------------------------------------------------------------------------------------------------|
| form     | encoding (UTF-8, UTF-16), separator (comma, semicolon, tab, bar, or by a line `sep=;`) and decimal comma  |
|          | are found out                                                                                             |
| blanks   | around names and texts are removed; letters with accents are composed (Unicode NFC)                       |
| missing  | an empty cell, or in a column of numbers one of `MISSING`, is null                                        |
| numbers  | a target that is mostly numbers holds nothing else: `10%` or `1,234.5` is an error that names the row,    |
|          | see `plain_numbers`                                                                                       |
| counting | a column without a name, or one that counts the rows, is set aside with a note, see `set_aside_counts`    |
| refused  | a row that repeats the heading (joined files), HTML, an old `.xls`; in a workbook several sheets with     |
|          | data, hidden rows, and formulas without results                                                           |
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from avcues.pipeline.errors import InputError, one_line
from avcues.pipeline.store.text_tables import SAMPLE_BYTES, TextForm, decoded, form_of, separator_of
from avcues.pipeline.store.user_columns import EXPECTED, MISSING, clean
from avcues.pipeline.store.workbooks import EXCEL, is_workbook, workbook_as_text

PARQUET = (".parquet", ".pq")

_LINES_LOOKED_AT = 20

_CONVERSION = re.compile(
    r"In CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to (\S+): invalid value '([^\n]*?)(?:\n|'$)"
)
_PARSE = re.compile(r"CSV parse error: (?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")


def read_user_table(
    source: str | Path | BinaryIO,
    *,
    types: Mapping[str, pa.DataType] | None = None,
    required: Collection[str] = (),
    others: bool = True,
    name: str | None = None,
) -> pa.Table:
    """Reads a table by the rules above.

    Args:
        source: Path of a `.parquet` or `.xlsx` file or else a text file, or a binary file of text.
        types: Types of columns, where they exist; those of all others are inferred.
        required: Names of columns that must exist.
        others: Whether to read columns that `types` does not name.
        name: Of the file, for messages; default: its path.

    Raises:
        InputError: It cannot be read, lacks a column, names one twice, or has a value of the wrong type; the message
            names the row, counted from 1 below the header.
    """
    types = types or {}
    where = name or str(source)
    try:
        table = _read(source, types, required, others, where)
    except FileNotFoundError as error:
        raise InputError(f"{where}: no such file") from error
    except IsADirectoryError as error:
        raise InputError(f"{where}: is a folder; expected a file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: is not UTF-8; save the file as UTF-8") from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{where}: {_cannot(error)}") from error
    table = pa.table({key: clean(table[key], types.get(key), f"{where}: ", key) for key in table.column_names})
    _require_one_heading(table, where)
    return table


def _require_one_heading(table: pa.Table, where: str) -> None:
    """Makes sure that no row repeats the names of the columns, as in files that were joined."""
    words = [name for name in table.column_names if not pa.types.is_floating(table[name].type)]
    repeats_heading: Any = None
    for name in words:
        if not (pa.types.is_string(table[name].type) or pa.types.is_dictionary(table[name].type)):
            continue
        if pc.index(table[name].unique().cast(pa.string()), name).as_py() < 0:
            return
        equal = pc.equal(table[name].cast(pa.string()), name).fill_null(False)
        repeats_heading = equal if repeats_heading is None else pc.and_(repeats_heading, equal)
    if len(words) > 1 and repeats_heading is not None and pc.any(repeats_heading).as_py():
        row = pc.index(repeats_heading, True).as_py() + 1
        raise InputError(f"{where}: row {row} repeats the names of the columns; were files joined? Delete it")


def raw_rows(path: Path) -> list[list[str]]:
    """The cells of all rows of a text file or workbook, headings and all, without blanks around them.

    Raises:
        InputError: It cannot be read.
    """
    try:
        content = path.read_bytes()
        if path.suffix.lower() in EXCEL or is_workbook(content):
            content = workbook_as_text(path, str(path))
        text = decoded(content).removeprefix("\ufeff")
        rows = csv.reader(io.StringIO(text), delimiter=separator_of(text.splitlines()[:_LINES_LOOKED_AT]))
        return [[cell.strip() for cell in row] for row in rows if any(row)]
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: is a folder; expected a file") from error
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: {_cannot(error)}") from error


def column_names(source: str | Path) -> list[str]:
    """Names of the columns of a file.

    Raises:
        InputError: It cannot be read.
    """
    path = Path(source)
    if path.suffix.lower() in (*EXCEL, *PARQUET):
        return list(read_user_table(path).column_names)
    try:
        head = _head(path)
        return list(read_user_table(path).column_names if is_workbook(head) else form_of(head).names)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: is a folder; expected a file") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {_cannot(error)}") from error


def missing_column(where: object, missing: Sequence[str], names: Sequence[str]) -> InputError:
    """The error that names the missing and the existing columns."""
    noun = "column" if len(missing) == 1 else "columns"
    shown = ", ".join(names[:20]) + (" ..." if len(names) > 20 else "")
    return InputError(f"{where}: has no {noun} {', '.join(missing)}, only {shown}")


def _read(
    source: str | Path | BinaryIO,
    types: Mapping[str, pa.DataType],
    required: Collection[str],
    others: bool,
    where: str,
) -> pa.Table:
    if not isinstance(source, str | Path):
        return _from_text(source.read(), types, required, others, where)
    path = Path(source)
    if path.suffix.lower() in PARQUET:
        names = pq.read_schema(path).names
        columns = _columns_to_read(names, types, required, others, where)
        words = [key for key in columns if pa.types.is_dictionary(types.get(key, pa.null()))]
        return pq.read_table(path, columns=columns, read_dictionary=words)
    head = _head(path)
    if path.suffix.lower() in EXCEL or is_workbook(head):
        return _from_text(workbook_as_text(path, where), types, required, others, where)
    form = form_of(head)
    plain = form.encoding.startswith("utf-8") and not form.padded
    return _from_text(path if plain else path.read_bytes(), types, required, others, where, form)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(SAMPLE_BYTES)


def _from_text(
    text: Path | bytes,
    types: Mapping[str, pa.DataType],
    required: Collection[str],
    others: bool,
    where: str,
    form: TextForm | None = None,
) -> pa.Table:
    form = form or form_of(bytes(text[:SAMPLE_BYTES]) if isinstance(text, bytes) else _head(text))
    columns = _columns_to_read(form.names, types, required, others, where)
    if isinstance(text, bytes):
        text = _as_utf8(text, form)

    def read(use_threads: bool, line_breaks: bool = False) -> pa.Table:
        return pa.csv.read_csv(
            io.BytesIO(text) if isinstance(text, bytes) else text,
            read_options=pa.csv.ReadOptions(
                use_threads=use_threads, skip_rows=form.skipped, column_names=_distinct(form.names)
            ),
            parse_options=pa.csv.ParseOptions(delimiter=form.separator, newlines_in_values=line_breaks),
            convert_options=pa.csv.ConvertOptions(
                column_types={key: types[key] for key in columns if key in types},
                include_columns=columns,
                null_values=["", *MISSING],
                strings_can_be_null=False,
                decimal_point=form.decimal,
            ),
        )

    try:
        table = read(use_threads=True, line_breaks=form.line_breaks)
        return _with_points(table, types) if form.decimal == "," else table
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            raise ValueError("is not UTF-8; save the file as UTF-8") from error
        # Only the single-threaded reader says in which row a value cannot be converted.
        try:
            return read(use_threads=False, line_breaks=form.line_breaks)
        except pa.ArrowInvalid as detailed:
            raise InputError(f"{where}: {_explain(str(detailed), form.names)}") from detailed


def _with_points(table: pa.Table, types: Mapping[str, pa.DataType]) -> pa.Table:
    """Writes numbers in columns of text with a decimal point instead of a comma."""
    return pa.table(
        {
            name: pc.replace_substring_regex(column, r"^([-+]?\d+),(\d+)$", r"\1.\2")
            if name not in types and pa.types.is_string(column.type)
            else column
            for name, column in zip(table.column_names, table.columns, strict=True)
        }
    )


def _as_utf8(text: bytes, form: TextForm) -> bytes:
    if form.padded:
        rows = csv.reader(
            io.StringIO(text.decode(form.encoding)), delimiter=form.separator, skipinitialspace=True, strict=False
        )
        out = io.StringIO()
        csv.writer(out, delimiter=form.separator, lineterminator="\n").writerows(rows)
        return out.getvalue().encode()
    return text if form.encoding.startswith("utf-8") else text.decode(form.encoding).encode()


def _distinct(names: Sequence[str]) -> list[str]:
    """Distinct names for columns, which Arrow reads by name; repeated names among those to read are refused later."""
    return [name if names.index(name) == i else f"{name}#{i}" for i, name in enumerate(names)]


def _columns_to_read(
    names: Sequence[str], types: Mapping[str, pa.DataType], required: Collection[str], others: bool, where: str
) -> list[str]:
    missing = [name for name in required if name not in names]
    if missing:
        raise missing_column(where, missing, names)
    columns = [name for name in names if others or name in types]
    repeated = [name for name in columns if names.count(name) > 1]
    if repeated:
        raise InputError(
            f'{where}: has the column "{repeated[0]}" more than once ({names.count(repeated[0])} times); '
            "give each column a name of its own"
        )
    return columns


def _explain(message: str, columns: Sequence[str]) -> str:
    """Arrow's message, with the column's name, and with rows counted from 1 after the header."""
    wrong = _CONVERSION.search(message)
    if wrong is not None:
        column, row, kind, value = wrong.groups()
        place = f"row {int(row) - 1}: " if row else ""
        return f'{place}{columns[int(column)]} is "{value}"; expected {EXPECTED.get(kind, kind)}'
    wrong = _PARSE.search(message)
    if wrong is not None:
        row, expected, actual = wrong.groups()
        return f"{f'row {int(row) - 1}: ' if row else ''}has {actual} cells; expected {expected}, as in the first line"
    return message


def _cannot(error: BaseException) -> str:
    text = one_line(error)
    return text if text.startswith(("is ", "its ", "row ")) else f"cannot be read as a table ({text})"
