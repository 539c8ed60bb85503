"""ANNEMO, as in RECOLA's ratings of single raters: one file per clip and dimension, `time;FM1 ;FM2 ;...`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avcues.pipeline.annotations.importing.assemble import Reading
from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.table_map import TableMap, read_part
from avcues.pipeline.annotations.ratings.schema import Dimension

_DIMENSIONS = ("arousal", "valence")


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    keys = {"video_id": "{file}", "time": "time", "setup": f"={options.setup or 'audiovisual'}"}
    keys["dimension"] = f"={options.dimension}" if options.dimension else "{dimension}"
    of = TableMap(keys=keys, header="{rater}", pattern=None if options.dimension else "{dimension}/{file}")
    read = [read_part(file, of) for file in files]
    dimensions = {name: Dimension(name=name, low=-1, high=1) for name in _DIMENSIONS}
    notes = [note for _, part_notes in read for note in part_notes]
    return Reading(parts=[part for part, _ in read], name="the files", origin={}, dimensions=dimensions, notes=notes)


FORMAT = Format(
    title="ANNEMO, RECOLA per rater (arousal/P16.csv: time;FM1 ;FM2 ...)",
    files="arousal/*.csv valence/*.csv",
    looks_like=lambda path, head: head.lstrip("\ufeff").lower().startswith("time;"),
    read=_read,
)
