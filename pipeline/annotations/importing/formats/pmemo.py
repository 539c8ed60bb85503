"""PMEmo: valence and arousal of choruses of songs, 0 to 1, over time from 15 s on, or once per song.

| file                                             | one row per      | columns                                       |
|--------------------------------------------------|------------------|-----------------------------------------------|
| `Annotations/Arousal/1-A.csv`, `Valence/1-V.csv` | rater            | rater, whole song, then one per half second   |
| `dynamic_annotations.csv`                        | song and instant | `musicId`, `frameTime`, `Arousal(mean)`, ...  |
| `static_annotations.csv`                         | song             | `musicId`, `Arousal(mean)`, `Valence(mean)`   |

The first file is of the release of 2018, the others are averages over raters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.importing.table_map import TableMap, read_part, tidy_part
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_tables import column_names, read_user_table

_MEANS = {"arousal": "Arousal(mean)", "valence": "Valence(mean)"}
_SONG = re.compile(r"(?P<song>.+)-(?P<dimension>[AV])")
_DIMENSIONS = {"A": "arousal", "V": "valence"}
_SECONDS = re.compile(r"\d+(\.\d+)?")


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    setup = options.setup or "music"
    parts, is_averaged = [], False
    for file in files:
        if _SONG.fullmatch(file.stem):
            parts += _of_raters(file, setup)
        else:
            parts += _averages(file, setup)
            is_averaged = True
    names = [name + ending for name in _MEANS for ending in ("", "_of_song")]
    return Reading(
        parts=parts,
        dimensions={name: Dimension(name=name, low=0, high=1) for name in names},
        notes=["the files hold averages over raters, taken as one rater called average"] if is_averaged else [],
    )


def _averages(file: Path, setup: str) -> list[Part]:
    over_time = "frameTime" in column_names(file)
    parts = []
    for dimension, column in _MEANS.items():
        keys = {"video_id": "musicId", "value": column, "rater": "=average", "setup": f"={setup}"}
        keys |= (
            {"time": "frameTime", "dimension": f"={dimension}"} if over_time else {"dimension": f"={dimension}_of_song"}
        )
        parts.append(read_part(file, TableMap(keys=keys)))
    return parts


def _of_raters(file: Path, setup: str) -> list[Part]:
    """The ratings of each rater of one song: of the song as a whole, and over time."""
    matched = _SONG.fullmatch(file.stem)
    names = column_names(file)
    if matched is None or len(names) < 3 or not all(_SECONDS.fullmatch(name.rstrip("s")) for name in names[2:]):
        raise InputError(
            f"{file}: its columns from the third on are not called by their seconds, such as 15.0; read it with "
            "`import table` and `header`"
        )
    dimension = _DIMENSIONS[matched["dimension"]]
    table = read_user_table(file, types={names[0]: pa.string()}).rename_columns(
        [*names[:2], *(name.rstrip("s") for name in names[2:])]
    )
    keys = {"rater": names[0], "video_id": f"={matched['song']}", "setup": f"={setup}"}
    song_map = TableMap(keys=keys | {"value": names[1], "dimension": f"={dimension}_of_song"})
    time_map = TableMap(keys=keys | {"dimension": f"={dimension}"}, header="{time}", columns=table.column_names[2:])
    return [tidy_part(table, file, song_map), tidy_part(table, file, time_map)]


FORMAT = Format(
    title="PMEmo (1-A.csv per rater, or dynamic_annotations.csv, static_annotations.csv)",
    files="dynamic_annotations.csv",
    looks_like=lambda path, head: (
        ("musicId" in head and "Arousal(mean)" in head)
        or (path.parent.name.lower() in _MEANS and _SONG.fullmatch(path.stem) is not None)
    ),
    read=_read,
)
