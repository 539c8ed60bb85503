"""Groups the rows of a tidy table by their key columns, without a loop over rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Codes = npt.NDArray[np.int64]


def codes(column: pa.ChunkedArray | pa.Array, names: Sequence[str]) -> Codes:
    """The index in `names` of each row's value; -1 where it is null or not among them."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    index_of = {name: i for i, name in enumerate(names)}
    indices_of_names = np.empty(len(column), np.int64)
    begin = 0
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        index_of_word = np.array([index_of.get(word, -1) for word in chunk.dictionary.to_pylist()] + [-1], np.int64)
        words = chunk.indices.fill_null(len(index_of_word) - 1) if chunk.null_count else chunk.indices
        np.take(index_of_word, words.to_numpy(), out=indices_of_names[begin : begin + len(chunk)], mode="clip")
        begin += len(chunk)
    return indices_of_names


def combined(parts: Iterable[tuple[Codes, int]]) -> Codes:
    """One integer per row, which sorts rows by the first part, then by the second, and so on.

    Args:
        parts: The codes of each part, -1 or more, and its number of names.
    """
    key = np.zeros(1, np.int64)
    for code, count in parts:
        key = key * (count + 1)
        key = np.add(key, code, out=key if len(key) == len(code) else None)
        key += 1
    return key


def separated(key: Codes, sizes: Sequence[int]) -> list[Codes]:
    """The inverse of `combined`: the codes of each part, given the parts' numbers of names."""
    parts = []
    for count in reversed(sizes):
        key, code = np.divmod(key, count + 1)
        parts.append(code - 1)
    return parts[::-1]


def runs(key: Codes) -> tuple[Codes, Codes, npt.NDArray[np.intp]]:
    """Sorted distinct keys; the index of the key of each run of equal keys; and where each run begins."""
    begins = starts(key)
    distinct, run_key = np.unique(key[begins], return_inverse=True)
    return distinct, run_key, begins


def words(codes: Codes, names: Sequence[str]) -> pa.Array:
    """The names behind codes; null for -1."""
    return pa.array(names, pa.string()).take(pa.array(codes, mask=codes < 0))


def starts(sorted_keys: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """Where each run of equal keys begins."""
    if not len(sorted_keys):
        return np.zeros(0, np.intp)
    return np.flatnonzero(np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]]))


def is_in(column: pa.ChunkedArray | pa.Array, words: Collection[str]) -> npt.NDArray[np.bool_]:
    """Whether each row's value is one of `words`."""
    return codes(column, list(words)) >= 0
