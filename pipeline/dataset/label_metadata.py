"""The metadata of label files: those of a gold standard or, if they were lost, what its columns reveal."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.errors import InputError
from avcues.pipeline.store.parquet import optional_metadata

FITTED_ON = "fitted_on"
"""Column of a gold standard: whether anything was fitted on the video. It survives when metadata are lost."""


def checked_label_metadata(table: pa.Table, step: Fraction, file_name: str) -> dict[str, Any]:
    """The avcues metadata of a label table, checked against the dataset's windows; empty if it has none.

    Raises:
        InputError: The metadata are damaged, or the windows have another length than those of the dataset.
    """
    try:
        metadata = optional_metadata(table.schema, "labels")
    except ValueError as error:
        raise InputError(f"{file_name}: its metadata are damaged ({error}); make the labels again") from error
    if "window" in table.column_names and Fraction(metadata.get("step", step)) != step:
        raise InputError(
            f"{file_name}: has windows of {float(Fraction(metadata['step'])):g} s, but those of the dataset are "
            f"{float(step):g} s long"
        )
    return metadata


def complete_label_metadata(
    metadata: dict[str, Any], columns: Mapping[str, pa.ChunkedArray], ids: pa.ChunkedArray, file_name: str
) -> tuple[dict[str, Any], list[str]]:
    """Returns the metadata and notes for the user.

    If pandas or a CSV file lost the metadata, recovers what the columns reveal.
    """
    if metadata:
        return metadata, []
    gold = [name for name in columns if {f"{name}_std", f"{name}_n"} <= columns.keys()]
    recovered: dict[str, Any] = {}
    if gold:
        recovered["targets"] = [{"name": name, "std": f"{name}_std", "n": f"{name}_n"} for name in gold]
    problem = f"{file_name}: {'a gold standard' if gold else 'a file'} without its metadata (lost in pandas or CSV)"
    if FITTED_ON in columns:
        fitted = _flags(columns[FITTED_ON], f"{file_name}: {FITTED_ON}")
        names = np.array(ids.to_pylist(), object)[fitted]
        recovered[FITTED_ON] = {"column": sorted(set(names.tolist()))} if fitted.any() else {}
        return recovered, [
            f"{problem}: its recipe is unknown; the column {FITTED_ON} names the videos used for fitting"
        ]
    if not gold:
        return recovered, []
    return recovered, [
        f"{problem} and without the column {FITTED_ON}: NOTHING GUARDS AGAINST LABELS THAT WERE FITTED ON TEST "
        "VIDEOS; use the file that avcues annotations gold wrote, or keep that column"
    ]


def _flags(values: pa.ChunkedArray, place: str) -> np.ndarray:
    """(rows,) truth values, which CSV files may write as 1, True or true."""
    texts = pc.utf8_lower(values.cast(pa.string()))
    is_flag = pc.is_in(texts, pa.array(["true", "false", "1", "0", "1.0", "0.0"]))
    if not pc.all(is_flag).as_py():
        raise InputError(f"{place} holds other values than true and false")
    return np.asarray(pc.is_in(texts, pa.array(["true", "1", "1.0"])).to_numpy())
