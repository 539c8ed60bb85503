"""The data card: what users of a dataset need to know about it, as Markdown with a YAML header.

The Hugging Face hub and `datasets.load_dataset` read the header: each table is a configuration. The card is made only
from the dataset's files and has no date or place, so that the same files give the same card.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from avcues.pipeline.dataset.catalog import FIRST_TABLES, Catalog
from avcues.pipeline.dataset.describe import describe_table, settings_text
from avcues.pipeline.dataset.licences import SOFTWARE_LICENCES, licence_of
from avcues.pipeline.dataset.statistics import DatasetStatistics
from avcues.pipeline.store.layout import MANIFEST, table_pattern
from avcues.pipeline.store.records import describe_damage
from avcues.pipeline.store.timeline_table import TIMELINE

_SIZES = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")


def data_card(catalog: Catalog, statistics: DatasetStatistics) -> str:
    """The card of a dataset, given its statistics."""
    tables = [
        describe_table(table)
        | {
            "counts": statistics.tables[table.name],
            "null": " to ".join(dict.fromkeys(f"{share:.1%}" for share in statistics.tables[table.name].null_shares())),
        }
        for table in catalog.tables.values()
    ]
    for table in tables:
        table["settings_text"] = settings_text(table)
    tables_by_device: dict[str, list[str]] = {}
    for name, counts in statistics.tables.items():
        if counts.computed:
            tables_by_device.setdefault(" and ".join(sorted(counts.computed)), []).append(name)
    text = _template().render(
        header=yaml.safe_dump(_header(catalog, statistics), sort_keys=False, allow_unicode=True),
        folder=catalog.name,
        example=next(
            (name for name in _loadable_tables(catalog, statistics) if name not in FIRST_TABLES), TIMELINE.name
        ),
        statistics=statistics,
        hours=statistics.windows * float(catalog.step) / 3600,
        step=f"{float(catalog.step):g}",
        columns=sum(len(table.columns) for table in catalog.tables.values()),
        manifest=MANIFEST,
        tables=tables,
        weights={file["name"]: file for table in tables for file in table["weights"]}.values(),
        software=_software(catalog),
        tables_by_device=tables_by_device,
        transcripts=[
            f"`{table.name}`" for table in catalog.tables.values() if table.recipe["extractor"] in ("words", "text")
        ],
        networks=[table["name"] for table in tables if table["weights"]],
        **_incomplete(catalog),
    )
    return re.sub(r"\n{3,}", "\n\n", text)


def _header(catalog: Catalog, statistics: DatasetStatistics) -> dict[str, Any]:
    """The YAML header, with the keys of https://github.com/huggingface/hub-docs/blob/main/datasetcard.md."""
    licence = licence_of(catalog.tables.values())
    licence_fields = {"license": "other", "license_name": licence.name, "license_link": licence.link} if licence else {}
    return {
        "pretty_name": catalog.name,
        **(licence_fields or {"license": "unknown"}),
        "size_categories": [_size_category(statistics.windows)],
        "task_categories": ["tabular-regression", "tabular-classification"],
        "tags": ["affective-computing", "emotion", *sorted(statistics.streams), "avcues"],
        "configs": [
            {"config_name": name, "data_files": table_pattern(name)} for name in _loadable_tables(catalog, statistics)
        ],
    }


def _loadable_tables(catalog: Catalog, statistics: DatasetStatistics) -> list[str]:
    """Tables that `datasets` can load: it refuses a table without rows, such as the faces of videos without faces."""
    return [name for name in catalog.tables if statistics.tables[name].rows]


def _software(catalog: Catalog) -> dict[str, list[str]]:
    """Licences of software that bind users of a table's values, each with its tables."""
    tables_by_licence: dict[str, list[str]] = {}
    for table in catalog.tables.values():
        licence = SOFTWARE_LICENCES.get(table.recipe["extractor"])
        if licence is not None:
            tables_by_licence.setdefault(licence, []).append(f"`{table.name}`")
    return tables_by_licence


def _size_category(examples: int) -> str:
    """The hub's size category of a number of examples, such as "1K<n<10K"."""
    size_index = len(str(examples)) - len("1000")
    if size_index < 0:
        return f"n<{_SIZES[0]}"
    return f"n>{_SIZES[-1]}" if size_index >= len(_SIZES) - 1 else f"{_SIZES[size_index]}<n<{_SIZES[size_index + 1]}"


def _incomplete(catalog: Catalog) -> dict[str, list[str]]:
    """Failed videos, videos that lack tables, damaged videos, and features that were left out; a line each."""
    failed, lacking, damaged = [], [], []
    for video_id in catalog.videos:
        record = catalog.records.get(video_id, {})
        missing_tables = [name for name in (*catalog.tables, *catalog.absent) if not catalog.has(name, video_id)]
        if record.get("state") == "failed":
            failed.append(f"{video_id}: {record.get('error')}")
        elif missing_tables:
            lacking.append(f"{video_id}: {', '.join(missing_tables)}")
        if record.get("damage"):
            damaged.append(f"{video_id}: {describe_damage(record['damage'])}")
    left_out = sorted({feature for record in catalog.records.values() for feature in record.get("left_out", {})})
    return {"failed": failed, "lacking": lacking, "damaged": damaged, "left_out": left_out}


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader(__package__ or "avcues.pipeline.dataset", "assets"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = lambda text: str(text).replace("|", "\\|")
    return environment.get_template("data_card.md")
