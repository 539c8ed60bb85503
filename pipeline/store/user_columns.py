"""Cleans columns of users' tables: blanks, accents, missing values, numbers, and columns that only count rows."""

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
"""Texts that stand for a missing number."""

EXPECTED = {"double": "a number", "bool": "true or false", "int64": "a whole number", "int32": "a whole number"}
"""By name of a type, its description for users."""

_MIN_NUMBER_SHARE = 0.5
_NUMBER = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"
_ALMOST_NUMBER = r"^[-+]?\d[\d.,' ]*%?$|^[-+]?\d+([.,]\d+)? ?[a-zA-Z%°]{1,3}$"
_UNNAMED = re.compile(r"|unnamed: ?\d+|__index_level_\d+__|\.\.\.\d+", re.IGNORECASE)
# Numbers of fewer rows that begin anywhere, or have gaps, may rise by chance.
_FEWEST_COUNTED = 5
_COUNTER_NAMES = re.compile(
    r"(index|idx|x|rows?|row_?(numbers?|names?|id|index)|segment_?id|sample|seq|frame(_?(number|index))?|n|no|nr|id)",
    re.IGNORECASE,
)

_MEDIA_SUFFIX = re.compile(
    r"\.(mp4|m4v|mov|avi|mkv|webm|wmv|flv|mpe?g|ogv|mts|wav|mp3|m4a|flac|ogg|opus|aac|wma)$", re.IGNORECASE
)


def normalised(text: str) -> str:
    """A text without surrounding blanks and with composed accents: the form in which names are compared.

    >>> normalised(" cafe\\u0301 ") == "caf\\u00e9"
    True
    """
    return unicodedata.normalize("NFC", text.strip())


def video_name(text: str) -> str:
    """The id of a video: the name of its file without folders and media suffix.

    >>> video_name("C:\\\\Videos\\\\2F10_08.avi"), video_name("clips/a.b.mp4"), video_name("dr. who")
    ('2F10_08', 'a.b', 'dr. who')
    """
    return _MEDIA_SUFFIX.sub("", PureWindowsPath(text).name) if text else text


def bare_id(video_id: str) -> str:
    """An id without folders, media suffix, and leading zeros of a number.

    >>> bare_id("clips/007.mp4"), bare_id("7"), bare_id("dr. who")
    ('7', '7', 'dr. who')
    """
    name = video_name(normalised(video_id))
    return str(int(name)) if name.isascii() and name.isdigit() else name


def drop_row_counters(
    table: pa.Table, keys: Collection[str], file_name: str, groups: Sequence[str] = ()
) -> tuple[pa.Table, list[str]]:
    """Drops columns that count rows, such as the index that `DataFrame.to_csv` writes; returns also notes on them.

    Args:
        table: The table.
        keys: Names of known columns, which are kept.
        file_name: Name of the file, for messages.
        groups: Names of columns; a column may also count the rows of each of their values.

    Raises:
        InputError: A column has no name and does not count rows.
    """
    counters = []
    group_columns = [name for name in groups if name in table.column_names]
    for name in table.column_names:
        if name in keys:
            continue
        is_unnamed = _UNNAMED.fullmatch(name) is not None
        may_count_rows = is_unnamed or _COUNTER_NAMES.fullmatch(name) is not None
        if may_count_rows and _counts_rows(table, name, group_columns):
            counters.append(name)
        elif is_unnamed:
            subject = f'the column "{name}"' if name else f"column {table.column_names.index(name) + 1}"
            raise InputError(f"{file_name}: {subject} has no name; name it after its content, or delete it")
    if not counters:
        return table, []
    names = ", ".join(f'"{name}"' for name in counters)
    note = f"{file_name}: ignored: {names}, which {'counts' if len(counters) == 1 else 'count'} rows"
    return table.drop_columns(counters), [note]


def _counts_rows(table: pa.Table, name: str, groups: Sequence[str]) -> bool:
    """Whether whole numbers rise from row to row, from 0 or 1 without a gap within each value of a group column.

    In a part of a table they begin anywhere, and rows that were left out leave gaps.
    """
    column = table[name]
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)) or column.null_count:
        return False
    values = column.cast(pa.float64()).to_numpy()
    if not len(values):
        return False
    if not (values == np.floor(values)).all() or values.min() < 0:
        return False
    steps = np.diff(values)
    if (values[0] in (0, 1) and (steps == 1).all()) or (len(values) >= _FEWEST_COUNTED and (steps >= 1).all()):
        return True
    for group in groups:
        group_numbers = table[group].dictionary_encode().combine_chunks().indices.to_numpy(zero_copy_only=False)
        order = np.argsort(group_numbers, kind="stable")
        is_within_group = np.diff(group_numbers[order]) == 0
        begins_group = np.concatenate([[True], ~is_within_group])
        if (
            is_within_group.any()
            and (np.diff(values[order])[is_within_group] == 1).all()
            and np.isin(values[order][begins_group], (0, 1)).all()
        ):
            return True
    return False


