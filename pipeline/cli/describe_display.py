"""The output of `avcues describe`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from avcues.pipeline.cli.console import Console
from avcues.pipeline.dataset.describe import settings_text, value_range


def show_description(description: Mapping[str, Any], console: Console) -> None:
    """Prints the columns of each table, then an overview, which a terminal still shows at the end."""
    for table in description["tables"]:
        console.print(f"[bold]{table['name']}[/]: one row per {table['row']}", highlight=False)
        console.print("\n".join(_origin(table)), soft_wrap=True, markup=False, highlight=False)
        columns = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("column", "unit", "range", "meaning"):
            columns.add_column(heading, overflow="fold", no_wrap=heading == "column")
        for column in description["columns"]:
            if column["table"] == table["name"]:
                cells = (column["name"], column["unit"], value_range(column), column["meaning"])
                columns.add_row(*map(escape, cells))
        console.print(columns)
        console.print()
    overview = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("table", "one row per", "columns", "videos", "weights"):
        overview.add_column(heading, justify="right" if heading in ("columns", "videos") else "left")
    for table in description["tables"]:
        names = ", ".join(weights["name"] for weights in table["weights"])
        overview.add_row(table["name"], table["row"], str(table["columns"]), str(table["videos"]), names or "-")
    console.print(overview)


def _origin(table: Mapping[str, Any]) -> Iterator[str]:
    yield f"source: {table['source']}"
    made_by = f"{table['extractor']}, version {table['version']}, {table['precision']}"
    yield f"made by: {', '.join(filter(None, (made_by, settings_text(table))))}"
    for weights in table["weights"]:
        yield f"weights: {weights['name']}, sha256 {weights['sha256']}"
