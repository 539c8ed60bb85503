"""CMU-MOSEI and CMU-MOSI: one sentiment per clip, -3 to 3, as in the `label.csv` that MMSA's copies have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avcues.pipeline.annotations.importing.assemble import Reading
from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.table_map import TableMap, read_part
from avcues.pipeline.annotations.ratings.schema import Dimension

CLIP = "{video_id}_{clip_id}"
"""Ids of clips: name the video files alike, `VIDEO_CLIP.mp4`."""


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    keys = {"video_id": CLIP, "value": "label", "rater": "=consensus", "dimension": "=sentiment"}
    keys["setup"] = f"={options.setup or 'all'}"
    parts = [read_part(file, TableMap(keys=keys))[0] for file in files]
    return Reading(
        parts=parts,
        name="the files",
        origin={},
        dimensions={"sentiment": Dimension(name="sentiment", low=-3, high=3)},
        notes=["the file holds consensus labels, taken as one rater; its column mode is the study's own partition"],
    )


FORMAT = Format(
    title="CMU-MOSEI, CMU-MOSI (label.csv)",
    files="label.csv",
    looks_like=lambda path, head: (
        head.lstrip("\ufeff").startswith("video_id,clip_id,text,label") and "sims" not in str(path).lower()
    ),
    read=_read,
)
