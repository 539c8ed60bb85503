"""Adds the ratings of one import to those of another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.rules import validated
from avcues.pipeline.annotations.importing.sources import Source, Sources
from avcues.pipeline.annotations.ratings.schema import Annotations, Dimension
from avcues.pipeline.errors import InputError


def added(first: Annotations, second: Annotations) -> Annotations:
    """The ratings of both.

    Dimensions of one name must have one scale; raters of one name are one rater.

    Raises:
        InputError: A dimension has two scales, or a rating appears in both.
    """
    dimensions = dict(first.dimensions)
    for name, dimension in second.dimensions.items():
        dimensions[name] = _joined_dimension(dimensions[name], dimension) if name in dimensions else dimension
    ratings = pa.concat_tables([first.ratings, second.ratings]).unify_dictionaries().combine_chunks()
    parts = [
        Source(name="the ratings that exist", ratings=len(first.ratings)),
        Source(name="the ratings to be added", ratings=len(second.ratings)),
    ]
    ratings, _, _ = validated(ratings, dimensions, Sources(name="both", parts=parts), np.zeros(len(ratings), np.int64))
    repeats = pa.concat_tables([first.repeats, second.repeats]).unify_dictionaries().combine_chunks()
    raters = pa.concat_tables(
        [_with_text_names(first.raters), _with_text_names(second.raters)], promote_options="permissive"
    )
    return replace(
        first,
        ratings=ratings,
        raters=_merged_rows(raters),
        exposures=pa.concat_tables([first.exposures, second.exposures]),
        dimensions=dimensions,
        repeats=repeats,
        origin=_origin(first, second),
    )


def _joined_dimension(first: Dimension, second: Dimension) -> Dimension:
    labels = tuple(sorted({*first.labels, *second.labels}))
    if replace(first, labels=labels) != replace(second, labels=labels):
        raise InputError(
            f"{first.name} has one scale in the ratings that exist ({_scale(first)}) and another in those to be added "
            f"({_scale(second)}); import both with the same range and level"
        )
    return replace(first, labels=first.labels if set(second.labels) <= set(first.labels) else labels)


def _scale(dimension: Dimension) -> str:
    ends = "no range" if dimension.low is None else f"{dimension.low:g} to {dimension.high:g}"
    return f"{dimension.level}, {ends}{', a value holds' if dimension.hold else ''}"


def _with_text_names(raters: pa.Table) -> pa.Table:
    return raters.set_column(raters.column_names.index("rater"), "rater", raters["rater"].cast(pa.string()))


def _merged_rows(raters: pa.Table) -> pa.Table:
    """One row per rater: the first known value of each column."""
    profile_columns = [name for name in raters.column_names if name != "rater"]
    grouped = raters.group_by("rater", use_threads=False)
    options = [(name, "first") for name in profile_columns]
    joined = (
        grouped.aggregate(options).rename_columns(["rater", *profile_columns])
        if profile_columns
        else grouped.aggregate([])
    )
    return joined.sort_by("rater")


def _origin(first: Annotations, second: Annotations) -> dict[str, object]:
    imports = [*first.origin.get("imports", [_without_notes(first)]), _without_notes(second)]
    ends = {**first.origin.get("ends_s", {}), **second.origin.get("ends_s", {})}
    notes = [*first.notes, *second.notes]
    return {"importer": "several", "imports": imports, **({"ends_s": ends} if ends else {}), "notes": notes}


def _without_notes(annotations: Annotations) -> dict[str, object]:
    return {key: value for key, value in annotations.origin.items() if key not in ("notes", "ends_s")}
