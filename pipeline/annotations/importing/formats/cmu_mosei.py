"""CMU-MOSEI and CMU-MOSI: one sentiment per clip, -3 to 3, as in the `label.csv` that MMSA's copies have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from avcues.pipeline.annotations.importing.assemble import Reading
from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.table_map import TableMap, read_part
from avcues.pipeline.annotations.ratings.schema import Dimension

CLIP = "{video_id}_{clip_id}"
"""Ids of clips: name the video files alike, `VIDEO_CLIP.mp4`."""


def consensus_of(files: Sequence[Path], columns: Mapping[str, str], end: float) -> Reading:
    """One sentiment per clip and setup.

    Args:
        columns: By setup, the column of its labels.
        end: Of the scale, which begins at its negative.
    """
    parts = []
    for file in files:
        for setup, column in columns.items():
            keys = {"video_id": CLIP, "value": column, "rater": "=consensus", "dimension": "=sentiment"}
            parts.append(read_part(file, TableMap(keys=keys | {"setup": f"={setup}"}))[0])
    return Reading(
        parts=parts,
        name="the files",
        origin={},
        dimensions={"sentiment": Dimension(name="sentiment", low=-end, high=end)},
        notes=["the file holds consensus labels, taken as one rater; its column mode is the study's own partition"],
    )


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    return consensus_of(files, {options.setup or "all": "label"}, 3)


FORMAT = Format(
    title="CMU-MOSEI, CMU-MOSI (label.csv)",
    files="label.csv",
    looks_like=lambda path, head: (
        head.lstrip("\ufeff").startswith("video_id,clip_id,text,label") and "sims" not in str(path).lower()
    ),
    read=_read,
)
