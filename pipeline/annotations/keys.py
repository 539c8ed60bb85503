"""Rows of a tidy table, grouped by the words of their key columns, without a loop over rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Codes = npt.NDArray[np.int64]


def codes(column: pa.ChunkedArray | pa.Array, names: Sequence[str]) -> Codes:
    """For each row the place of its word in `names`, -1 where it is null or none of them."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = column.unify_dictionaries().chunk(0) if column.num_chunks else pa.array([], column.type)
    place = {name: i for i, name in enumerate(names)}
    places = np.array([place.get(word, -1) for word in column.dictionary.to_pylist()] + [-1], np.int64)
    indices = column.indices.fill_null(len(places) - 1)
    return places[indices.to_numpy(zero_copy_only=False)]


def combined(parts: Sequence[tuple[Codes, int]]) -> Codes:
    """One number per row that orders rows by all parts in turn.

    Args:
        parts: Codes from -1 on, and the number of names of each.
    """
    key = np.zeros(len(parts[0][0]), np.int64)
    for code, count in parts:
        key *= count + 1
        key += code + 1
    return key


def words(codes: Codes, names: Sequence[str]) -> pa.Array:
    """The words of codes, null for -1."""
    return pa.array(names, pa.string()).take(pa.array(codes, mask=codes < 0))


def starts(sorted_keys: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """Where each run of equal keys begins."""
    if not len(sorted_keys):
        return np.zeros(0, np.intp)
    return np.flatnonzero(np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]]))


def among(column: pa.ChunkedArray | pa.Array, words: Collection[str]) -> npt.NDArray[np.bool_]:
    """For each row whether its word is one of the given."""
    return codes(column, list(words)) >= 0
