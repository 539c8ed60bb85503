"""Tables that say something of each video: its group, its part, its place in an order."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from avcues.pipeline.errors import InputError, one_line
from avcues.pipeline.store.csv_tables import read_csv


def read_groups(source: str, labels: str | Path) -> dict[str, str]:
    """The group of each video.

    Args:
        source: A CSV or Parquet file with the columns `video_id` and `group` (or one other column), or the name of a
            column of the labels.
        labels: The file of labels.

    Raises:
        InputError: It cannot be read, or a video is in two groups.
    """
    if Path(source).is_file():
        return _column(Path(source), "group")
    if "/" in source or Path(source).suffix.lower() in (".csv", ".parquet", ".tsv"):
        raise InputError(f"{source}: no such file of groups")
    return _column(Path(labels), source, only=True)


def read_partition(path: Path) -> dict[str, str]:
    """The part of each video, from a CSV or Parquet file with the columns `video_id` and `part` (or one other column).

    Raises:
        InputError: It cannot be read, or a video is in two parts.
    """
    return _column(path, "part")


def read_order(path: Path) -> list[str]:
    """The ids of a CSV or Parquet file with the column `video_id`, in its order.

    Raises:
        InputError: It cannot be read.
    """
    return list(map(str, _read(path)["video_id"].to_pylist()))


def _column(path: Path, name: str, *, only: bool = False) -> dict[str, str]:
    """The value of a column for each video.

    Args:
        only: Whether it must have this name; if not, the one column beside `video_id` may have any.
    """
    table = _read(path, name)
    others = [column for column in table.column_names if column != "video_id"]
    if name not in others:
        if only or len(others) != 1:
            raise InputError(f'{path}: has no column "{name}", only {", ".join(table.column_names)}')
        (name,) = others
    values: dict[str, str] = {}
    for video_id, value in zip(table["video_id"].to_pylist(), table[name].to_pylist(), strict=True):
        if value is None or value == "":
            continue
        if values.setdefault(str(video_id), str(value)) != str(value):
            raise InputError(f"{path}: {video_id} has two values of {name}: {values[str(video_id)]} and {value}")
    return values


def _read(path: Path, *text: str) -> pa.Table:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        parquet = path.suffix.lower() == ".parquet"
        table = pq.read_table(path) if parquet else read_csv(path, text=("video_id", *text))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as a CSV or Parquet file ({one_line(error)})") from error
    if "video_id" not in table.column_names:
        raise InputError(f"{path}: has no column video_id, only {', '.join(table.column_names)}")
    return table
