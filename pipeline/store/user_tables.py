"""Reads tables of users: CSV and similar text files, Excel workbooks and Parquet files, by one set of rules.

| rule     | effect                                                                                                    |
|----------|-----------------------------------------------------------------------------------------------------------|
| form     | encoding (UTF-8, UTF-16), separator (comma, semicolon, tab, bar, or by a line `sep=;`) and decimal comma  |
|          | are detected                                                                                              |
| blanks   | are removed around names and texts; letters with accents are composed (Unicode NFC)                       |
| missing  | an empty cell is null, and in a column of numbers also one of `MISSING`                                   |
| numbers  | a target that is mostly numbers must be only numbers: `10%` or `1,234.5` is an error that names the row,  |
|          | see `numbers_or_texts`                                                                                    |
| counters | a column that counts the rows is ignored with a note, see `drop_row_counters`                             |
| refused  | a row that repeats the header (as in joined files), HTML, an old `.xls`; workbooks with several sheets    |
|          | with data, hidden rows, or formulas without results; a column without a name that does not count rows     |
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from avcues.pipeline.errors import InputError, one_line
from avcues.pipeline.store.documents import open_regular_file, require_regular_file
from avcues.pipeline.store.text_tables import SAMPLE_BYTES, TextForm, decode_text, detect_form, separator_of
from avcues.pipeline.store.user_columns import EXPECTED, MISSING, clean_column
from avcues.pipeline.store.workbooks import EXCEL, is_workbook, workbook_as_text

PARQUET = (".parquet", ".pq")

_SAMPLE_LINES = 20

_CONVERSION = re.compile(
    r"In CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to (\S+): invalid value '([^\n]*?)(?:\n|'$)"
)
_PARSE = re.compile(r"CSV parse error: (?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")


def read_user_table(
    source: str | Path | BinaryIO,
    *,
    types: Mapping[str, pa.DataType] | None = None,
    required: Collection[str] = (),
    extra_columns: bool = True,
    name: str | None = None,
) -> pa.Table:
    """Reads a table by the rules above.

    Args:
        source: Path of a `.parquet`, `.xlsx` or text file, or an open binary file of text.
        types: Types of columns that may exist; other types are inferred.
        required: Names of columns that must exist.
        extra_columns: Whether to read columns that `types` does not name.
        name: Name of the file, for messages; default: its path.

    Raises:
        InputError: The table cannot be read, lacks a column, has one twice, or has a value of the wrong type; the
            message names the row, counted from 1 below the header.
    """
    file_name = name or str(source)
    request = _ColumnRequest(types or {}, required, extra_columns, file_name)
    with _clear_errors(file_name):
        table = _read(source, request)
    table = pa.table(
        {key: clean_column(table[key], request.types.get(key), f"{file_name}: ", key) for key in table.column_names}
    )
    _require_one_heading(table, file_name)
    return table


def _require_one_heading(table: pa.Table, file_name: str) -> None:
    """Refuses a table in which a row repeats the names of the columns, as in joined files."""
    text_columns = [name for name in table.column_names if not pa.types.is_floating(table[name].type)]
    repeats_heading: Any = None
    for name in text_columns:
        if not (pa.types.is_string(table[name].type) or pa.types.is_dictionary(table[name].type)):
            continue
        if pc.index(table[name].unique().cast(pa.string()), name).as_py() < 0:
            return
        equal = pc.equal(table[name].cast(pa.string()), name).fill_null(False)
        repeats_heading = equal if repeats_heading is None else pc.and_(repeats_heading, equal)
    if len(text_columns) > 1 and repeats_heading is not None and pc.any(repeats_heading).as_py():
        row = pc.index(repeats_heading, True).as_py() + 1
        raise InputError(f"{file_name}: row {row} repeats the names of the columns, as in joined files; delete it")


def raw_rows(path: Path) -> list[list[str]]:
    """Reads the cells of all rows of a text file or workbook, including the header, without surrounding blanks.

    Raises:
        InputError: The file cannot be read.
    """
    with _clear_errors(str(path)):
        with open_regular_file(path) as file:
            content = file.read()
        if path.suffix.lower() in EXCEL or is_workbook(content):
            content = workbook_as_text(path, str(path))
        text = decode_text(content).removeprefix("\ufeff")
        rows = csv.reader(io.StringIO(text), delimiter=separator_of(text.splitlines()[:_SAMPLE_LINES]))
        return [[cell.strip() for cell in row] for row in rows if any(row)]


def column_names(source: str | Path) -> list[str]:
    """Reads the names of the columns of a file.

    Raises:
        InputError: The file cannot be read.
    """
    path = Path(source)
    if path.suffix.lower() in (*EXCEL, *PARQUET):
        return list(read_user_table(path).column_names)
    with _clear_errors(str(path)):
        head = _head(path)
        return list(read_user_table(path).column_names if is_workbook(head) else detect_form(head).names)


def missing_column(file_name: object, missing: Sequence[str], names: Sequence[str]) -> InputError:
    """Makes the error that names the missing and the existing columns."""
    noun = "column" if len(missing) == 1 else "columns"
    name_list = ", ".join(names[:20]) + (" ..." if len(names) > 20 else "")
    return InputError(f"{file_name}: has no {noun} {', '.join(missing)}, only {name_list}")


@dataclass(frozen=True)
class _ColumnRequest:
    """The columns that a caller of `read_user_table` requests."""

    types: Mapping[str, pa.DataType]
    required: Collection[str]
    extra_columns: bool
    file_name: str

    def choose(self, names: Sequence[str]) -> list[str]:
        """The columns to read, from the names of the columns of the file.

        Raises:
            InputError: A required column is missing, or a column occurs more than once.
        """
        missing = [name for name in self.required if name not in names]
        if missing:
            raise missing_column(self.file_name, missing, names)
        columns = [name for name in names if self.extra_columns or name in self.types]
        repeated = [name for name in columns if names.count(name) > 1]
        if repeated:
            raise InputError(
                f'{self.file_name}: has the column "{repeated[0]}" more than once ({names.count(repeated[0])} times); '
                "give each column a distinct name"
            )
        return columns


def _read(source: str | Path | BinaryIO, request: _ColumnRequest) -> pa.Table:
    if not isinstance(source, str | Path):
        return _from_text(source.read(), request)
    path = Path(source)
    require_regular_file(path)
    if path.suffix.lower() in PARQUET:
        columns = request.choose(pq.read_schema(path).names)
        dictionary_columns = [key for key in columns if pa.types.is_dictionary(request.types.get(key, pa.null()))]
        return pq.read_table(path, columns=columns, read_dictionary=dictionary_columns)
    head = _head(path)
    if path.suffix.lower() in EXCEL or is_workbook(head):
        return _from_text(workbook_as_text(path, request.file_name), request)
    form = detect_form(head)
    is_utf8 = form.encoding.startswith("utf-8") and not form.has_blanks_before_quotes
    return _from_text(path if is_utf8 else path.read_bytes(), request, form)


def _head(path: Path) -> bytes:
    with open_regular_file(path) as file:
        return file.read(SAMPLE_BYTES)


def _from_text(text: Path | bytes, request: _ColumnRequest, form: TextForm | None = None) -> pa.Table:
    form = form or detect_form(bytes(text[:SAMPLE_BYTES]) if isinstance(text, bytes) else _head(text))
    columns = request.choose(form.names)
    if isinstance(text, bytes):
        text = _as_utf8(text, form)

    def read(*, use_threads: bool) -> pa.Table:
        return pa.csv.read_csv(
            io.BytesIO(text) if isinstance(text, bytes) else text,
            read_options=pa.csv.ReadOptions(
                use_threads=use_threads, skip_rows=form.header_lines, column_names=_distinct(form.names)
            ),
            parse_options=pa.csv.ParseOptions(delimiter=form.separator, newlines_in_values=form.has_quotes),
            convert_options=pa.csv.ConvertOptions(
                column_types={key: request.types[key] for key in columns if key in request.types},
                include_columns=columns,
                null_values=["", *MISSING],
                strings_can_be_null=False,
                decimal_point=form.decimal,
            ),
        )

    try:
        table = read(use_threads=True)
        return _with_points(table, request.types) if form.decimal == "," else table
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            raise ValueError("is not UTF-8; save the file as UTF-8") from error
        # Only the single-threaded reader reports the row of a value that cannot be converted.
        try:
            return read(use_threads=False)
        except pa.ArrowInvalid as detailed_error:
            reason = _explain_arrow_error(str(detailed_error), form.names)
            raise InputError(f"{request.file_name}: {reason}") from detailed_error


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
    if form.has_blanks_before_quotes:
        rows = csv.reader(
            io.StringIO(text.decode(form.encoding)), delimiter=form.separator, skipinitialspace=True, strict=False
        )
        out = io.StringIO()
        csv.writer(out, delimiter=form.separator, lineterminator="\n").writerows(rows)
        return out.getvalue().encode()
    return text if form.encoding.startswith("utf-8") else text.decode(form.encoding).encode()


def _distinct(names: Sequence[str]) -> list[str]:
    """Makes names distinct, because Arrow reads columns by name; repeated names among them are refused later."""
    return [name if names.index(name) == i else f"{name}#{i}" for i, name in enumerate(names)]


def _explain_arrow_error(message: str, columns: Sequence[str]) -> str:
    """Arrow's message with the name of the column, and with rows counted from 1 after the header."""
    match = _CONVERSION.search(message)
    if match is not None:
        column, row, kind, value = match.groups()
        position = f"row {int(row) - 1}: " if row else ""
        return f'{position}{columns[int(column)]} is "{value}"; expected {EXPECTED.get(kind, kind)}'
    match = _PARSE.search(message)
    if match is not None:
        row, expected, actual = match.groups()
        return f"{f'row {int(row) - 1}: ' if row else ''}has {actual} cells; expected {expected}, as in the first line"
    return message


@contextmanager
def _clear_errors(file_name: str) -> Iterator[None]:
    """Turns errors of reading a table into one line that names the file."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{file_name}: no such file") from error
    except IsADirectoryError as error:
        raise InputError(f"{file_name}: is a folder; expected a file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file_name}: is not UTF-8; save the file as UTF-8") from error
    except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
        raise InputError(f"{file_name}: {_why_unreadable(error)}") from error


def _why_unreadable(error: BaseException) -> str:
    text = one_line(error)
    return text if text.startswith(("is ", "its ", "row ")) else f"cannot be read as a table ({text})"
