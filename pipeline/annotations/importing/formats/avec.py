"""Gold standards of AVEC (RECOLA, SEWA): ARFF files per dimension, or CSV files with all dimensions.

SEWA's label files have no header. Each line holds the recording in quotes, the time, arousal, valence and liking,
separated by semicolons.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.importing.table_map import TableMap, tidy_part
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_tables import read_user_table

_DIMENSIONS = ("arousal", "valence", "liking")
_ROW = re.compile(r"'[^';\n]+';-?[\d.]+;-?[\d.]+")


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    setup = options.setup or "audiovisual"
    parts = [_arff(file, setup) if file.suffix.lower() == ".arff" else _csv(file, setup) for file in files]
    return Reading(
        parts=parts,
        dimensions={name: Dimension(name=name, low=-1, high=1) for name in _DIMENSIONS},
        notes=["the files hold gold standards, taken as one rater called gold"],
    )


def _arff(file: Path, setup: str) -> Part:
    """`@attribute` lines, then a line per frame: name, time in seconds, gold standard."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    names = [[*line.split(), ""][1].lower() for line in lines if line.lower().startswith("@attribute")]
    data = next((i for i, line in enumerate(lines) if line.strip().lower() == "@data"), None)
    if data is None or {"frametime", "goldstandard"} - set(names):
        raise InputError(f"{file}: is no ARFF file with the attributes frameTime and GoldStandard")
    numbered = [(i, line) for i, line in enumerate(lines[data + 1 :], data + 2) if line.strip()]
    rows = list(csv.reader((line for _, line in numbered), quotechar="'"))
    dimension = next((name for name in _DIMENSIONS if name in (file.parent.name.lower(), file.stem.lower())), None)
    if dimension is None:
        raise InputError(f"{file}: its folder is not called {' or '.join(_DIMENSIONS)}, so its dimension is not known")
    try:
        columns = {
            name: [float(row[names.index(key)]) for row in rows]
            for name, key in (("time", "frametime"), ("value", "goldstandard"))
        }
    except (ValueError, IndexError) as error:
        raise InputError(f"{file}: cannot be read as a gold standard ({error})") from error
    constants = {"rater": "gold", "video_id": file.stem, "setup": setup, "dimension": dimension}
    table = pa.table({**{key: pa.array([constant] * len(rows)) for key, constant in constants.items()}, **columns})
    return Part(table=table, name=str(file), rows=np.array([number for number, _ in numbered]))


def _csv(file: Path, setup: str) -> Part:
    """Recording, time and a column per dimension, under a header or without one."""
    table = _without_header(file)
    if table is None:
        table = read_user_table(file, types={"name": pa.string()}, required=["name", "timestamp"])
        names = pa.array([name.strip("'") for name in table["name"].to_pylist()])
        table = table.set_column(table.column_names.index("name"), "name", names)
    dimension_columns = [name for name in _DIMENSIONS if name in table.column_names]
    keys = {"video_id": "name", "time": "timestamp", "rater": "=gold", "setup": f"={setup}"}
    return tidy_part(table, file, TableMap(keys=keys, header="{dimension}", columns=dimension_columns))


def _without_header(file: Path) -> pa.Table | None:
    """The table of a file whose first line is data; None: it has a header."""
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    if _ROW.match(text) is None:
        return None
    rows = [row for row in csv.reader(text.splitlines(), delimiter=";", quotechar="'") if row]
    widths = {len(row) for row in rows}
    if len(widths) > 1 or not 3 <= max(widths) <= 2 + len(_DIMENSIONS):
        raise InputError(f"{file}: has rows of {sorted(widths)} cells; expected recording, time and up to three labels")
    try:
        numbers = np.array([[float(cell) for cell in row[1:]] for row in rows])
    except ValueError as error:
        raise InputError(f"{file}: cannot be read as a gold standard ({error})") from error
    columns = dict(zip(("timestamp", *_DIMENSIONS), numbers.T, strict=False))
    return pa.table({"name": [row[0] for row in rows], **columns})


FORMAT = Format(
    title="AVEC, SEWA gold standards (ARFF, or CSV of recording, time, arousal, valence, liking)",
    files="ratings_gold_standard/arousal/*.arff",
    looks_like=lambda path, head: (
        "@attribute goldstandard" in head.lower()
        or head.lower().lstrip("\ufeff").startswith(("name;timestamp;", "name,timestamp,"))
        or (path.suffix.lower() == ".csv" and _ROW.match(head.lstrip("\ufeff")) is not None)
    ),
    read=_read,
)
