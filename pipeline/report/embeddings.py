"""Panels of embeddings: their norm and their change, because single components have no meaning."""

from __future__ import annotations

import re

import numpy as np

from avcues.pipeline.report.series import Panel, Series, axis_bounds, empty_reason, numbers
from avcues.pipeline.report.video import Values, Video

_COMPONENT = re.compile(r"e\d{4,}")


def embedding_tables(video: Video) -> list[str]:
    """Names of the window or shot tables whose numeric columns are all components of a vector."""
    return [name for name in video.plottable if _is_embedding(video.numeric(name))]


def _is_embedding(columns: list[str]) -> bool:
    return bool(columns) and all(_COMPONENT.fullmatch(name) for name in columns)


def embedding(video: Video, table: str) -> Panel:
    """The change of an embedding from window to window, or from shot to shot, and its norm."""
    columns = video.numeric(table)
    vectors = video.values(table, columns)
    row = video.tables[table]["row"]
    vector_meaning = video.column(table, columns[0])["meaning"].removesuffix(", component 0")
    curves = (
        (
            "change",
            change(vectors),
            f"1 - cosine between the vector and that of the preceding {row}: 0 equal direction, 1 unrelated",
        ),
        ("norm", np.linalg.norm(vectors, axis=1), "Euclidean length of the vector"),
    )
    series = [
        _series(table, name, video.over_windows(table, values[:, None])[:, 0], meaning)
        for name, values, meaning in curves
    ]
    return Panel(
        title=table.replace("_", " ").capitalize(),
        kind="lines",
        note=f"{vector_meaning}; {len(columns)} components",
        series=series,
        pick_one=True,
        empty=empty_reason(video, series),
    )


def change(vectors: Values) -> Values:
    """(rows,) 1 - cosine between each of (rows, components) vectors and the preceding one.

    NaN in the first row, and if either vector is missing or has length 0.
    """
    norms = np.linalg.norm(vectors, axis=1)
    changes = np.full(len(vectors), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = (vectors[1:] * vectors[:-1]).sum(axis=1) / (norms[1:] * norms[:-1])
    changes[1:] = np.clip(1 - cosines, 0, 2)
    return changes


def _series(table: str, name: str, values: Values, meaning: str) -> Series:
    low, high = axis_bounds(values, {"low": 0, "high": 1 if name == "change" else None})
    return Series(
        name=name,
        column=f"{table}: {name}",
        unit="",
        meaning=meaning,
        values=numbers(values),
        colour="blue",
        low=low,
        high=high,
    )
