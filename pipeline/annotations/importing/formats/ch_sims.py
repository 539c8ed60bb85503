"""CH-SIMS: sentiment of clips, -1 to 1, from text, sound and picture alone and from all together.

The ids of clips have four digits, `video_0001_0001`; leading zeros that a program dropped are restored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.formats.cmu_mosei import consensus_of
from avcues.pipeline.annotations.importing.label_csv import has_single_modalities, is_label_csv
from avcues.pipeline.annotations.importing.reading import Part, Reading

_SETUPS = {"text": "label_T", "audio": "label_A", "video": "label_V", "all": "label"}


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    reading = consensus_of(files, _SETUPS, 1, "{video_id}_{clip_id}")
    return replace(reading, parts=[_with_zeros(part) for part in reading.parts])


def _with_zeros(part: Part) -> Part:
    """The part with four digits at the end of every id."""
    split = pc.extract_regex(part.table["video_id"], r"^(?P<video>.*_)(?P<clip>\d+)$")
    padded = pc.binary_join_element_wise(
        pc.struct_field(split, "video"), pc.utf8_lpad(pc.struct_field(split, "clip"), 4, "0"), ""
    )
    ids = pc.coalesce(padded, part.table["video_id"])
    position = part.table.column_names.index("video_id")
    return replace(part, table=part.table.set_column(position, "video_id", ids.cast(pa.string())))


FORMAT = Format(
    title="CH-SIMS (label.csv with label_T, label_A, label_V)",
    files="label.csv",
    looks_like=lambda path, head: is_label_csv(head) and has_single_modalities(head),
    read=_read,
)
