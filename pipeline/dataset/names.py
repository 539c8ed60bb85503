"""Column names that every library accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Literal

import pyarrow as pa

from avcues.pipeline.store.parquet import METADATA_KEY

NameStyle = Literal["original", "safe"]
"""`<table>.<column>`, or only letters, digits and underscores."""


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """For each name, a distinct name of letters, digits and underscores.

    The dot between table and column becomes two underscores, every other character one underscore:
    `emobase.mfcc_sma[1]_amean` becomes `emobase__mfcc_sma_1__amean`. If two names would become equal, the later one
    gets a number.

    Args:
        names: Column names as in `Dataset.schema`.
    """
    safe: dict[str, str] = {}
    used_names: set[str] = set()
    for name in names:
        candidate = re.sub(r"[^A-Za-z0-9_]", "_", name.replace(".", "__", 1))
        unique, number = candidate, 2
        while unique in used_names:
            unique, number = f"{candidate}_{number}", number + 1
        used_names.add(unique)
        safe[name] = unique
    return safe


def with_names(schema: pa.Schema, names: NameStyle) -> pa.Schema:
    """A dataset's schema with the given style of names; in the style "safe", its metadata keep the original names.

    Args:
        schema: The schema of a dataset, whose metadata key `avcues` documents columns and targets.
    """
    if names == "original":
        return schema
    safe = safe_names(schema.names)
    metadata = json.loads(schema.metadata[METADATA_KEY])
    for kind in ("columns", "targets"):
        metadata[kind] = [
            column | {"name": safe[column["name"]], "original": column["name"]} for column in metadata[kind]
        ]
    fields = [field.with_name(safe[field.name]) for field in schema]
    return pa.schema(fields, metadata=schema.metadata | {METADATA_KEY: json.dumps(metadata)})
