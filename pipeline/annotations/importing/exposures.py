"""Which rater saw which clip, in which order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.annotations.importing.reading import Part
from avcues.pipeline.annotations.importing.tidy_columns import joined_column
from avcues.pipeline.annotations.ratings.keys import codes, combined, starts
from avcues.pipeline.annotations.ratings.schema import EXPOSURE_SCHEMA

EXPOSURE_TYPES = {"order": pa.int32(), "seen": pa.bool_(), "overlay": pa.string()}

_KEYS = ("rater", "video_id", "setup", "round")


def exposures_of(ratings: pa.Table, parts: Sequence[Part], used: npt.NDArray[np.bool_]) -> pa.Table:
    """One row per rater and clip of the used ratings; unless an order is stated, in the order of first ratings."""
    used_rows, ratings = np.flatnonzero(used), ratings.filter(pa.array(used))
    names = {name: [word for word in ratings[name].unique().to_pylist() if word is not None] for name in _KEYS}
    clip = combined((codes(ratings[name], names[name]), len(names[name])) for name in _KEYS)
    begins = starts(clip)
    _, first_run = np.unique(clip[begins], return_index=True)
    first_rating = np.sort(begins[first_run])
    columns = {name: ratings[name].take(first_rating).cast(pa.string()) for name in _KEYS}
    for name, kind in EXPOSURE_TYPES.items():
        stated_column = joined_column(parts, name, kind)
        if stated_column is not None:
            columns[name] = stated_column.take(used_rows[first_rating])
        elif name == "order":
            columns[name] = pa.array(order_within_rater(codes(ratings["rater"].take(first_rating), names["rater"])))
        else:
            columns[name] = pa.nulls(len(first_rating), kind)
    return pa.table(columns, schema=EXPOSURE_SCHEMA)


def order_within_rater(rater: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """(N,) the position of each row among the rows of its rater, from 0; `rater` is (N,) codes."""
    by_rater = np.argsort(rater, kind="stable")
    order = np.empty(len(rater), np.int32)
    order[by_rater] = np.arange(len(rater)) - np.searchsorted(rater[by_rater], rater[by_rater])
    return order
