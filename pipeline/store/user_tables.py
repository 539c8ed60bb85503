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
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from avcues.pipeline.errors import InputError, one_line
from avcues.pipeline.store.text_tables import SAMPLE_BYTES, TextForm, form_of

MISSING = ("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A", "-", "--", "–", ".", "?")
"""What stands for no number."""

EXCEL = (".xlsx", ".xlsm")
PARQUET = (".parquet", ".pq")

_MOSTLY = 0.5
_CONVERSION = re.compile(r"In CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to (\S+): invalid value '(.*)'")
_PARSE = re.compile(r"CSV parse error: (?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")
_EXPECTED = {"double": "a number", "bool": "true or false", "int64": "a whole number", "int32": "a whole number"}
_NUMBER = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"
_ALMOST = r"^[-+]?\d[\d.,' ]*%?$|^[-+]?\d+([.,]\d+)? ?[a-zA-Z%°]{1,3}$"
_UNNAMED = re.compile(r"|unnamed: ?\d+|__index_level_\d+__|\.\.\.\d+", re.IGNORECASE)
_NAMES_OF_COUNTS = re.compile(
    r"(index|idx|x|rows?|row_?(numbers?|names?|id|index)|segment_?id|sample|seq|n|no|nr|id)", re.IGNORECASE
)
_FEWEST_COUNTED = 3
_MEDIA = re.compile(
    r"\.(mp4|m4v|mov|avi|mkv|webm|wmv|flv|mpe?g|ogv|mts|wav|mp3|m4a|flac|ogg|opus|aac|wma)$", re.IGNORECASE
)


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
    return pa.table({key: _clean(table[key], types.get(key), f"{where}: ", key) for key in table.column_names})


def column_names(source: str | Path) -> list[str]:
    """Names of the columns of a file.

    Raises:
        InputError: It cannot be read.
    """
    path = Path(source)
    if path.suffix.lower() in (*EXCEL, *PARQUET):
        return list(read_user_table(path).column_names)
    try:
        return list(form_of(_head(path)).names)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {_cannot(error)}") from error


def missing_column(where: object, missing: Sequence[str], names: Sequence[str]) -> InputError:
    """The error that names the missing and the existing columns."""
    what = "column" if len(missing) == 1 else "columns"
    shown = ", ".join(names[:20]) + (" ..." if len(names) > 20 else "")
    return InputError(f"{where}: has no {what} {', '.join(missing)}, only {shown}")


def composed(text: str) -> str:
    """A text without blanks around it, its accents composed: the form in which names are compared.

    >>> composed(" cafe\\u0301 ") == "caf\\u00e9"
    True
    """
    return unicodedata.normalize("NFC", text.strip())


def video_name(text: str) -> str:
    """The id of a video: its file's name without folders and the suffix of a media file.

    >>> video_name("C:\\\\Videos\\\\2F10_08.avi"), video_name("clips/a.b.mp4"), video_name("dr. who")
    ('2F10_08', 'a.b', 'dr. who')
    """
    return _MEDIA.sub("", PureWindowsPath(text).name) if text else text


def set_aside_counts(
    table: pa.Table, keys: Collection[str], where: str, groups: Sequence[str] = ()
) -> tuple[pa.Table, list[str]]:
    """A table without columns that count its rows, such as the index that `DataFrame.to_csv` writes, and notes on them.

    Args:
        table: Every column of which is taken as data.
        keys: Names of columns that are known, and stay.
        where: Name of the file, for messages.
        groups: Names of columns: rows may also be counted within each of their values.

    Raises:
        InputError: A column has no name and does not count rows.
    """
    counting = []
    of_groups = [name for name in groups if name in table.column_names]
    for name in table.column_names:
        if name in keys:
            continue
        unnamed = _UNNAMED.fullmatch(name) is not None
        if _counts(table, name, of_groups, unnamed or _NAMES_OF_COUNTS.fullmatch(name) is not None):
            counting.append(name)
        elif unnamed:
            shown = f'the column "{name}"' if name else f"column {table.column_names.index(name) + 1}"
            raise InputError(f"{where}: {shown} has no name of its own; name what it holds, or delete it")
    if not counting:
        return table, []
    shown = ", ".join(f'"{name}"' for name in counting)
    note = f"{where}: set aside: {shown}, which {'counts' if len(counting) == 1 else 'count'} rows"
    return table.drop_columns(counting), [note]


