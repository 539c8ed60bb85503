"""The one join: every table of a video side by side, row k the same half second in all of them."""

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


def windows(catalog: Catalog, video_id: str) -> int:
    """Number of rows that a video has in every window table.

    Raises:
        DatasetError: Its timeline cannot be used.
    """
    with ExitStack() as stack:
        return _open(stack, catalog, video_id, TIMELINE.name)[0].metadata.num_rows


def fingerprint(catalog: Catalog, video_id: str) -> str | None:
    """The fingerprint of the file from which a video's tables were made, if they record it.

    Raises:
        DatasetError: Its timeline cannot be used.
    """
    with ExitStack() as stack:
        source_fingerprint: str | None = _open(stack, catalog, video_id, TIMELINE.name)[1]
        return source_fingerprint


def check_footers(catalog: Catalog, video_id: str, tables: Iterable[str]) -> None:
    """Checks, from their footers, that tables of a video exist and belong together.

    Raises:
        DatasetError: One is missing, unreadable, or was made with other settings, or from another file, than the rest.
    """
    with ExitStack() as stack:
        _open_together(stack, catalog, video_id, tables)


def join(
    catalog: Catalog, video_id: str, columns: Sequence[StoredColumn], *, nulls_for_missing: bool
) -> list[pa.ChunkedArray]:
    """One row per window of a video: the columns of `KEY_FIELDS`, then the given ones.

    Values are those of the files, bit for bit. Rows of shot tables are repeated for every window of the shot that is on
    screen at the window's start (`timeline.shot`); a window without a shot has nulls.

    Args:
        columns: Of window and shot tables, in the order of the result; those of one table are neighbours.
        nulls_for_missing: A table that the video does not have gives nulls instead of an error.

    Raises:
        DatasetError: As `check_footers`, or a table holds other columns than the rest of the dataset.
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
    chosen = table.select(list(names)).combine_chunks()
    if not (chosen.num_rows and names):
        return np.empty((table.num_rows, len(names)), np.float32)
    for i, field in enumerate(chosen.schema):
        if field.type != pa.float32():
            chosen = chosen.set_column(i, field.name, chosen[i].cast(pa.float32(), safe=False))
    (batch,) = chosen.to_batches()
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
    """An open table, and the fingerprint of the file that it was made from."""
    path = catalog.path(name, video_id)
    if not catalog.has(name, video_id):
        raise DatasetError(f"{path}: missing; run avcues extract again")
    try:
        file = stack.enter_context(open_parquet(path))
        about = metadata_of(file)
        recipe, source = about["recipe"], about["source"].get("fingerprint")
        wrong = misfit(file.schema_arrow, catalog.tables[name].row, TIMELINE_KEYS if name == TIMELINE.name else ())
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DatasetError(f"{path}: cannot be read; remove it and run avcues extract again") from error
    if wrong:
        raise DatasetError(f"{path}: {wrong}; remove it and run avcues extract again")
    if recipe != catalog.tables[name].recipe:
        raise DatasetError(f"{path}: made with other settings than the dataset's; run avcues extract again")
    return file, source


def _read(file: pq.ParquetFile, key: str, columns: Sequence[StoredColumn], where: Location) -> pa.Table:
    """A table's key, then the given columns."""
    names = [key, *(column.documentation.name for column in columns)]
    table = _read_columns(file, names, where)
    if table.schema.names != names:  # those that the file lacks are left out, the rest is in the file's order
        table = table.select([name for name in names if name in table.schema.names])
    types = dict(zip(table.schema.names, table.schema.types, strict=True))
    for column in columns:
        if types.get(column.documentation.name) != column.type:
            raise DatasetError(
                f"{where}: has no column {column.documentation.name} of type {column.type}, which other videos have"
            )
    return table


def _read_columns(file: pq.ParquetFile, names: Sequence[str], where: Location) -> pa.Table:
    try:
        return file.read(columns=list(names), use_threads=False)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DatasetError(
            f"{where}: cannot be read ({one_line(error)}); remove it and run avcues extract again"
        ) from error
