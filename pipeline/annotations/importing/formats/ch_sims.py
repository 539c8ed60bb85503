"""CH-SIMS: sentiment of clips, -1 to 1, from text, sound and picture alone and from all together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avcues.pipeline.annotations.importing.assemble import Reading
from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.table_map import TableMap, read_part
from avcues.pipeline.annotations.ratings.schema import Dimension

_SETUPS = {"text": "label_T", "audio": "label_A", "video": "label_V", "all": "label"}


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    parts = []
    for file in files:
        for setup, column in _SETUPS.items():
            keys = {"video_id": "{video_id}_{clip_id}", "value": column, "setup": f"={setup}"}
            parts.append(read_part(file, TableMap(keys=keys | {"rater": "=consensus", "dimension": "=sentiment"}))[0])
    return Reading(
        parts=parts,
        name="the files",
        origin={},
        dimensions={"sentiment": Dimension(name="sentiment", low=-1, high=1)},
        notes=["the file holds consensus labels, taken as one rater; its column mode is the study's own partition"],
    )


FORMAT = Format(
    title="CH-SIMS (label.csv with label_T, label_A, label_V)",
    files="label.csv",
    looks_like=lambda path, head: "label_T" in head and "sims" in str(path).lower(),
    read=_read,
)
