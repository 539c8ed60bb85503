"""Joins all tables of a video: row k is the same half second in all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from avcues.pipeline.dataset.catalog import Catalog, StoredColumn
from avcues.pipeline.errors import DatasetError, one_line
from avcues.pipeline.store.parquet import WINDOW_KEYS, metadata_of, misfit, open_parquet
from avcues.pipeline.store.timeline_table import TIMELINE, TIMELINE_KEYS

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

KEY_FIELDS = (
    pa.field("video_id", pa.string()),
    pa.field("window", pa.int32()),
    pa.field("start", pa.float64()),
    pa.field("end", pa.float64()),
)


def window_count(catalog: Catalog, video_id: str) -> int:
    """The number of rows of a video in every window table.

    Raises:
        DatasetError: The timeline cannot be used.
    """
    with ExitStack() as stack:
        return _open(stack, catalog, video_id, TIMELINE.name)[0].metadata.num_rows


def fingerprint(catalog: Catalog, video_id: str) -> str | None:
    """The fingerprint of the file from which a video's tables were made, if they record it.

    Raises:
        DatasetError: The timeline cannot be used.
    """
    with ExitStack() as stack:
        source_fingerprint: str | None = _open(stack, catalog, video_id, TIMELINE.name)[1]
        return source_fingerprint


def check_footers(catalog: Catalog, video_id: str, tables: Iterable[str]) -> None:
    """Checks from their footers that tables of a video exist and belong together.

    Raises:
        DatasetError: A table is missing or unreadable, or was made with other settings or from another file.
    """
    with ExitStack() as stack:
        _open_together(stack, catalog, video_id, tables)


def join(
    catalog: Catalog, video_id: str, columns: Sequence[StoredColumn], *, nulls_for_missing: bool
) -> list[pa.ChunkedArray]:
    """Joins the tables of a video: the columns of `KEY_FIELDS`, then the given columns, with a row per window.

    Values are those of the files, bit for bit. The row of a shot is repeated for every window at whose start the shot
    is on screen (`timeline.shot`); a window without a shot has nulls.

    Args:
        columns: Columns of window and shot tables, in the order of the result; columns of one table are adjacent.
        nulls_for_missing: Whether a missing table is filled with nulls instead of raising an error.

    Raises:
        DatasetError: As for `check_footers`, or a table has other columns than in the rest of the dataset.
    """
    by_table = {name: list(same_table) for name, same_table in groupby(columns, key=lambda column: column.table)}
    present = {name for name in by_table if not nulls_for_missing or catalog.has(name, video_id)}
    with ExitStack() as stack:
        files = _open_together(stack, catalog, video_id, present)
        timeline = _read_columns(files[TIMELINE.name], [*WINDOW_KEYS, "shot"], catalog.path(TIMELINE.name, video_id))
        arrays = [timeline[key] for key in WINDOW_KEYS]
        for name, table_columns in by_table.items():
            if name not in present:
                arrays += [pa.nulls(timeline.num_rows, column.type) for column in table_columns]
                continue
            key = "shot" if catalog.tables[name].row == "shot" else "window"
            table = _read(files[name], key, table_columns, catalog.path(name, video_id))
            if key == "shot":
                table = table.take(pc.index_in(timeline["shot"], value_set=table["shot"], skip_nulls=True))
            elif not table[key].equals(timeline[key]):
                raise DatasetError(
                    f"{catalog.path(name, video_id)}: its windows differ from those of {TIMELINE.name}; "
                    f"see avcues validate {catalog.folder}"
                )
            arrays += table.columns[1:]
    return arrays


def matrix(table: pa.Table, names: Sequence[str]) -> npt.NDArray[np.float32]:
    """(rows, names) float32 values of numeric or boolean columns; nulls are NaN."""
    selected = table.select(list(names)).combine_chunks()
    if not (selected.num_rows and names):
        return np.empty((table.num_rows, len(names)), np.float32)
    for i, field in enumerate(selected.schema):
        if field.type != pa.float32():
            selected = selected.set_column(i, field.name, selected[i].cast(pa.float32(), safe=False))
    (batch,) = selected.to_batches()
    values: npt.NDArray[np.float32] = batch.to_tensor(null_to_nan=True).to_numpy()
    return values


def _open_together(
    stack: ExitStack, catalog: Catalog, video_id: str, tables: Iterable[str]
) -> dict[str, pq.ParquetFile]:
    timeline, source_fingerprint = _open(stack, catalog, video_id, TIMELINE.name)
    files = {TIMELINE.name: timeline}
    for name in tables:
        if name == TIMELINE.name:
            continue
        files[name], source = _open(stack, catalog, video_id, name)
        if source != source_fingerprint:
            path = catalog.path(name, video_id)
            raise DatasetError(f"{path}: made from another file than {TIMELINE.name}; run avcues extract again")
    return files


def _open(stack: ExitStack, catalog: Catalog, video_id: str, name: str) -> tuple[pq.ParquetFile, Any]:
    """An open table, and the fingerprint of the file from which it was made."""
    path = catalog.path(name, video_id)
    if not catalog.has(name, video_id):
        raise DatasetError(f"{path}: missing; run avcues extract again")
    try:
        file = stack.enter_context(open_parquet(path))
        metadata = metadata_of(file)
        recipe, source = metadata["recipe"], metadata["source"].get("fingerprint")
        misfit_text = misfit(
            file.schema_arrow, catalog.tables[name].row, TIMELINE_KEYS if name == TIMELINE.name else ()
        )
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DatasetError(f"{path}: cannot be read; remove it and run avcues extract again") from error
    if misfit_text:
        raise DatasetError(f"{path}: {misfit_text}; remove it and run avcues extract again")
    if recipe != catalog.tables[name].recipe:
        raise DatasetError(f"{path}: made with other settings than the dataset's; run avcues extract again")
    return file, source


def _read(file: pq.ParquetFile, key: str, columns: Sequence[StoredColumn], path: Location) -> pa.Table:
    """Reads the key of a table, then the given columns."""
    names = [key, *(column.documentation.name for column in columns)]
    table = _read_columns(file, names, path)
    if table.schema.names != names:  # the file lacks columns, or has another order
        table = table.select([name for name in names if name in table.schema.names])
    types = dict(zip(table.schema.names, table.schema.types, strict=True))
    for column in columns:
        if types.get(column.documentation.name) != column.type:
            raise DatasetError(
                f"{path}: has no column {column.documentation.name} of type {column.type}, which other videos have"
            )
    return table


def _read_columns(file: pq.ParquetFile, names: Sequence[str], path: Location) -> pa.Table:
    try:
        return file.read(columns=list(names), use_threads=False)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DatasetError(
            f"{path}: cannot be read ({one_line(error)}); remove it and run avcues extract again"
        ) from error