def _counts(table: pa.Table, name: str, groups: Sequence[str], likely: bool) -> bool:
    """Whether a column is 0, 1, 2, ... or 1, 2, 3, ...; from its name alone that is only `likely`."""
    column = table[name]
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)) or column.null_count:
        return False
    values = column.cast(pa.float64()).to_numpy()
    if len(values) < (1 if likely else _FEWEST_COUNTED) or not likely:
        return False
    if values[0] in (0, 1) and (np.diff(values) == 1).all():
        return True
    for group in groups:
        code = table[group].dictionary_encode().combine_chunks().indices.to_numpy(zero_copy_only=False)
        order = np.argsort(code, kind="stable")
        same = np.diff(code[order]) == 0
        begins = np.concatenate([[True], ~same])
        if same.any() and (np.diff(values[order])[same] == 1).all() and np.isin(values[order][begins], (0, 1)).all():
            return True
    return False


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
        columns = _wanted(names, types, required, others, where)
        words = [key for key in columns if pa.types.is_dictionary(types.get(key, pa.null()))]
        return pq.read_table(path, columns=columns, read_dictionary=words)
    if path.suffix.lower() in EXCEL:
        return _from_text(_workbook(path, where), types, required, others, where)
    form = form_of(_head(path))
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
    columns = _wanted(form.names, types, required, others, where)
    if isinstance(text, bytes):
        text = _as_utf8(text, form)

    def read(use_threads: bool) -> pa.Table:
        return pa.csv.read_csv(
            io.BytesIO(text) if isinstance(text, bytes) else text,
            read_options=pa.csv.ReadOptions(
                use_threads=use_threads, skip_rows=form.skipped, column_names=_distinct(form.names)
            ),
            parse_options=pa.csv.ParseOptions(delimiter=form.separator, newlines_in_values=False),
            convert_options=pa.csv.ConvertOptions(
                column_types={key: types[key] for key in columns if key in types},
                include_columns=columns,
                null_values=["", *MISSING],
                strings_can_be_null=False,
                decimal_point=form.decimal,
            ),
        )

    try:
        return _with_points(read(use_threads=True), types) if form.decimal == "," else read(use_threads=True)
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            raise ValueError("is not UTF-8; save the file as UTF-8") from error
        # Only the single-threaded reader says in which row a value cannot be converted.
        try:
            return read(use_threads=False)
        except pa.ArrowInvalid as detailed:
            raise InputError(f"{where}: {_what_is_wrong(str(detailed), form.names)}") from detailed


def _with_points(table: pa.Table, types: Mapping[str, pa.DataType]) -> pa.Table:
    """Numbers with a decimal comma that stand among texts, with a point."""
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
    """Arrow reads columns by name; those of one name are refused before, unless nobody asks for them."""
    return [name if names.index(name) == i else f"{name}#{i}" for i, name in enumerate(names)]


def _wanted(
    names: Sequence[str], types: Mapping[str, pa.DataType], required: Collection[str], others: bool, where: str
) -> list[str]:
    missing = [name for name in required if name not in names]
    if missing:
        raise missing_column(where, missing, names)
    columns = [name for name in names if others or name in types]
    twice = [name for name in columns if names.count(name) > 1]
    if twice:
        raise InputError(
            f'{where}: has the column "{twice[0]}" more than once ({names.count(twice[0])} times); give each column a '
            "name of its own"
        )
    return columns


def _workbook(path: Path, where: str) -> bytes:
    """The first sheet of an Excel workbook as text."""
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise InputError(
            f"{where}: Excel workbooks need the package openpyxl: pip install 'avcues[excel]'; or save it as CSV"
        ) from error
    from zipfile import BadZipFile

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, KeyError) as error:
        raise ValueError(f"is no Excel workbook ({one_line(error)})") from error
    filled = [sheet for sheet in book.worksheets if sheet.max_row and sheet.max_row > 1]
    if len(filled) > 1:
        raise InputError(
            f"{where}: has {len(filled)} sheets with data ({', '.join(sheet.title for sheet in filled)}); save the one "
            "that is meant as a file of its own"
        )
    out = io.StringIO()
    rows = (filled or book.worksheets)[0].iter_rows(values_only=True)
    csv.writer(out, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows if _any_cell(row))
    return out.getvalue().encode()


