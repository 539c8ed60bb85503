"""The columns of a file of labels, checked and brought to the types that the grid needs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import numbers_or_texts

# Times are rounded to this fraction of a window: 0.3 s lies in window 3 of 0.1 s, not in 2, as its float would.
_DECIMALS = 6


def without_nulls(values: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    if values.null_count:
        row = pc.index(pc.is_null(values, nan_is_null=True), True).as_py()
        raise InputError(f"{where} is empty in row {row + 1}")
    return values


def window_column(values: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    if not pa.types.is_integer(values.type):
        raise InputError(f"{where} is {values.type}; expected whole numbers, 0 or more")
    return without_nulls(values, where).cast(pa.int64())


def windows_of_times(values: pa.ChunkedArray, step: Fraction, where: str) -> pa.ChunkedArray:
    if not is_number(values.type):
        raise InputError(f"{where} is {values.type}; expected seconds, such as 12.5")
    times = without_nulls(values, where).to_numpy().astype(np.float64)
    if not np.isfinite(times).all():
        raise InputError(f"{where} is {times[~np.isfinite(times)][0]} in row {np.argmin(np.isfinite(times)) + 1}")
    return pa.chunked_array([np.floor(np.round(times / float(step), _DECIMALS)).astype(np.int64)])


def target_column(values: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """Targets as float32, float64, bool or string."""
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if is_number(kind):
        floats = values.cast(pa.float32() if pa.types.is_float32(kind) else pa.float64())
        return pc.if_else(pc.is_finite(floats), floats, None)
    if pa.types.is_boolean(kind):
        return values
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return numbers_or_texts(text_column(values), where)
    if pa.types.is_binary(kind):
        raise InputError(f"{where} holds text that is not UTF-8; save the file as UTF-8")
    raise InputError(f"{where} is {kind}; expected numbers, texts or booleans as targets")


def text_column(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """As strings; empty ones become null, because a CSV file cannot tell the two apart."""
    text = pc.utf8_trim_whitespace(values.cast(pa.string()))
    return pc.if_else(pc.equal(text, ""), None, text)


def is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
