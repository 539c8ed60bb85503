"""Checks the columns of label files and converts them to the types that the grid needs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import numbers_or_texts

# Times are rounded to this fraction of a window: 0.3 s lies in window 3 of 0.1 s, although its float lies in window 2.
_DECIMALS = 6


def without_nulls(values: pa.ChunkedArray, subject: str) -> pa.ChunkedArray:
    """The column, if it has no nulls; raises an `InputError` otherwise."""
    if values.null_count:
        row = pc.index(pc.is_null(values, nan_is_null=True), True).as_py()
        raise InputError(f"{subject} is empty in row {row + 1}")
    return values


def window_column(values: pa.ChunkedArray, subject: str) -> pa.ChunkedArray:
    """Window numbers as int64."""
    if not pa.types.is_integer(values.type):
        raise InputError(f"{subject} is {values.type}; expected integers from 0")
    return without_nulls(values, subject).cast(pa.int64())


def windows_of_times(values: pa.ChunkedArray, step: Fraction, subject: str) -> pa.ChunkedArray:
    """The window of each time in seconds, as int64."""
    if not is_number(values.type):
        raise InputError(f"{subject} is {values.type}; expected seconds, such as 12.5")
    times = without_nulls(values, subject).to_numpy().astype(np.float64)
    if not np.isfinite(times).all():
        raise InputError(f"{subject} is {times[~np.isfinite(times)][0]} in row {np.argmin(np.isfinite(times)) + 1}")
    return pa.chunked_array([np.floor(np.round(times / float(step), _DECIMALS)).astype(np.int64)])


def target_column(values: pa.ChunkedArray, subject: str) -> pa.ChunkedArray:
    """Targets as float32, float64, bool or string."""
    value_type = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if is_number(value_type):
        floats = values.cast(pa.float32() if pa.types.is_float32(value_type) else pa.float64())
        return pc.if_else(pc.is_finite(floats), floats, None)
    if pa.types.is_boolean(value_type):
        return values
    if any(is_text(value_type) for is_text in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)):
        return numbers_or_texts(text_column(values), subject)
    if pa.types.is_binary(value_type):
        raise InputError(f"{subject} holds text that is not UTF-8; save the file as UTF-8")
    raise InputError(f"{subject} is {value_type}; expected numbers, texts or booleans as targets")


def text_column(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values as strings; empty strings become null, because CSV files do not distinguish them."""
    text = pc.utf8_trim_whitespace(values.cast(pa.string()))
    return pc.if_else(pc.equal(text, ""), None, text)


def is_number(value_type: pa.DataType) -> bool:
    """Whether an Arrow type is an integer, float or decimal type."""
    return any(is_kind(value_type) for is_kind in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal))
