"""The data card: what someone who is handed a dataset has to know of it, as Markdown.

It is made from the dataset's files alone and says nothing of when and where, so that the same files give the same card.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from pipeline.dataset.catalog import Catalog
from pipeline.dataset.describe import describe_table, settings_text
from pipeline.dataset.statistics import DatasetStatistics, compute_statistics
from pipeline.store.files import write_atomically
from pipeline.store.layout import MANIFEST, data_card_path
from pipeline.store.records import describe_damage

if TYPE_CHECKING:
    from pipeline.store.location import Location

SOFTWARE_LICENCES = {
    "emobase": "openSMILE: audEERING's research licence, non-commercial; it also binds models trained on its features",
    "objects": "Ultralytics: AGPL-3.0",
}
"""Of extractors whose software's licence binds those who use its values."""


def write_card(catalog: Catalog, finished: Callable[[str], None] = lambda video_id: None) -> Location:
    """Reads a whole dataset and writes its card into its folder.

    Args:
        finished: Is called with the id of each video that was read.

    Raises:
        OutputError: The folder cannot be written.
    """
    path = data_card_path(catalog.folder)
    text = card(catalog, compute_statistics(catalog, finished))
    write_atomically(path, lambda file: file.write(text.encode()))
    return path


def card(catalog: Catalog, found: DatasetStatistics) -> str:
    """The card of a dataset, given its statistics."""
    tables = [
        describe_table(table)
        | {
            "counts": found.tables[table.name],
            "null": " to ".join(dict.fromkeys(f"{share:.1%}" for share in found.tables[table.name].null_shares())),
        }
        for table in catalog.tables.values()
    ]
    for table in tables:
        table["settings_text"] = settings_text(table)
    computed: dict[str, list[str]] = {}
    for name, counts in found.tables.items():
        if counts.computed:
            computed.setdefault(" and ".join(sorted(counts.computed)), []).append(name)
    folder = catalog.folder.resolve() if isinstance(catalog.folder, Path) else catalog.folder
    extractors = dict.fromkeys(str(table["extractor"]) for table in tables)
    text = _template().render(
        folder=folder.name,
        found=found,
        hours=found.windows * float(catalog.step) / 3600,
        step=f"{float(catalog.step):g}",
        columns=sum(len(table.columns) for table in catalog.tables.values()),
        manifest=MANIFEST,
        tables=tables,
        weights={file["name"]: file for table in tables for file in table["weights"]}.values(),
        software={name: SOFTWARE_LICENCES[name] for name in extractors if name in SOFTWARE_LICENCES},
        computed=computed,
        networks=[table["name"] for table in tables if table["weights"]],
        **_incomplete(catalog),
    )
    return re.sub(r"\n{3,}", "\n\n", text)


def _incomplete(catalog: Catalog) -> dict[str, list[str]]:
    """Lines on what failed, lacks tables, is damaged or was left out."""
    failed, lacking, damaged = [], [], []
    for video_id in catalog.videos:
        record = catalog.records.get(video_id, {})
        lacks = [name for name in (*catalog.tables, *catalog.absent) if not catalog.has(name, video_id)]
        if record.get("state") == "failed":
            failed.append(f"{video_id}: {record.get('error')}")
        elif lacks:
            lacking.append(f"{video_id}: {', '.join(lacks)}")
        if record.get("damage"):
            damaged.append(f"{video_id}: {describe_damage(record['damage'])}")
    left_out = sorted({feature for record in catalog.records.values() for feature in record.get("left_out", {})})
    return {"failed": failed, "lacking": lacking, "damaged": damaged, "left_out": left_out}


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader(__package__ or "pipeline.dataset", "assets"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|")
    return environment.get_template("data_card.md")
