"""Writes the files that the public training script of the MuVi study reads (github.com/AMAAI-Lab/MuVi).

| file                              | columns                                     | rows that the script uses   |
|-----------------------------------|---------------------------------------------|-----------------------------|
| `emobase_features/<video_id>.csv` | index, name, the 988 functionals, class     | 0 to 117                    |
| `combined_visual_features.csv`    | index, media_id, the visual features, class | all but a video's last two  |

The script drops the first two columns and the last column of both files, and needs equally many rows of both. So a
video has at most 120 rows, the 60 s that the study's annotations span; the visual rows of a shorter video are followed
by copies of its last row, which the script drops instead of real rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from avcues.pipeline.dataset.catalog import read_catalog
from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.dataset.parquet_export import OnVideo, check_outside
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.store.exchange import replaced_folder
from avcues.pipeline.store.files import prepare_output, write_atomically

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

CsvNulls = Literal["zero", "empty"]

AUDIO = "emobase"
VISUAL = ("color", "lighting", "expressions", "scenes", "objects", "actions")
"""The visual tables of the study."""

ROWS = 120
USED_ROWS = 118
_CLASS = "unassigned"  # as in the published files


def open_for_export(folder: Location, tables: Collection[str] | None = None) -> Dataset:
    """Opens the dataset to export: the numeric columns of emobase and of visual tables.

    Args:
        tables: Visual tables; None: those of the study that the folder has.

    Raises:
        AvcuesError: The folder is not a dataset, its windows are not half seconds, or it lacks emobase or a named
            table.
    """
    catalog = read_catalog(folder)
    if catalog.step != Fraction(1, 2):
        raise SettingsError(f"{folder}: has windows of {float(catalog.step):g} s; the script expects half seconds")
    visual = [name for name in VISUAL if name in catalog.tables] if tables is None else tables
    data = open_dataset(folder, tables=[AUDIO, *visual], verify=True)
    return replace(
        data, stored_columns=tuple(column for column in data.stored_columns if not pa.types.is_string(column.type))
    )


def write(
    data: Dataset, out: Path, *, nulls: CsvNulls = "zero", on_progress: OnVideo = lambda video_id: None
) -> dict[str, int]:
    """Writes the files for a dataset that `open_for_export` made.

    Args:
        out: Folder of the files. They appear together at the end; other files in it are kept.
        nulls: How missing values are written: as 0, or empty, which pandas reads as NaN.
        on_progress: Called with the id of each video.

    Returns:
        For each table with missing values, their number.

    Raises:
        AvcuesError: `out` cannot be written or lies in the dataset, or a file of the dataset is damaged.
    """
    check_outside(out, data)
    prepare_output(out)
    missing: Counter[str] = Counter()
    visual = [column.name for column in data.stored_columns if column.table != AUDIO]

    def write_all(folder: Path, file: BinaryIO) -> None:
        empty = _numbers(data.schema.empty_table(), data.columns, nulls)
        schema = _with_dropped_columns("media_id", "", empty.select(visual)).schema
        with pa.csv.CSVWriter(file, schema) as writer:
            for video_id in data.videos:
                table = data.read(video_id)
                for column in data.stored_columns:
                    missing[column.table] += table[column.name].null_count
                table = _numbers(table, data.columns, nulls)
                _write_sound(table, video_id, data, folder)
                writer.write_table(
                    _with_dropped_columns("media_id", video_id, table.select(visual).take(visual_rows(len(table))))
                )
                on_progress(video_id)

    with replaced_folder(out, keep_others=True) as folder:
        write_atomically(folder / "combined_visual_features.csv", partial(write_all, folder))
    return dict(+missing)


def _write_sound(table: pa.Table, video_id: str, data: Dataset, out: Path) -> None:
    functionals = {
        column.documentation.name: table[column.name] for column in data.stored_columns if column.table == AUDIO
    }
    rows = _with_dropped_columns("name", video_id, pa.table(functionals).slice(0, ROWS))
    write_atomically(out / "emobase_features" / f"{video_id}.csv", lambda file: pa.csv.write_csv(rows, file))


def _with_dropped_columns(id_column: str, video_id: str, features: pa.Table) -> pa.Table:
    """The features, between the columns that the script drops."""
    rows = len(features)
    columns = [pa.array(range(rows), pa.int32()), pa.array([video_id] * rows, pa.string()), *features.columns]
    columns.append(pa.array([_CLASS] * rows, pa.string()))
    return pa.table(columns, names=["", id_column, *features.column_names, "class"])


def visual_rows(windows: int) -> pa.Array:
    """The window that each visual row holds.

    The script drops a video's last two rows, so a short video ends with copies of its last row for the script to drop.
    """
    rows = min(windows, USED_ROWS) + ROWS - USED_ROWS
    return pa.array(np.minimum(np.arange(rows), windows - 1))


def _numbers(table: pa.Table, names: Iterable[str], nulls: CsvNulls) -> pa.Table:
    """The table with booleans as 0 and 1, and with nulls written according to `nulls`."""
    columns = {name: table[name] for name in table.column_names}
    for name in names:
        values = table[name].cast(pa.int16()) if pa.types.is_boolean(table[name].type) else table[name]
        columns[name] = pc.fill_null(values, 0) if nulls == "zero" else values
    return pa.table(columns)
