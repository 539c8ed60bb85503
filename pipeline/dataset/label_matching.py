"""Matches labels with the videos and windows of a dataset, and says which labels match none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import bare_id, normalised

_MAX_LISTED = 5


def ids_of_dataset(
    ids: pa.ChunkedArray, windows: Mapping[str, int], source_name: str
) -> tuple[pa.ChunkedArray, list[str]]:
    """Ids in the spelling of the dataset, despite other blanks and encodings of accents; and a note on changes."""
    dataset_ids = {normalised(video_id): video_id for video_id in windows}
    distinct = ids.unique().to_pylist()
    respelled = {
        name: dataset_ids[normalised(name)]
        for name in distinct
        if name not in windows and normalised(name) in dataset_ids
    }
    if not respelled:
        return ids, []
    note = (
        f"{source_name}: {len(respelled)} ids are matched although blanks or the encoding of accents differ: "
        f"{_first_names(sorted(respelled.values()))}"
    )
    dataset_spelling = [respelled.get(name, name) for name in ids.to_pylist()]
    return pa.chunked_array([pa.array(dataset_spelling, pa.string())]), [note]


def time_unit_hint(times: pa.ChunkedArray, windows: Mapping[str, int], step: Fraction) -> str:
    """A hint at the unit of times that all lie outside their videos."""
    longest, last = float(max(windows.values()) * step), float(pc.max(times).as_py())
    for factor, unit in ((1e-3, "milliseconds"), (1e-6, "microseconds"), (1e-9, "nanoseconds")):
        if 0 < last * factor <= longest + float(step):
            return f"; the times look like {unit}: convert them to seconds"
    return ""


def labels_within_videos(
    labels: pa.Table, windows: Mapping[str, int], step: Fraction, source_name: str
) -> tuple[pa.Table, list[str]]:
    """The labels that lie in a window of a known video, and warnings about other labels and unlabelled videos."""
    warnings = []
    labelled_ids = set(labels["video_id"].unique().to_pylist())
    foreign, unlabelled = sorted(labelled_ids - windows.keys()), sorted(windows.keys() - labelled_ids)
    if windows and not labelled_ids & windows.keys():
        raise InputError(
            f"{source_name}: labels none of the dataset's videos: it names {_first_names(foreign)}, "
            f"the dataset {_first_names(unlabelled)}{_spelling_hint(foreign, unlabelled)}"
        )
    if foreign:
        warnings.append(
            f"{source_name}: labels of {len(foreign)} videos that are not in the dataset are ignored: "
            f"{_first_names(foreign)}{_spelling_hint(foreign, unlabelled)}"
        )
    if unlabelled:
        warnings.append(f"{source_name}: {len(unlabelled)} videos have no label: {_first_names(unlabelled)}")
    labels = labels.filter(pc.is_in(labels["video_id"], pa.array(list(windows), pa.string())))
    if "window" not in labels.column_names:
        return labels, warnings
    lengths = pc.index_in(labels["video_id"], pa.array(list(windows), pa.string()))
    lengths = pa.array(list(windows.values()), pa.int64()).take(lengths.combine_chunks())
    inside = pc.and_(pc.greater_equal(labels["window"], 0), pc.less(labels["window"], lengths))
    outside = labels.filter(pc.invert(inside))
    if outside.num_rows:
        ids = sorted(outside["video_id"].unique().to_pylist())
        with_ends = [f"{video_id} (0 to {float(windows[video_id] * step):g} s)" for video_id in ids]
        warnings.append(
            f"{source_name}: {outside.num_rows} labels lie before the start or beyond the end of "
            f"{_first_names(with_ends)}; they are ignored"
        )
    return labels.filter(inside), warnings


def _spelling_hint(foreign: Sequence[str], unlabelled: Sequence[str]) -> str:
    """A hint if ids of labels differ from those of the dataset only in folders, suffixes or leading zeros."""
    by_bare = {bare_id(video_id): video_id for video_id in unlabelled}
    pairs = [f"{name} for {by_bare[bare_id(name)]}" for name in foreign if bare_id(name) in by_bare]
    return f"; write ids as the dataset does (the file has {_first_names(pairs)})" if pairs else ""


def _first_names(names: list[str]) -> str:
    return ", ".join(names[:_MAX_LISTED]) + (
        f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    )
