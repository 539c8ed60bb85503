"""Makes Arrow arrays from NumPy buffers: `pa.array` would import pandas, which takes longer than writing tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_ARROW_TYPES = {
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "bool": pa.bool_(),
}


def array(values: npt.NDArray[Any], dtype: str, missing: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Makes an Arrow array of numbers or truth values.

    Args:
        values: (n,) values.
        dtype: Name of the type of the array, as in `avcues.extractors.protocol.Column`.
        missing: (n,) True where the array is null; None: it has no nulls.

    Raises:
        ValueError: An integer does not fit into the type.
    """
    converted = np.ascontiguousarray(values, dtype)
    if values.dtype.kind in "iu" and converted.dtype.kind in "iu" and not np.array_equal(converted, values):
        raise ValueError(f"integers from {values.min()} to {values.max()} do not fit into {dtype}")
    buffer = np.packbits(converted, bitorder="little") if dtype == "bool" else converted
    return pa.Array.from_buffers(_ARROW_TYPES[dtype], len(converted), [_validity(missing), pa.py_buffer(buffer)])


def strings(values: Sequence[str | None], missing: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Makes an Arrow array of strings, which is null where a value is None or `missing`."""
    absent = np.array([value is None for value in values], bool)
    if missing is not None:
        absent |= missing
    encoded = [b"" if is_absent else str(value).encode() for value, is_absent in zip(values, absent, strict=True)]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    buffers = [_validity(absent), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def _validity(missing: npt.NDArray[np.bool_] | None) -> pa.Buffer | None:
    if missing is None or not missing.any():
        return None
    return pa.py_buffer(np.packbits(~missing, bitorder="little"))
