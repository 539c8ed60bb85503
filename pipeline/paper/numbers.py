"""Tidy tables of numbers, from rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa


def columns_of(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """A table of rows with a value per name; None is null.

    >>> columns_of(("setup", "n"), [("music", 3), ("visual", None)]).to_pydict()
    {'setup': ['music', 'visual'], 'n': [3, None]}
    """
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})
