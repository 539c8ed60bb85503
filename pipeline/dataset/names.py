"""Column names that every library takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Literal

import pyarrow as pa

from avcues.pipeline.store.parquet import METADATA_KEY

Names = Literal["original", "safe"]
"""`<table>.<column>` as in the tables, or letters, digits and underscores only."""


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """A name of letters, digits and underscores for each name; no two are alike.

    The dot between table and column becomes two underscores, every other character one: `emobase.mfcc_sma[1]_amean`
    becomes `emobase__mfcc_sma_1__amean`. Where two names would become one, the later gets a number.

    Args:
        names: As `Dataset.schema` has them.
    """
    safe: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name.replace(".", "__", 1))
        unique, number = plain, 2
        while unique in taken:
            unique, number = f"{plain}_{number}", number + 1
        taken.add(unique)
        safe[name] = unique
    return safe


def with_names(schema: pa.Schema, names: Names) -> pa.Schema:
    """A dataset's schema with the given kind of names; its documentation then gives each `original`.

    Args:
        schema: That of a dataset, whose metadata key `avcues` documents columns and targets.
    """
    if names == "original":
        return schema
    safe = safe_names(schema.names)
    about = json.loads(schema.metadata[METADATA_KEY])
    for kind in ("columns", "targets"):
        about[kind] = [column | {"name": safe[column["name"]], "original": column["name"]} for column in about[kind]]
    fields = [field.with_name(safe[field.name]) for field in schema]
    return pa.schema(fields, metadata=schema.metadata | {METADATA_KEY: json.dumps(about)})
