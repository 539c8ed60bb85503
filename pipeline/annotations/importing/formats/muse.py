"""MuSe, ratings of single raters: one file per clip and dimension, a column of times and one per rater.

Times are milliseconds in MuSe-CaR's raw annotations and seconds in MuSe-Toolbox; their spacing tells which.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.reading import Reading
from avcues.pipeline.annotations.importing.table_map import TableMap, tidy_part
from avcues.pipeline.annotations.importing.times import TimeUnit, seconds_of
from avcues.pipeline.store.user_columns import drop_row_counters
from avcues.pipeline.store.user_tables import read_user_table

_TIME = "timestamp"
_MILLISECONDS = 10.0
"""Times that are further apart than this are milliseconds."""


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    parts, notes = [], []
    for file in files:
        table, table_notes = drop_row_counters(read_user_table(file, required=[_TIME]), [_TIME], file.name)
        notes += table_notes
        steps = np.diff(seconds_of(table[_TIME], "s", str(file), _TIME))
        unit: TimeUnit = "ms" if len(steps) and np.median(steps) > _MILLISECONDS else "s"
        keys = {"video_id": "{file}", "time": _TIME, "setup": f"={options.setup or 'audiovisual'}"}
        keys["dimension"] = f"={options.dimension}" if options.dimension else "{dimension}"
        table_map = TableMap(
            keys=keys,
            header="{rater}",
            pattern="{dimension}/{file}" if options.dimension is None else None,
            time_unit=unit,
        )
        parts.append(tidy_part(table, file, table_map))
    return Reading(parts=parts, notes=notes)


FORMAT = Format(
    title="MuSe per rater (arousal/1.csv: timestamp, one column per rater)",
    files="arousal/*.csv valence/*.csv",
    looks_like=lambda path, head: head.startswith("timestamp,") and path.parent.name.lower() in ("arousal", "valence"),
    read=_read,
)
