"""Converts the cells of a table to words, times in seconds, and values on the scale of the ratings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.importing.key_sources import WORDS
from avcues.pipeline.annotations.importing.reading import Range
from avcues.pipeline.annotations.importing.times import TimeUnit, seconds_of
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import numbers_or_texts, video_name

TIMES = ("time", "start", "end")
"""The keys that are times."""


def typed(
    columns: Mapping[str, pa.ChunkedArray], unit: TimeUnit, scale: Range | None, range_: Range | None, file: str
) -> dict[str, Any]:
    """Converts columns by key to words, times in seconds, and values on the scale of the ratings.

    Args:
        columns: Columns by key.
        unit: Unit of times that are numbers.
        scale: The values that become the lowest and the highest of `range_`; None: values are not scaled.
        range_: The scale of the ratings.
        file: The file, for messages.

    Raises:
        InputError: A cell is neither number nor time.
    """
    by_key: dict[str, Any] = {}
    for key, column in columns.items():
        if key in WORDS or key == "label":
            words = pc.utf8_trim_whitespace(column.cast(pa.string()))
            by_key[key] = _video_names(words) if key == "video_id" else words
        elif key in TIMES:
            by_key[key] = seconds_of(column, unit, file, key)
        elif key == "repeat":
            by_key[key] = _repeats(column, f"{file}: repeat")
        else:
            is_text = pa.types.is_string(column.type) or pa.types.is_dictionary(column.type)
            text = pc.utf8_trim_whitespace(column.cast(pa.string())) if is_text else column
            numbers = numbers_or_texts(text, f"{file}: value") if is_text else text
            if pa.types.is_string(numbers.type) and pc.any(numbers.is_valid()).as_py():
                by_key["label"] = numbers
            else:
                by_key[key] = _scaled(np.array(numbers.cast(pa.float64()).to_numpy()), scale, range_)
    return by_key


def _video_names(words: pa.ChunkedArray) -> pa.ChunkedArray:
    """Ids of videos without folders and the suffix of a media file."""
    encoded = words.dictionary_encode().unify_dictionaries().combine_chunks()
    encoded = encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded
    names = pa.array([video_name(name) for name in encoded.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([names.take(encoded.indices)])


def _repeats(column: pa.ChunkedArray, name: str) -> np.ndarray:
    try:
        return np.array(column.cast(pa.float64()).to_numpy())
    except pa.ArrowException as error:
        raise InputError(f"{name}: expected 0, 1, 2, ... ({error})") from error


def _scaled(values: np.ndarray, scale: Range | None, range_: Range | None) -> np.ndarray:
    if scale is None or range_ is None:
        return values
    (low, high), (target_low, target_high) = scale, range_
    return target_low + (values - low) * ((target_high - target_low) / (high - low))
