"""Columns of tables that users bring: blanks, accents, missing values, numbers, and columns that only count rows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from pathlib import PureWindowsPath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.errors import InputError

MISSING = ("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A", "-", "--", "–", ".", "?")
"""What stands for no number."""

EXPECTED = {"double": "a number", "bool": "true or false", "int64": "a whole number", "int32": "a whole number"}
"""By name of a type, what users call it."""

_MOSTLY = 0.5
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


def bare_id(video_id: str) -> str:
    """An id without folders, the suffix of a media file, and the leading zeros of a number.

    >>> bare_id("clips/007.mp4"), bare_id("7"), bare_id("dr. who")
    ('7', '7', 'dr. who')
    """
    name = video_name(composed(video_id))
    return str(int(name)) if name.isascii() and name.isdigit() else name


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
    group_columns = [name for name in groups if name in table.column_names]
    for name in table.column_names:
        if name in keys:
            continue
        unnamed = _UNNAMED.fullmatch(name) is not None
        if _counts(table, name, group_columns, unnamed or _NAMES_OF_COUNTS.fullmatch(name) is not None):
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
        within_group = np.diff(code[order]) == 0
        begins = np.concatenate([[True], ~within_group])
        if (
            within_group.any()
            and (np.diff(values[order])[within_group] == 1).all()
            and np.isin(values[order][begins], (0, 1)).all()
        ):
            return True
    return False


def clean(column: pa.ChunkedArray, kind: pa.DataType | None, where: str, name: str) -> pa.ChunkedArray:
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
        raise InputError(f"{where}{name} is {column.type}; expected {EXPECTED.get(str(kind), str(kind))}") from error


def _clean_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts without blanks around them, composed; empty ones are null."""
    column = pc.utf8_trim_whitespace(column)
    if pc.all(pc.string_is_ascii(column), min_count=0).as_py():
        return pc.if_else(pc.equal(column, ""), None, column)
    # Not by Arrow, whose utf8_normalize leaves accents as they are in versions before 26.
    return _clean_words(column.dictionary_encode().unify_dictionaries().combine_chunks()).cast(pa.string())


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
    given, number = _is_filled(column), _plain(column)
    total, plain = (pc.sum(mask).as_py() or 0 for mask in (given, number))
    almost = pc.sum(pc.and_(given, pc.match_substring_regex(column, _ALMOST).fill_null(False))).as_py() or 0
    if not total or (plain < _MOSTLY * total and almost < total):
        return column
    row = pc.index(pc.and_(given, pc.invert(number)), True).as_py()
    hint = f"; {plain} other cells are numbers" if plain else ""
    raise InputError(f'{where} is "{column[row].as_py()}" in row {row + 1}; expected a plain number such as 0.25{hint}')


def _as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts as numbers if all of them are, else as they are."""
    given = _is_filled(column)
    if not pc.any(given).as_py() or pc.any(pc.and_not(given, _plain(column))).as_py():
        return column
    return pc.if_else(given, column, None).cast(pa.float64())


def _is_filled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.and_(column.is_valid(), pc.invert(pc.is_in(column, pa.array(MISSING))))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.and_(_is_filled(column), pc.match_substring_regex(column, _NUMBER).fill_null(False))
