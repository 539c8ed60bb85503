"""Files with every column of a video, and with the means of every column; pages load them when a user picks a column.

The files are scripts, because a page opened from a disk can load nothing else. A file holds at most `_MAX_VALUES`
values, so that a page need not load all of a large table. Embeddings are left out: they are large, and their single
components have no meaning. Each table also has a file that describes its columns.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from avcues.extractors import registry
from avcues.pipeline.report.embeddings import embedding_tables
from avcues.pipeline.report.packing import packed, packed_json
from avcues.pipeline.report.series import axis_bounds
from avcues.pipeline.report.summaries import TableSummary
from avcues.pipeline.report.video import Values, Video
from avcues.pipeline.store.documents import read_document
from avcues.pipeline.store.files import write_atomically

COLUMNS, MEANS = "columns", "means"
_MAX_VALUES = 1 << 21
_DROPPED_BITS = 9
_MEANS_LIST = "about.json"


def write_column_files(video: Video, report: Path) -> list[dict[str, Any]]:
    """Writes the column files of a video and returns their entries for its page.

    Args:
        report: Folder of the report.

    Returns:
        For each file, its path relative to the report ("file"), its "table" and the names of its "columns".
    """
    listed = []
    (report / COLUMNS).mkdir(parents=True, exist_ok=True)
    left_out = {*registry.extra_tables(), *embedding_tables(video)}
    for table in [name for name in video.plottable if name not in left_out]:
        folder = report / COLUMNS / table
        folder.mkdir(exist_ok=True)
        _write(report / COLUMNS / f"{table}.js", _descriptions(video, table))
        for part, names in enumerate(_parts(video.numeric(table), video.windows)):
            path = folder / f"{video.video_id}.{part}.js"
            values = video.per_window(table, names)
            _write(
                path,
                _script([_documentation(video, table, name, values[:, i]) for i, name in enumerate(names)], values),
            )
            listed.append({"file": path.relative_to(report).as_posix(), "table": table, "columns": names})
    return listed


def _write(path: Path, content: bytes) -> None:
    write_atomically(path, lambda file: file.write(content))


def _parts(names: Sequence[str], windows: int) -> Iterator[list[str]]:
    """The columns of each file."""
    max_columns = max(1, _MAX_VALUES // max(1, windows))
    for first in range(0, len(names), max_columns):
        yield list(names[first : first + max_columns])


def write_mean_files(table: TableSummary, report: Path) -> list[dict[str, Any]]:
    """Writes the mean of every column of a table in each video and returns the entries of the files for pages.

    Returns:
        As for `write_column_files`, with videos in place of windows.
    """
    listed = []
    (report / MEANS).mkdir(exist_ok=True)
    first = 0
    for part, names in enumerate(_parts([column.name for column in table.columns], len(table.means))):
        columns = slice(first, first + len(names))
        first += len(names)
        path = report / MEANS / f"{table.table}.{part}.js"
        documentation = [vars(column) for column in table.columns[columns]]
        _write(path, _script(documentation, table.means[:, columns]))
        listed.append({"file": path.relative_to(report).as_posix(), "table": table.table, "columns": names})
    return listed


def write_means(report: Path, tables: Sequence[TableSummary], videos: Sequence[str]) -> list[dict[str, Any]]:
    """Replaces the means of all tables and their list, which later indexes read; returns the entries of the files."""
    shutil.rmtree(report / MEANS, ignore_errors=True)
    files = [file for table in tables for file in write_mean_files(table, report)]
    _write(report / MEANS / _MEANS_LIST, json.dumps({"videos": list(videos), "files": files}).encode())
    return files


def read_means(report: Path) -> dict[str, Any]:
    """The "videos" and "files" of the means in a report; both empty if it has no means."""
    try:
        return read_document(report / MEANS / _MEANS_LIST, "means")
    except (OSError, ValueError):
        return {"videos": [], "files": []}


def _script(described: Sequence[Mapping[str, Any]], values: npt.NDArray[Any]) -> bytes:
    return f'received("{packed_json(described)}","{packed(_byte_planes(values))}");\n'.encode()


def _descriptions(video: Video, table: str) -> bytes:
    """Name, unit and meaning of each column that a page can show; the same for all videos."""
    documented = [video.column(table, name) for name in video.numeric(table)]
    listed = [
        (column["name"], "" if column["unit"] == "1" else column["unit"], column["meaning"]) for column in documented
    ]
    return f'described("{packed_json(listed)}");\n'.encode()


def _documentation(video: Video, table: str, name: str, values: Values) -> dict[str, Any]:
    """The unit and meaning of a column, and the bounds of its axis."""
    documented = video.column(table, name)
    low, high = axis_bounds(values, documented)
    unit = "" if documented["unit"] == "1" else documented["unit"]
    return {"unit": unit, "meaning": documented["meaning"], "low": float(f"{low:.6g}"), "high": float(f"{high:.6g}")}


def _byte_planes(values: npt.NDArray[Any]) -> bytes:
    """(windows, columns) values as float32 with four digits, byte by byte: all first bytes, then all second bytes, ...

    In this order gzip compresses well: the first bytes of a column are similar, and the last bytes are 0.
    """
    bits: npt.NDArray[np.uint32] = np.ascontiguousarray(values.T, "<f4").view("<u4")
    half, dropped = np.uint32(1 << (_DROPPED_BITS - 1)), np.uint32((1 << _DROPPED_BITS) - 1)
    rounded = (bits + half) & ~dropped
    return rounded.view(np.uint8).reshape(-1, 4).T.tobytes()
