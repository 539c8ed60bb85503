"""Tables of embeddings: what a network computes before its classifier."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from avcues.extractors.protocol import Column, Columns, RowKind, Table


def embedding_table(name: str, row: RowKind, width: int, meaning: str) -> Table:
    """A table of `width` float32 columns `e0000`, `e0001`, ...

    Args:
        name: Name of the table.
        row: Kind of row.
        width: Number of columns.
        meaning: Short description of the vector.
    """
    columns = (Column(name=_column_name(i), unit="1", meaning=f"{meaning}, component {i}") for i in range(width))
    return Table(name=name, row=row, columns=tuple(columns))


def embedding_columns(vectors: npt.NDArray[Any]) -> Columns:
    """The columns of (rows, width) vectors."""
    return {_column_name(i): vectors[:, i] for i in range(vectors.shape[1])}


def _column_name(i: int) -> str:
    return f"e{i:04d}"
