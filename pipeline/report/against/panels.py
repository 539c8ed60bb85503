"""Panels of the columns that differ: the curves of both folders on one axis, and their difference below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from avcues.pipeline.report.against.difference import ColumnDifference, TableDifference, values_of_both
from avcues.pipeline.report.embeddings import embedding_tables
from avcues.pipeline.report.series import Panel, Series, axis_bounds, numbers, series_of
from avcues.pipeline.report.video import Values, Video

MAX_COLUMNS = 40


def difference_panels(
    first: Video, second: Video, tables: Sequence[TableDifference], names: tuple[str, str]
) -> list[Panel]:
    """Two panels for each table that differs: both curves, and their difference; the most different table comes first.

    Args:
        names: The names of the two folders.
    """
    vectors = set(embedding_tables(first))
    differing = sorted(
        (table for table in tables if table.differing), key=lambda table: table.differing[0].rank, reverse=True
    )
    panels: list[Panel] = []
    for table in differing:
        if table.table in vectors:
            panels.append(_vector_distance(first, second, table.table))
        else:
            panels += _curves(first, second, table, names)
    return panels


def _curves(first: Video, second: Video, table: TableDifference, names: tuple[str, str]) -> list[Panel]:
    columns = table.differing[:MAX_COLUMNS]
    first_table, second_table = values_of_both(first, second, table.table, [column.name for column in columns])
    title = table.table.replace("_", " ").capitalize()
    key = table.table
    curves, differences = [], []
    for i, column in enumerate(columns):
        first_values, second_values = first_table[:, i], second_table[:, i]
        documentation = first.column(table.table, column.name)
        low, high = axis_bounds(np.concatenate([first_values, second_values]), documentation)
        series = replace(series_of(first, table.table, column.name, first_values, colour="blue"), low=low, high=high)
        second_series = replace(series, name=names[1], values=numbers(second_values), colour="orange")
        curves.append(replace(series, other=second_series))
        differences.append(_difference(series, second_values - first_values, column))
    note = f"{len(table.differing)} of {len(table.equal) + len(table.differing) + len(table.texts)} columns differ"
    if len(columns) < len(table.differing):
        note += f"; the {len(columns)} that differ most"
    return [
        Panel(title=title, kind="lines", note=note, series=curves, pick_one=True, key=key),
        Panel(
            title=f"{title}, difference",
            kind="lines",
            note=f"{names[1]} − {names[0]}",
            series=differences,
            pick_one=True,
            follows=True,
            key=key,
        ),
    ]


def _difference(series: Series, values: Values, column: ColumnDifference) -> Series:
    end = 1.08 * column.largest or 1.0
    return replace(
        series, values=numbers(values), colour="slate", low=-end, high=end, column=f"{series.column}: difference"
    )


def _vector_distance(first: Video, second: Video, table: str) -> Panel:
    """The cosine distance of two embeddings, because their single components have no meaning."""
    columns = [name for name in first.numeric(table) if name in set(second.numeric(table))]
    first_vectors, second_vectors = values_of_both(first, second, table, columns)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = (first_vectors * second_vectors).sum(axis=1) / (
            np.linalg.norm(first_vectors, axis=1) * np.linalg.norm(second_vectors, axis=1)
        )
    distances = np.clip(1 - cosine, 0, 2)
    low, high = axis_bounds(distances, {"low": 0, "high": None})
    series = Series(
        name="1 - cosine",
        column=f"{table}: 1 - cosine",
        unit="",
        meaning="between the vectors of the two folders",
        values=numbers(distances),
        colour="slate",
        low=low,
        high=high,
    )
    title = f"{table.replace('_', ' ').capitalize()}, difference"
    return Panel(
        title=title, kind="lines", note=f"between the vectors; {len(columns)} components", series=[series], key=table
    )