def _any_cell(row: Sequence[Any]) -> bool:
    """Whether a row of a sheet holds anything."""
    return any(value is not None and value != "" for value in row)


def _cell(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _clean(column: pa.ChunkedArray, kind: pa.DataType | None, where: str, name: str) -> pa.ChunkedArray:
    """A column by the rules for blanks, missing values and numbers, of the type that was asked for."""
    if pa.types.is_binary(column.type):
        raise InputError(f'{where}its column "{name}" is not UTF-8; save the file as UTF-8')
    if pa.types.is_dictionary(column.type) or (kind is not None and pa.types.is_dictionary(kind)):
        words = column if pa.types.is_dictionary(column.type) else column.cast(pa.string()).dictionary_encode()
        words = _clean_words(words.unify_dictionaries().combine_chunks())
        if kind is None or pa.types.is_dictionary(kind):
            return words
        column = words.cast(pa.string())
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = _clean_text(column.cast(pa.string()))
        column = _as_numbers(column) if kind is None else column
    if kind is None or column.type == kind:
        return column
    try:
        return column.cast(kind)
    except pa.ArrowException as error:
        raise InputError(f"{where}{name} is {column.type}; expected {_EXPECTED.get(str(kind), str(kind))}") from error


def _clean_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts without blanks around them, composed; empty ones are null."""
    column = pc.utf8_normalize(pc.utf8_trim_whitespace(column), form="NFC")
    return pc.if_else(pc.equal(column, ""), None, column)


def _clean_words(words: pa.ChunkedArray | pa.DictionaryArray) -> pa.ChunkedArray:
    if isinstance(words, pa.ChunkedArray):
        words = words.combine_chunks()
        if isinstance(words, pa.ChunkedArray):
            words = words.chunk(0) if words.num_chunks else pa.array([], pa.string()).dictionary_encode()
    raw = words.dictionary.cast(pa.string()).to_pylist()
    clean = [None if word is None else composed(word) or None for word in raw]
    distinct = list(dict.fromkeys(word for word in clean if word is not None))
    code = {word: i for i, word in enumerate(distinct)}
    place = pa.array([None if word is None else code[word] for word in clean], pa.int32())
    indices = place.take(words.indices)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(indices, pa.array(distinct, pa.string()))])


def plain_numbers(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """A column of texts as numbers, if that is what they are.

    Args:
        column: Texts without blanks around them.
        where: File and column, for messages.

    Raises:
        InputError: Most are numbers, or all look like numbers, but not all are.
    """
    numbers = _as_numbers(column)
    if not pa.types.is_string(numbers.type):
        return numbers
    given, number = _given(column), _plain(column)
    total, plain = (pc.sum(mask).as_py() or 0 for mask in (given, number))
    almost = pc.sum(pc.and_(given, pc.match_substring_regex(column, _ALMOST).fill_null(False))).as_py() or 0
    if not total or (plain < _MOSTLY * total and almost < total):
        return column
    row = pc.index(pc.and_(given, pc.invert(number)), True).as_py()
    beside = f"; {plain} other cells are numbers" if plain else ""
    raise InputError(
        f'{where} is "{column[row].as_py()}" in row {row + 1}; expected a plain number such as 0.25{beside}'
    )


def _as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts as numbers if all of them are, else as they are."""
    given = _given(column)
    if not pc.any(given).as_py() or pc.any(pc.and_not(given, _plain(column))).as_py():
        return column
    return pc.if_else(given, column, None).cast(pa.float64())


def _given(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.and_(column.is_valid(), pc.invert(pc.is_in(column, pa.array(MISSING))))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.and_(_given(column), pc.match_substring_regex(column, _NUMBER).fill_null(False))


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


def _cannot(error: BaseException) -> str:
    text = one_line(error)
    return text if text.startswith(("is ", "its ", "row ")) else f"cannot be read as a table ({text})"
