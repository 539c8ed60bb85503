"""PAGAN: a log of annotations of all participants, `VideoTime` in milliseconds, in which a value holds until the next.

RankTrace has no bounds: bring raters to one scale with `gold --standardise rater`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.importing.assemble import Reading
from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.table_map import TableMap, tidy_part
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.store.user_tables import read_user_table

_LAST = ("OriginalName", "Participant", "VideoTime")


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    name = options.dimension or "rating"
    keys = {"video_id": "OriginalName", "rater": "Participant", "time": "VideoTime", "value": "Value"}
    keys |= {"setup": f"={options.setup or 'audiovisual'}", "dimension": f"={name}"}
    parts, notes = [], []
    for file in files:
        types = {"OriginalName": pa.string(), "Participant": pa.string()}
        table = read_user_table(file, types=types, required=(*_LAST, "Value"))
        # Packets of one instant: the last one counts. A rater of PAGAN's own ends with a packet of 0.
        latest = table.append_column("row", pa.array(range(len(table)))).group_by(list(_LAST), use_threads=False)
        rows = latest.aggregate([("row", "max")])["row_max"].combine_chunks()
        kept = table.take(rows.take(pc.sort_indices(rows)))
        if len(kept) < len(table):
            notes.append(f"{file.name}: {len(table) - len(kept)} entries of one instant; the last of each counts")
        parts.append(tidy_part(kept, file, TableMap(keys=keys, time_unit="ms")))
    dimension = Dimension(name=name, hold=True)
    return Reading(parts=parts, name="the files", origin={}, dimensions={name: dimension}, notes=notes)


FORMAT = Format(
    title="PAGAN (OriginalName, DatabaseName, Participant, SessionID, Timestamp, VideoTime, Value)",
    files="log.csv",
    looks_like=lambda path, head: "OriginalName" in head and "VideoTime" in head,
    read=_read,
)
