"""Opens a finished folder: finds the videos that can be joined, and why others are left out."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from avcues.pipeline.dataset import join
from avcues.pipeline.dataset.catalog import Catalog, read_catalog
from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.dataset.labels import Fill, read_labels
from avcues.pipeline.dataset.selection import choose_columns, joinable_columns
from avcues.pipeline.errors import DatasetError, LeftOutWarning
from avcues.pipeline.store.location import location
from avcues.pipeline.store.timeline_table import TIMELINE

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

Incomplete = Literal["leave_out", "nulls"]

_MAX_LISTED = 3


def open_dataset(
    folder: str | Location,
    *,
    tables: Collection[str] | None = None,
    columns: Collection[str] | None = None,
    labels: Any = None,
    label_fill: Fill = "none",
    incomplete: Incomplete = "leave_out",
    verify: bool = False,
) -> Dataset:
    """Opens a folder that `avcues extract` made; a `LeftOutWarning` names the videos that are left out, and why.

    Args:
        folder: A path, or a URL such as "s3://bucket/features".
        tables: Names of window and shot tables; None: all. Rows of shot tables are repeated for each window of the
            shot. Item tables (`faces`, `detections`) have any number of rows per window and cannot be joined.
        columns: Patterns of `<table>.<column>`, with * for any text and ? for any character; None: all columns.
        labels: Path of a CSV or Parquet file, or a table in memory, with the column `video_id`, then `time` (seconds)
            or `window`, or neither if labels are static, and any number of targets. Labels in one window are averaged.
        label_fill: How windows without a label are filled: "none", "hold" or "linear".
        incomplete: What happens to a video that lacks a table: it is left out ("leave_out") or filled with nulls
            ("nulls").
        verify: Also leave out videos with damaged or foreign files, which otherwise raise an error when they are read.
            This opens every file and takes at least 15 ms per video.

    Raises:
        AvcuesError: The folder is not a dataset, a name is unknown, a pattern matches nothing, labels cannot be used,
            or no video is complete.
    """
    catalog = read_catalog(location(folder) if isinstance(folder, str) else folder)
    stored_columns = choose_columns(joinable_columns(catalog), catalog, tables, columns)
    tables_read = list(dict.fromkeys(column.table for column in stored_columns))
    if tables is None and columns is None:
        tables_read += catalog.absent
    lengths, left_out = {}, {}
    for video_id in catalog.videos:
        try:
            lengths[video_id] = _length(catalog, video_id, tables_read, incomplete, verify=verify)
        except DatasetError as error:
            left_out[video_id] = str(error)
    if not lengths:
        example = min(left_out)
        raise DatasetError(f"{folder}: no video is complete; {example}: {left_out[example]}")
    if left_out:
        warnings.warn(_left_out_text(f"{folder}", left_out, len(catalog.videos)), LeftOutWarning, stacklevel=2)
    return Dataset(
        catalog=catalog,
        lengths=lengths,
        stored_columns=stored_columns,
        labels=None if labels is None else read_labels(labels, catalog.step, lengths, label_fill),
        left_out=left_out,
        nulls_for_missing=incomplete == "nulls",
    )


def _left_out_text(folder: str, left_out: Mapping[str, str], videos: int) -> str:
    examples = "; ".join(f"{video_id} {reason}" for video_id, reason in islice(left_out.items(), _MAX_LISTED))
    remainder = f"; and {len(left_out) - _MAX_LISTED} more" if len(left_out) > _MAX_LISTED else ""
    return f"{folder}: {len(left_out)} of {videos} videos are left out: {examples}{remainder}; `left_out` lists all"


def _length(catalog: Catalog, video_id: str, tables: Sequence[str], incomplete: Incomplete, *, verify: bool) -> int:
    """The number of windows of a video.

    Raises:
        DatasetError: The video must be left out.
    """
    missing = [name for name in (TIMELINE.name, *tables) if not catalog.has(name, video_id)]
    if TIMELINE.name in missing or (missing and incomplete == "leave_out"):
        record = catalog.records.get(video_id, {})
        cause = f"failed: {record.get('error')}" if record.get("state") == "failed" else "run avcues extract again"
        raise DatasetError(f"lacks {', '.join(dict.fromkeys(missing))} ({cause})")
    if verify:
        join.check_footers(catalog, video_id, [name for name in tables if name not in missing])
    return join.window_count(catalog, video_id)
