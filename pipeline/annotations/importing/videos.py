"""Matches the videos of ratings to those of a dataset."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa

from avcues.pipeline.annotations.ratings.keys import is_in
from avcues.pipeline.annotations.ratings.schema import RATING_SCHEMA
from avcues.pipeline.annotations.ratings.wording import counted, listed
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import bare_id, normalised


def in_dataset(ratings: pa.Table, known: Collection[str] | None, source: str) -> tuple[pa.Table, list[str]]:
    """The ratings of known videos, and notes that count all others; `known=None` keeps all videos.

    Raises:
        InputError: No video is known.
    """
    if known is None:
        return ratings, []
    ratings, notes = _spelled_as(ratings, known)
    rated_ids = set(ratings["video_id"].unique().to_pylist())
    foreign, unrated = sorted(rated_ids - set(known)), sorted(set(known) - rated_ids)
    if not rated_ids & set(known):
        raise InputError(
            f"{source}: no rated video is in the dataset; rated are {listed(foreign)}, "
            f"the dataset has {listed(unrated)}"
        )
    if unrated:
        notes.append(f"no rating of {counted(len(unrated), 'video')} of the dataset: {listed(unrated)}")
    if foreign:
        in_known = is_in(ratings["video_id"], known)
        notes.append(
            f"left out: {counted(int((~in_known).sum()), 'rating')} of {counted(len(foreign), 'video')} that the "
            f"dataset does not have: {listed(foreign)}"
        )
        ratings = ratings.filter(pa.array(in_known))
    return ratings, notes


def _spelled_as(ratings: pa.Table, known: Collection[str]) -> tuple[pa.Table, list[str]]:
    """Replaces ids of videos by the dataset's spelling, and notes which were changed.

    Accents may be composed or not; folders, the suffix of a media file and leading zeros may be missing or added.
    """
    by_spelling = {normalised(video_id): video_id for video_id in known}
    by_bare_id: dict[str, list[str]] = {}
    for video_id in known:
        by_bare_id.setdefault(bare_id(video_id), []).append(video_id)
    column = ratings["video_id"].combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0)
    matched, changes = [], []
    for name in column.dictionary.to_pylist():
        matching: str | None = name if name in known else by_spelling.get(name)
        candidates = by_bare_id.get(bare_id(name), [])
        if matching is None and len(candidates) == 1:
            matching = candidates[0]
            changes.append(f"{name} as {matching}")
        matched.append(name if matching is None else matching)
    notes = [f"ids were matched but for folders, suffixes or leading zeros: {listed(changes)}"] if changes else []
    distinct = list(dict.fromkeys(matched))
    index = pa.array([distinct.index(name) for name in matched], pa.int32())
    renamed = pa.DictionaryArray.from_arrays(index.take(column.indices), pa.array(distinct, pa.string()))
    column = RATING_SCHEMA.get_field_index("video_id")
    return ratings.set_column(column, RATING_SCHEMA.field("video_id"), renamed), notes
