"""Reads tables with a value per video: its group, its part, or its place in an order."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import drop_row_counters
from avcues.pipeline.store.user_tables import missing_column, read_user_table


def read_groups(source: str, labels: str | Path) -> dict[str, str]:
    """The group of each video.

    Args:
        source: A CSV or Parquet file with the columns `video_id` and `group` (or one other column), or the name of a
            column of the labels.
        labels: The label file.

    Raises:
        InputError: The table cannot be read, or a video is in two groups.
    """
    if Path(source).is_file():
        return _values_by_video(Path(source), "group")
    if "/" in source or Path(source).suffix.lower() in (".csv", ".parquet", ".tsv"):
        raise InputError(f"{source}: no such file of groups")
    return _values_by_video(Path(labels), source, exact_name=True)


def read_partition(path: Path) -> dict[str, str]:
    """The part of each video, from a CSV or Parquet file with the columns `video_id` and `part` (or one other column).

    Raises:
        InputError: The file cannot be read, or a video is in two parts.
    """
    return _values_by_video(path, "part")


def read_order(path: Path) -> list[str]:
    """The ids in the column `video_id` of a CSV or Parquet file, in the order of the file.

    Raises:
        InputError: The file cannot be read.
    """
    ids = {"video_id": pa.string()}
    return list(read_user_table(path, types=ids, required=ids, extra_columns=False)["video_id"].to_pylist())


def _values_by_video(path: Path, name: str, *, exact_name: bool = False) -> dict[str, str]:
    """The value of a column for each video.

    Args:
        exact_name: Whether the column must have this name; otherwise a single column beside `video_id` may have any
            name.
    """
    types = {"video_id": pa.string(), name: pa.string()}
    table = read_user_table(path, types=types, required=("video_id",))
    if not exact_name:
        table, _ = drop_row_counters(table, types, str(path))
    other_columns = [column for column in table.column_names if column != "video_id"]
    if name not in other_columns:
        if exact_name or len(other_columns) != 1:
            raise missing_column(path, [name], table.column_names)
        (name,) = other_columns
    values: dict[str, str] = {}
    for video_id, value in zip(table["video_id"].to_pylist(), table[name].to_pylist(), strict=True):
        if value is None:
            continue
        if values.setdefault(str(video_id), str(value)) != str(value):
            raise InputError(f"{path}: {video_id} has two values of {name}: {values[str(video_id)]} and {value}")
    return values
