"""DEAM, the database for emotional analysis of music: valence and arousal over time, per rater or averaged.

| file                                                | one row per    | columns                                       |
|-----------------------------------------------------|----------------|-----------------------------------------------|
| `.../arousal/2.csv`, `.../valence/2.csv`            | rater          | `WorkerId`, `sample_15000ms`, ...             |
| `arousal.csv`, `valence.csv`                        | song, averaged | `song_id`, `sample_15000ms`, ...              |
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avcues.pipeline.annotations.importing.assemble import Reading
from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.table_map import TableMap, read_part
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_tables import column_names

DIMENSIONS = ("arousal", "valence")
_HEADER = "sample_{time}ms"


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    parts, notes = [], []
    for file in files:
        names = column_names(file)
        averaged = "song_id" in names
        dimension = file.stem.lower() if averaged else file.parent.name.lower()
        if dimension not in DIMENSIONS:
            raise InputError(f"{file}: neither the file nor its folder is called arousal or valence, as in DEAM")
        keys = {"dimension": f"={dimension}", "setup": f"={options.setup or 'music'}"}
        keys |= (
            {"video_id": "song_id", "rater": "=average"} if averaged else {"video_id": "{file}", "rater": "WorkerId"}
        )
        part, part_notes = read_part(file, TableMap(keys=keys, header=_HEADER, time_unit="ms"))
        parts.append(part)
        notes += part_notes
        if averaged:
            notes.append(f"{file.name}: holds the average of all raters, taken as one rater called average")
    dimensions = {name: Dimension(name=name, low=-1, high=1) for name in DIMENSIONS}
    return Reading(parts=parts, name="the files", origin={}, dimensions=dimensions, notes=notes)


FORMAT = Format(
    title="DEAM (per rater, or averaged per song)",
    files="arousal/*.csv valence/*.csv",
    looks_like=lambda path, head: "sample_15000ms" in head or ("WorkerId" in head and "sample_" in head),
    read=_read,
)
