"""Describes a dataset's tables and columns from its files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from avcues.extractors.protocol import Column
from avcues.models_cache.manifest import assets
from avcues.pipeline.dataset.catalog import Catalog, StoredTable
from avcues.pipeline.dataset.selection import choose_columns


def describe(
    catalog: Catalog, tables: Collection[str] | None = None, patterns: Collection[str] | None = None
) -> dict[str, Any]:
    """Describes every table and column, as JSON values.

    Args:
        tables: Names of tables; None: all tables.
        patterns: Patterns of `<table>.<column>`; None: all columns.

    Raises:
        DatasetError: A table is unknown, or a pattern matches nothing.
    """
    all_columns = [column for table in catalog.tables.values() for column in table.columns]
    columns = choose_columns(all_columns, catalog, tables, patterns, allow_items=True)
    described_tables = [catalog.tables[name] for name in dict.fromkeys(column.table for column in columns)]
    return {
        "folder": str(catalog.folder),
        "step": str(catalog.step),
        "videos": len(catalog.videos),
        "tables": [describe_table(table) for table in described_tables],
        "columns": [
            column.documentation_as_json() | {"source": table.citation, "weights": table.recipe.get("weights", {})}
            for column in columns
            for table in [catalog.tables[column.table]]
        ],
    }


def describe_table(table: StoredTable) -> dict[str, Any]:
    """Describes a table and its recipe; `weights` are named by asset, or by file if they are the user's."""
    recipe = table.recipe
    return {
        "name": table.name,
        "row": table.row,
        "videos": len(table.videos),
        "columns": len(table.columns),
        "source": table.citation,
        "extractor": recipe["extractor"],
        "version": recipe["version"],
        "settings": recipe["settings"],
        "precision": recipe.get("precision", "fp32"),
        "weights": [_weights(name, sha256) for name, sha256 in recipe.get("weights", {}).items()],
    }


def _weights(name: str, sha256: str) -> dict[str, str]:
    description = {"name": name, "sha256": sha256}
    asset = assets().get(name)
    if asset is not None:
        description |= {"title": asset.title, "licence": asset.licence, "citation": asset.citation}
    return description


def value_range(column: Mapping[str, Any]) -> str:
    """The possible values of a column, such as "0 to 1"; empty if it has no bounds."""
    return Column(name="", unit="", meaning="", low=column.get("low"), high=column.get("high")).range_text


def settings_text(table: Mapping[str, Any]) -> str:
    """A table's settings in one line."""
    return ", ".join(f"{key} = {'default' if value is None else value}" for key, value in table["settings"].items())
