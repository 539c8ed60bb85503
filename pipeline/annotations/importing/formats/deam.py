"""DEAM, the database for emotional analysis of music: valence and arousal, over time and once per song.

| file                                            | one row per    | columns                                      |
|-------------------------------------------------|----------------|----------------------------------------------|
| `.../arousal/2.csv`, `.../valence/2.csv`        | rater          | `WorkerId`, `sample_15000ms`, ...            |
| `arousal.csv`, `valence.csv`                    | song, averaged | `song_id`, `sample_15000ms`, ...             |
| `static_annotations_songs_1_2000.csv`           | song and rater | `workerID`, `SongId`, `Valence`, `Arousal`   |
| `static_annotations_songs_2000_2058.csv`        | song and rater | `SongId`, `WorkerId`, `Arousal_Average`, ... |
| `static_annotations_averaged_songs_1_2000.csv`  | song, averaged | `song_id`, `valence_mean`, `arousal_mean`    |

Ratings over time run from -1 to 1 and begin 15 s into the song; those of songs run from 1 to 9. Some files name no
raters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.importing.table_map import TableMap, tidy_part
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.annotations.ratings.wording import counted, listed
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_tables import column_names, read_user_table

DIMENSIONS = ("arousal", "valence")
_AVERAGED = ("", "_cont_average")
"""Endings of the names of files with averages over time; the second is that of the collection's first release."""
_HEADER = "sample_{time}ms"
_SAMPLE = "sample_15000ms"
_RATER_COLUMNS = ("WorkerId", "workerID")
_VALUE_COLUMNS = ("{}", "{}_Average", "{}_mean")
"""Names of the column with a song's rating: in files of one rater per row, in files that also hold each rater's
extremes, and in files of averages."""


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    setup = options.setup or "music"
    parts: list[Part] = []
    empty = [file.name for file in files if not file.stat().st_size]
    for file in files:
        if file.name not in empty:
            parts += _over_time(file, setup) if _is_over_time(column_names(file)) else _of_songs(file, setup)
    if not parts:
        raise InputError(f"{files[0]}: is empty; expected ratings of DEAM")
    dimensions = {name: Dimension(name=name, low=-1, high=1) for name in DIMENSIONS}
    dimensions |= {f"{name}_of_song": Dimension(name=f"{name}_of_song", low=1, high=9) for name in DIMENSIONS}
    notes = [f"left out: {counted(len(empty), 'empty file')}: {listed(empty)}"] if empty else []
    return Reading(parts=parts, dimensions=dimensions, notes=notes)


def _is_over_time(names: Sequence[str]) -> bool:
    return any(name.startswith("sample_") for name in names)


def _over_time(file: Path, setup: str) -> list[Part]:
    """The ratings over time of one song, or the averages over time of all songs."""
    names = column_names(file)
    is_averaged = "song_id" in names
    dimension_source = file.stem.lower() if is_averaged else file.parent.name.lower()
    dimension = next((name for name in DIMENSIONS if dimension_source in [name + ending for ending in _AVERAGED]), None)
    if dimension is None:
        raise InputError(f"{file}: neither the file nor its folder is called arousal or valence; in DEAM one is")
    keys = {"dimension": f"={dimension}", "setup": f"={setup}"}
    table = read_user_table(file, types={name: pa.string() for name in ("song_id", *_RATER_COLUMNS) if name in names})
    notes = []
    if is_averaged:
        keys |= {"video_id": "song_id", "rater": "=average"}
        notes.append(_averaged_note(file))
    else:
        keys |= {"video_id": "{file}", "rater": _RATER_COLUMNS[0]}
        if _RATER_COLUMNS[0] not in names:
            table = table.append_column(_RATER_COLUMNS[0], _unnamed(file.stem, len(table)))
            notes.append("some files name no raters: their rows are taken as raters of that song alone")
    return [replace(tidy_part(table, file, TableMap(keys=keys, header=_HEADER, time_unit="ms")), notes=notes)]


def _of_songs(file: Path, setup: str) -> list[Part]:
    """The ratings once per song."""
    names = column_names(file)
    song_column = next((name for name in ("song_id", "SongId") if name in names), None)
    rater_column = next((name for name in _RATER_COLUMNS if name in names), None)
    if song_column is None:
        raise InputError(f"{file}: lacks the column song_id or SongId, which every table of DEAM has")
    table = read_user_table(file, types={name: pa.string() for name in (song_column, rater_column) if name is not None})
    parts = []
    for dimension in DIMENSIONS:
        candidates = [form.format(word) for form in _VALUE_COLUMNS for word in (dimension, dimension.capitalize())]
        value_column = next((name for name in candidates if name in names), None)
        if value_column is None:
            raise InputError(f"{file}: has no column of {dimension}, only {', '.join(names[:20])}")
        keys = {
            "video_id": song_column,
            "value": value_column,
            "setup": f"={setup}",
            "dimension": f"={dimension}_of_song",
        }
        part = tidy_part(table, file, TableMap(keys=keys | {"rater": rater_column or "=average"}))
        parts.append(replace(part, notes=[] if rater_column else [_averaged_note(file)]))
    return parts


def _averaged_note(file: Path) -> str:
    return f"{file.name}: holds averages over raters, taken as one rater called average"


def _unnamed(song: str, rows: int) -> pa.Array:
    """Names for raters of one song that the file does not name."""
    return pa.array([f"{song}, row {row}" for row in range(1, rows + 1)])


FORMAT = Format(
    title="DEAM (per rater or averaged, over time or per song)",
    files="arousal/*.csv valence/*.csv",
    looks_like=lambda path, head: (
        _SAMPLE in head
        or ("WorkerId" in head and "sample_" in head)
        or path.name.startswith("static_annotations_songs_")
        or path.name.startswith("static_annotations_averaged_songs_")
    ),
    read=_read,
)
