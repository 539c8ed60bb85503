"""Profiles of raters: a table with one row per rater who rated anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from avcues.pipeline.annotations.ratings.wording import counted, listed
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import drop_row_counters
from avcues.pipeline.store.user_tables import missing_column, read_user_table


def profiles_of(ratings: pa.Table, source: Any, name: str = "raters") -> tuple[pa.Table, list[str]]:
    """One row per rater who rated anything, and a note that names those without a row in `source`.

    Args:
        source: A path or table with a column `rater`; None: nothing is known of the raters.
        name: Name of a table in memory, for messages.

    Raises:
        InputError: The table of raters cannot be read, has no column `rater`, or names a rater twice.
    """
    raters = sorted(ratings["rater"].unique().to_pylist())
    if source is None:
        return pa.table({"rater": pa.array(raters, pa.string())}), []
    if isinstance(source, str | Path):
        source_name = str(source)
        table = read_user_table(source, types={"rater": pa.string()}, required=["rater"])
    else:
        source_name, table = name, pa.table(source)
    if "rater" not in table.column_names:
        raise missing_column(source_name, ["rater"], table.column_names)
    table, notes = drop_row_counters(table, ["rater"], Path(source_name).name)
    row_of: dict[str, int] = {}
    for row, rater in enumerate(table["rater"].cast(pa.string()).to_pylist()):
        if row_of.setdefault(rater, row) != row:
            raise InputError(f"{source_name}: row {row + 1}: rater {rater} appears twice")
    without_row = [rater for rater in raters if rater not in row_of]
    if without_row:
        notes.append(
            f"no row in {Path(source_name).name} for {counted(len(without_row), 'rater')}: {listed(without_row)}"
        )
    rows = pa.array([row_of.get(rater) for rater in raters], pa.int64())
    profile_columns = {column: table[column].take(rows) for column in table.column_names if column != "rater"}
    return pa.table({"rater": pa.array(raters, pa.string())} | profile_columns), notes
