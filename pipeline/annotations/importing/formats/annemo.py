"""ANNEMO: logs of single raters, and the ratings of RECOLA, which were collected with it.

| file                                     | one row per     | columns                                                |
|------------------------------------------|-----------------|--------------------------------------------------------|
| RECOLA, `arousal/P16.csv`                | instant         | `time;FM1 ;FM2 ;...`, the raters                       |
| ANNEMO, `results/anna.csv`, of one rater | move of the     | no heading: date, clock of the browser, rater, video,  |
|                                          | slider          | dimension, time (s), value, whether the video played   |

A value of a log holds until the next one. Its lines `Social,...` name no video, and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.importing.table_map import TableMap, read_part, tidy_part
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_tables import raw_rows

_DIMENSIONS = ("arousal", "valence")
_LOG = ("date", "clienttime", "rater", "video_id", "dimension", "time", "value", "playing")
_SOCIAL = "Social"


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    setup = options.setup or "audiovisual"
    logs = {file: rows for file in files if (rows := raw_rows(file)) and _is_log(rows[0])}
    if logs and len(logs) < len(files):
        unlike_file = next(file for file in files if file not in logs)
        raise InputError(f"{unlike_file}: is no log of ANNEMO like the other files; import the two kinds one by one")
    parts = [_of_log(file, rows, setup) for file, rows in logs.items()]
    if not logs:
        keys = {"video_id": "{file}", "time": "time", "setup": f"={setup}"}
        keys["dimension"] = f"={options.dimension}" if options.dimension else "{dimension}"
        table_map = TableMap(keys=keys, header="{rater}", pattern=None if options.dimension else "{dimension}/{file}")
        parts = [read_part(file, table_map) for file in files]
    dimensions = {name: Dimension(name=name, low=-1, high=1, hold=bool(logs)) for name in _DIMENSIONS}
    return Reading(parts=parts, dimensions=dimensions)


def _is_log(row: Sequence[str]) -> bool:
    return row[0] == _SOCIAL or (len(row) == len(_LOG) and row[-1] in ("true", "false"))


def _of_log(file: Path, rows: Sequence[Sequence[str]], setup: str) -> Part:
    """The moves of the slider of one rater."""
    number = np.array([i for i, row in enumerate(rows, 1) if row[0] != _SOCIAL])
    moves = [rows[i - 1] for i in number]
    for i, row in zip(number, moves, strict=True):
        if len(row) != len(_LOG):
            raise InputError(f"{file}: line {i}: has {len(row)} cells; expected {', '.join(_LOG)}")
    columns = zip(*moves, strict=True) if moves else [()] * len(_LOG)
    table = pa.table({name: pa.array(cells, pa.string()) for name, cells in zip(_LOG, columns, strict=True)})
    keys = {name: name for name in ("rater", "video_id", "dimension", "time", "value")}
    part = tidy_part(table, file, TableMap(keys=keys | {"setup": f"={setup}"}))
    social = len(rows) - len(moves)
    notes = [f"{file.name}: left out: {counted(social, 'line')} of social dimensions, which name no video"]
    return Part(table=part.table, name=part.name, rows=number, notes=notes if social else [])


def _looks_like(path: Path, head: str) -> bool:
    lines = head.lstrip("\ufeff").splitlines()
    if not lines or path.suffix.lower() != ".csv":
        return False
    if lines[0].lower().startswith("time;"):
        return True
    return any(
        line.endswith((",true", ",false")) and any(f",{name}," in line for name in _DIMENSIONS) for line in lines
    )


FORMAT = Format(
    title="ANNEMO (logs of raters, or RECOLA's arousal/P16.csv: time;FM1 ;FM2 ...)",
    files="arousal/*.csv valence/*.csv",
    looks_like=_looks_like,
    read=_read,
)
