"""What a file of labels says about itself: in a gold standard's metadata, or in its columns where those are lost."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.errors import InputError
from avcues.pipeline.store.parquet import metadata_in

FITTED_ON = "fitted_on"
"""Column of a gold standard: whether anything was fitted on the video. It outlives the metadata."""


def stated(table: pa.Table, step: Fraction, where: str) -> dict[str, Any]:
    """What the file's metadata says about its columns and windows; empty if it has none.

    Raises:
        InputError: It is damaged, or the windows are not those of the dataset.
    """
    try:
        about = metadata_in(table.schema, "labels")
    except ValueError as error:
        raise InputError(f"{where}: its metadata are damaged ({error}); make the labels again") from error
    if "window" in table.column_names and Fraction(about.get("step", step)) != step:
        raise InputError(
            f"{where}: has windows of {float(Fraction(about['step'])):g} s; those of the dataset are "
            f"{float(step):g} s long"
        )
    return about


def described(
    about: dict[str, Any], columns: Mapping[str, pa.ChunkedArray], ids: pa.ChunkedArray, where: str
) -> tuple[dict[str, Any], list[str]]:
    """What is known of labels, also of a gold standard whose metadata were lost in pandas or a CSV file; and notes."""
    gold = [name for name in columns if {f"{name}_std", f"{name}_n"} <= columns.keys()]
    if about or not gold:
        return about, []
    described: dict[str, Any] = {"targets": [{"name": name, "std": f"{name}_std", "n": f"{name}_n"} for name in gold]}
    lost = f"{where}: a gold standard without its metadata (lost in pandas or CSV)"
    if FITTED_ON not in columns:
        return described, [
            f"{lost} and without the column {FITTED_ON}: NOTHING GUARDS AGAINST LABELS THAT WERE FITTED ON TEST "
            "VIDEOS; use the file that avcues annotations gold wrote, or keep that column"
        ]
    fitted = _flags(columns[FITTED_ON], f"{where}: {FITTED_ON}")
    if fitted.any():
        names = np.array(ids.to_pylist(), object)[fitted]
        described["fitted_on"] = {"column": sorted(set(names.tolist()))}
    return described, [f"{lost}: its recipe is unknown; the column {FITTED_ON} says which videos decided it"]


def _flags(values: pa.ChunkedArray, where: str) -> np.ndarray:
    """(rows,) truth values, which CSV files may spell 1, True or true."""
    texts = pc.utf8_lower(values.cast(pa.string()))
    is_flag = pc.is_in(texts, pa.array(["true", "false", "1", "0", "1.0", "0.0"]))
    if not pc.all(is_flag).as_py():
        raise InputError(f"{where} holds other values than true and false")
    return np.asarray(pc.is_in(texts, pa.array(["true", "1", "1.0"])).to_numpy())
