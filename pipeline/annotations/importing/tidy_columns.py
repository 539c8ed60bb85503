"""Columns of a tidy table, cast to the types of its schema."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.reading import Part
from avcues.pipeline.annotations.ratings.keys import codes
from avcues.pipeline.annotations.ratings.schema import RATING_SCHEMA
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import normalised


def tidy_columns(part: Part) -> pa.Table:
    """The part's table cast to `RATING_SCHEMA`; missing columns and empty words are null."""
    columns = {field.name: _cast(part.table, field.name, field.type, part.name) for field in RATING_SCHEMA}
    return pa.table(columns, schema=RATING_SCHEMA)


def joined_column(parts: Sequence[Part], name: str, kind: pa.DataType) -> pa.ChunkedArray | None:
    """A column of all parts, null in parts that lack it; None: it is null in all rows."""
    columns = [_cast(part.table, name, kind, part.name) for part in parts]
    joined = pa.chunked_array([chunk for column in columns for chunk in column.chunks], kind)
    return None if joined.null_count == len(joined) else joined


def _cast(table: pa.Table, name: str, kind: pa.DataType, file: str) -> pa.ChunkedArray:
    """A column as one chunk of the given type; nulls if the table lacks it. Empty words are null."""
    if name not in table.column_names or pa.types.is_null(table[name].type):
        return pa.chunked_array([pa.nulls(len(table), kind)], kind)
    column = table[name]
    if pa.types.is_dictionary(kind):
        return _words(column)
    try:
        return pa.chunked_array([column.cast(kind).combine_chunks()], kind)
    except pa.ArrowException as error:
        raise InputError(f"{file}: {name} is {column.type}; expected {kind}") from error


def _words(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Words as a dictionary, with composed accents."""
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    composed_words = {word: normalised(str(word)) for word in column.unique().to_pylist() if word}
    words = list(dict.fromkeys(word for word in composed_words.values() if word))
    index = np.array([words.index(word) if word else -1 for word in composed_words.values()] + [-1], np.int32)
    code = index[codes(column, list(composed_words))]
    return pa.chunked_array(
        [pa.DictionaryArray.from_arrays(pa.array(code, mask=code < 0), pa.array(words, pa.string()))]
    )
