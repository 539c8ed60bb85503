"""A dataset in the Croissant format of MLCommons (version 1.0): its files, tables and columns as JSON-LD.

Readers such as `mlcroissant` can load any table from it. It has no date, place or author, so that the same files give
the same bytes; the publisher of the dataset adds them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from avcues.pipeline.dataset.catalog import Catalog, StoredTable
from avcues.pipeline.dataset.describe import value_range
from avcues.pipeline.dataset.licences import licence_of
from avcues.pipeline.dataset.names import safe_names
from avcues.pipeline.store.layout import table_pattern
from avcues.pipeline.store.parquet import SHOT_KEYS, WINDOW_KEYS

_CONTEXT = Path(__file__).with_name("assets") / "croissant_context.json"
_TYPES = {
    "string": "sc:Text",
    "bool": "sc:Boolean",
    "int16": "cr:Int16",
    "int32": "cr:Int32",
    "float": "cr:Float32",
    "double": "cr:Float64",
}
_KEYS = {
    "video_id": ("string", "the video"),
    "window": ("int32", "number of the window in its video, from 0"),
    "shot": ("int32", "number of the shot in its video, from 0"),
    "start": ("double", "start in the video; s"),
    "end": ("double", "end in the video; s"),
    "first_window": ("int32", "first window that starts in the shot"),
    "last_window": ("int32", "last window that starts in the shot"),
}
_PRIMARY = {"window": ("video_id", "window"), "shot": ("video_id", "shot"), "item": ()}


def croissant(catalog: Catalog) -> str:
    """The metadata of a dataset: a file set and a record set for each table, and a field for each column.

    The ids of fields are the names that `avcues align` gives to columns, such as `color__saturation_00`.
    """
    licence = licence_of(catalog.tables.values())
    document = {
        "@context": json.loads(_CONTEXT.read_text()),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": catalog.name,
        "description": f"Audio and visual features of {len(catalog.videos)} videos for models of perceived emotion, in "
        f"windows of {float(catalog.step):g} s. Row k of every window table describes the same window of a video.",
        "keywords": ["affective computing", "emotion", "video", "audio"],
        **({"license": licence.link} if licence else {}),
        "distribution": [_file_set(table) for table in catalog.tables.values()],
        "recordSet": [_record_set(table) for table in catalog.tables.values()],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _file_set(table: StoredTable) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": _file_set_id(table),
        "description": f"Files of the table {table.name}, one per video.",
        "encodingFormat": "application/x-parquet",
        "includes": table_pattern(table.name),
    }


def _record_set(table: StoredTable) -> dict[str, Any]:
    fields = list(_fields(table))
    primary = [field for field in fields if field["name"] in _PRIMARY[table.row]]
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": f"One record per {table.row}. Source: {table.citation}",
        **({"key": [{"@id": field["@id"]} for field in primary]} if primary else {}),
        "field": fields,
    }


def _fields(table: StoredTable) -> Iterator[dict[str, Any]]:
    columns = {name: _KEYS[name] for name in (SHOT_KEYS if table.row == "shot" else WINDOW_KEYS)}
    for column in table.columns:
        documentation = column.documentation_as_json()
        description = "; ".join(
            filter(None, (documentation["meaning"], documentation["unit"], value_range(documentation)))
        )
        columns[column.documentation.name] = (str(column.type), description)
    ids = safe_names(f"{table.name}.{name}" for name in columns)
    for name, (type_name, description) in columns.items():
        yield {
            "@type": "cr:Field",
            "@id": ids[f"{table.name}.{name}"],
            "name": name,
            "description": description,
            "dataType": _TYPES[type_name],
            "source": {"fileSet": {"@id": _file_set_id(table)}, "extract": {"column": name}},
        }


def _file_set_id(table: StoredTable) -> str:
    return f"{table.name}-files"
