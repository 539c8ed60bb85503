"""Turns what a format reads into the annotations of a study.

Every import ends here: setups are compared with those allowed, dimensions get their scales, impossible ratings are
refused, what cannot be used is left out and counted, videos that the dataset does not have are dropped from ratings and
exposures alike, and the raters get their profiles.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from avcues.pipeline.annotations.importing.exposures import exposures_of
from avcues.pipeline.annotations.importing.notes import notes_on
from avcues.pipeline.annotations.importing.profiles import profiles_of
from avcues.pipeline.annotations.importing.reading import Part, Reading, Scales
from avcues.pipeline.annotations.importing.repeats import numbered, repeat_column
from avcues.pipeline.annotations.importing.rules import require_names, require_setups, series_keys, validated
from avcues.pipeline.annotations.importing.sources import Source, Sources
from avcues.pipeline.annotations.importing.tidy_columns import joined_column, tidy_columns
from avcues.pipeline.annotations.importing.videos import in_dataset
from avcues.pipeline.annotations.ratings.keys import codes, combined, is_in
from avcues.pipeline.annotations.ratings.schema import REPEAT_SCHEMA, Annotations, Dimension
from avcues.pipeline.errors import InputError, SettingsError


def assemble(
    reading: Reading,
    scales: Scales = Scales(),
    *,
    setups: Collection[str] | None = None,
    known: Collection[str] | None = None,
    raters: Any = None,
    repeated: bool = False,
) -> Annotations:
    """Checks what a format read, and makes the annotations of a study.

    Args:
        reading: What the format read.
        scales: Scales of the dimensions that the format does not state.
        setups: The setups that are allowed; None: any.
        known: Ids of the videos that may be rated, or their lengths in seconds by id, so that the last value of a log
            holds until the end; ratings of other videos are left out and counted. None: any.
        raters: Profiles of the raters, a path or table with a column `rater`; None: those that the format reads.
        repeated: Whether a rating that appears again is a repeated one rather than an error.

    Raises:
        InputError: A key is missing, a rating is impossible or appears twice, or no video is known.
        SettingsError: A range is empty, or a scale is given for a dimension that is not rated.
    """
    ratings = pa.concat_tables([tidy_columns(part) for part in reading.parts]).unify_dictionaries().combine_chunks()
    sources = Sources(
        name=reading.name,
        parts=[Source(name=part.name, ratings=len(part.table), rows=part.rows) for part in reading.parts],
    )
    require_setups(ratings, setups, sources)
    require_names(ratings, sources)
    dimensions = _dimensions(ratings, reading.dimensions, scales)
    repeat = _repeat_numbers(ratings, reading.parts, sources, repeated)
    exposures = (
        reading.exposures if reading.exposures is not None else exposures_of(ratings, reading.parts, repeat == 0)
    )
    ratings, rule_notes, is_used = validated(ratings, dimensions, sources, repeat)
    ratings = ratings.append_column(REPEAT_SCHEMA.field("repeat"), pa.array(repeat[is_used].astype(np.int32)))
    ratings, video_notes = in_dataset(ratings, known, reading.name)
    is_first = ratings["repeat"].to_numpy() == 0
    ratings, repeats = ratings.filter(pa.array(is_first)).drop_columns(["repeat"]), ratings.filter(pa.array(~is_first))
    if not len(ratings):
        raise InputError(f"{reading.name}: has no ratings")
    videos = set(ratings["video_id"].unique().to_pylist())
    lengths = {name: float(known[name]) for name in sorted(videos)} if isinstance(known, Mapping) else {}
    profiles, profile_notes = profiles_of(ratings, reading.raters if raters is None else raters, reading.raters_name)
    return Annotations(
        ratings=ratings,
        raters=profiles,
        exposures=exposures if known is None else exposures.filter(pa.array(is_in(exposures["video_id"], videos))),
        dimensions=dimensions,
        repeats=repeats.select(REPEAT_SCHEMA.names),
        origin={
            **reading.origin,
            **({"ends_s": lengths} if lengths and any(dimension.hold for dimension in dimensions.values()) else {}),
            "notes": [
                *reading.notes,
                *(note for part in reading.parts for note in part.notes),
                *rule_notes,
                *video_notes,
                *profile_notes,
                *notes_on(ratings, repeats, dimensions, lengths),
            ],
        },
    )


def _repeat_numbers(
    ratings: pa.Table, parts: Sequence[Part], sources: Sources, repeated: bool
) -> npt.NDArray[np.int64]:
    """(N,) number of earlier ratings of the clip by the rater, from a column `repeat` or from the order of ratings."""
    stated_repeats = joined_column(parts, "repeat", pa.float64())
    if stated_repeats is not None:
        numbers = stated_repeats.to_numpy()
        repeat = repeat_column(numbers)
        if repeat is None:
            wrong = ~(np.isnan(numbers) | ((numbers >= 0) & (numbers % 1 == 0)))
            raise InputError(f"{sources.first(wrong)}: repeat is {numbers[wrong][0]:g}; expected 0, 1, 2, ...")
        return repeat
    if not repeated:
        return np.zeros(len(ratings), np.int64)
    part_index = np.repeat(np.arange(len(parts)), [len(part.table) for part in parts])
    labels = [word for word in ratings["label"].unique().to_pylist() if word is not None]
    series = combined([(series_keys(ratings), 0), (codes(ratings["label"], labels), len(labels))])
    repeat = numbered(series, ratings["time"].to_numpy(), part_index)
    repeated_labels = (repeat > 0) & ratings["label"].is_valid().to_numpy()
    if repeated_labels.any():
        raise InputError(
            f"{sources.first(repeated_labels)}: a label may be a second choice or a choice made again; tell them "
            "apart by a column `repeat` (0, 1, ...)"
        )
    return repeat


def _dimensions(ratings: pa.Table, stated: Mapping[str, Dimension], scales: Scales) -> dict[str, Dimension]:
    """The dimensions that the format states, and all others of the ratings with their scales."""
    names = [name for name in ratings["dimension"].unique().to_pylist() if name is not None]
    for name in (*scales.ranges, *scales.levels, *(() if isinstance(scales.hold, bool) else scales.hold)):
        if name not in names:
            raise SettingsError(f'no dimension "{name}" in these ratings, only {", ".join(names)}')
    dimensions = dict(stated)
    for name in names:
        if name in dimensions:
            continue
        rows = ratings.filter(pa.array(is_in(ratings["dimension"], [name])))
        labels = tuple(sorted(label for label in rows["label"].unique().to_pylist() if label is not None))
        level = scales.levels.get(name, "nominal" if labels else scales.level)
        low, high = (None, None) if level == "nominal" else scales.ranges.get(name, scales.range_ or (None, None))
        dimensions[name] = Dimension(
            name=name,
            level=level,
            low=low,
            high=high,
            labels=labels if level == "nominal" else (),
            hold=level != "nominal" and scales.is_log(name) and bool(rows["time"].is_valid().to_numpy().any()),
        )
    return dimensions
