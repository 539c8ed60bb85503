"""CSV files that users bring."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pyarrow as pa
import pyarrow.csv

_NOT_UTF8 = "is not UTF-8; save the file as UTF-8"


def read_csv(file: Any, *, text: Collection[str]) -> pa.Table:
    """A CSV file with a header, in UTF-8.

    Args:
        file: Path, or binary file.
        text: Columns that are text, whatever they look like: 007 stays 007. Types of the others are inferred.

    Raises:
        ValueError: It is no CSV file, or not in UTF-8.
    """
    table = pa.csv.read_csv(file, convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(text, pa.string())))
    try:
        types = dict(zip(table.column_names, table.schema.types, strict=True))
    except UnicodeDecodeError as error:
        raise ValueError(f"its first line {_NOT_UTF8}") from error
    for name, type_ in types.items():
        if pa.types.is_binary(type_):
            raise ValueError(f'its column "{name}" {_NOT_UTF8}')
    return table