def clean_column(column: pa.ChunkedArray, target_type: pa.DataType | None, prefix: str, name: str) -> pa.ChunkedArray:
    """Cleans a column by the rules for blanks, missing values and numbers, and casts it to a type.

    Args:
        target_type: The type; None: numbers if all texts are numbers, otherwise text.
        prefix: Begins messages, such as the name of the file.
    """
    if pa.types.is_binary(column.type):
        raise InputError(f'{prefix}its column "{name}" is not UTF-8; save the file as UTF-8')
    if pa.types.is_dictionary(column.type) or (target_type is not None and pa.types.is_dictionary(target_type)):
        encoded = column if pa.types.is_dictionary(column.type) else column.cast(pa.string()).dictionary_encode()
        encoded = _clean_dictionary(encoded.unify_dictionaries().combine_chunks())
        if target_type is None or pa.types.is_dictionary(target_type):
            return encoded
        column = encoded.cast(pa.string())
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = _clean_text(column.cast(pa.string()))
        column = _as_numbers(column) if target_type is None else column
    if target_type is None or column.type == target_type:
        return column
    try:
        return column.cast(target_type)
    except pa.ArrowException as error:
        expected = EXPECTED.get(str(target_type), str(target_type))
        raise InputError(f"{prefix}{name} is {column.type}; expected {expected}") from error


def _clean_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Normalises texts; empty texts become null."""
    column = pc.utf8_trim_whitespace(column)
    if pc.all(pc.string_is_ascii(column), min_count=0).as_py():
        return pc.if_else(pc.equal(column, ""), None, column)
    # Arrow's utf8_normalize does not compose accents before version 26.
    return _clean_dictionary(column.dictionary_encode().unify_dictionaries().combine_chunks()).cast(pa.string())


def _clean_dictionary(encoded: pa.ChunkedArray | pa.DictionaryArray) -> pa.ChunkedArray:
    """Normalises the distinct texts of a dictionary-encoded column; texts that become equal are merged."""
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([], pa.string()).dictionary_encode()
    texts = encoded.dictionary.cast(pa.string()).to_pylist()
    clean_texts = [None if text is None else normalised(text) or None for text in texts]
    distinct_texts = list(dict.fromkeys(text for text in clean_texts if text is not None))
    index_of_text = {text: i for i, text in enumerate(distinct_texts)}
    new_indices = pa.array([None if text is None else index_of_text[text] for text in clean_texts], pa.int32())
    indices = new_indices.take(encoded.indices)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(indices, pa.array(distinct_texts, pa.string()))])


def numbers_or_texts(column: pa.ChunkedArray, subject: str) -> pa.ChunkedArray:
    """Converts a column of texts to numbers if all of them are numbers; otherwise returns the column.

    Args:
        column: Texts without surrounding blanks.
        subject: File and column, for messages.

    Raises:
        InputError: Most texts are numbers, or all look like numbers, but not all are numbers.
    """
    numbers = _as_numbers(column)
    if not pa.types.is_string(numbers.type):
        return numbers
    is_filled, is_number = _is_filled(column), _is_number(column)
    total, number_count = (pc.sum(mask).as_py() or 0 for mask in (is_filled, is_number))
    almost_numbers = (
        pc.sum(pc.and_(is_filled, pc.match_substring_regex(column, _ALMOST_NUMBER).fill_null(False))).as_py() or 0
    )
    if not total or (number_count < _MIN_NUMBER_SHARE * total and almost_numbers < total):
        return column
    row = pc.index(pc.and_(is_filled, pc.invert(is_number)), True).as_py()
    hint = f"; {number_count} other cells are numbers" if number_count else ""
    raise InputError(
        f'{subject} is "{column[row].as_py()}" in row {row + 1}; expected a plain number such as 0.25{hint}'
    )


def _as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Converts texts to numbers if all of them are numbers; otherwise returns the texts."""
    is_filled = _is_filled(column)
    if not pc.any(is_filled).as_py() or pc.any(pc.and_not(is_filled, _is_number(column))).as_py():
        return column
    return pc.if_else(is_filled, column, None).cast(pa.float64())


def _is_filled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.and_(column.is_valid(), pc.invert(pc.is_in(column, pa.array(MISSING))))


def _is_number(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.and_(_is_filled(column), pc.match_substring_regex(column, _NUMBER).fill_null(False))
