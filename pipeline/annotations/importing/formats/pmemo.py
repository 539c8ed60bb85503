"""PMEmo: valence and arousal of choruses of songs, averaged over raters, over time or once per song, 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avcues.pipeline.annotations.importing.assemble import Reading
from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.table_map import TableMap, read_part
from avcues.pipeline.store.user_tables import column_names

_COLUMNS = {"arousal": "Arousal(mean)", "valence": "Valence(mean)"}


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    parts = []
    for file in files:
        over_time = "frameTime" in column_names(file)
        for dimension, column in _COLUMNS.items():
            keys = {
                "video_id": "musicId",
                "value": column,
                "rater": "=average",
                "setup": f"={options.setup or 'music'}",
            }
            keys |= (
                {"time": "frameTime", "dimension": f"={dimension}"}
                if over_time
                else {"dimension": f"={dimension}_of_song"}
            )
            parts.append(read_part(file, TableMap(keys=keys))[0])
    note = "the files hold averages over all raters, taken as one rater called average"
    return Reading(parts=parts, name="the files", origin={}, notes=[note])


FORMAT = Format(
    title="PMEmo (dynamic_annotations.csv, static_annotations.csv)",
    files="dynamic_annotations.csv",
    looks_like=lambda path, head: "musicId" in head and "Arousal(mean)" in head,
    read=_read,
)
