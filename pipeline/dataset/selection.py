"""Selects columns by table and by pattern."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from avcues.errors import nearest
from avcues.pipeline.dataset.catalog import Catalog, StoredColumn
from avcues.pipeline.errors import DatasetError
from avcues.pipeline.patterns import matches, similar


def joinable_columns(catalog: Catalog) -> tuple[StoredColumn, ...]:
    """Columns that have one value per window: those of window tables and of shot tables."""
    return tuple(column for table in catalog.tables.values() if table.row != "item" for column in table.columns)


def item_tables(catalog: Catalog) -> tuple[str, ...]:
    """Tables that cannot be joined: they have any number of rows per window."""
    return tuple(table.name for table in catalog.tables.values() if table.row == "item")


def choose_columns(
    columns: Sequence[StoredColumn],
    catalog: Catalog,
    tables: Collection[str] | None,
    patterns: Collection[str] | None,
    *,
    allow_items: bool = False,
) -> tuple[StoredColumn, ...]:
    """The columns that belong to one of `tables` and whose name matches one of `patterns`, in the order of `columns`.

    None stands for every table or every name.

    Args:
        allow_items: Whether item tables may be named.

    Raises:
        DatasetError: A table is unknown, or is an item table although `allow_items` is false; or a pattern matches no
            column of the tables.
    """
    for name in tables or ():
        if not allow_items and name in item_tables(catalog):
            raise DatasetError(
                f"{name} has any number of rows per window and cannot be joined; read it from {catalog.folder / name}"
            )
        _check_table(name, {column.table for column in columns}, catalog)
    columns = [column for column in columns if tables is None or column.table in tables]
    if patterns is None:
        return tuple(columns)
    names = {column.name for column in columns}
    selected: set[str] = set()
    for pattern in patterns:
        matching = {pattern} if pattern in names else {name for name in names if matches(pattern, name)}
        if not matching:
            raise DatasetError(f'there is no column "{pattern}"{similar(pattern, names)}')
        selected |= matching
    return tuple(column for column in columns if column.name in selected)


def _check_table(name: str, names: Collection[str], catalog: Catalog) -> None:
    if name in catalog.absent:
        raise DatasetError(f"{catalog.folder}: no video has the table {name} yet; run avcues extract again")
    if name not in names:
        raise DatasetError(f'there is no table "{name}"{nearest(name, sorted(names))}')
