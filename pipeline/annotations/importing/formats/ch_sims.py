"""CH-SIMS: sentiment of clips, -1 to 1, from text, sound and picture alone and from all together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avcues.pipeline.annotations.importing.assemble import Reading
from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.formats.cmu_mosei import consensus_of

_SETUPS = {"text": "label_T", "audio": "label_A", "video": "label_V", "all": "label"}


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    return consensus_of(files, _SETUPS, 1)


FORMAT = Format(
    title="CH-SIMS (label.csv with label_T, label_A, label_V)",
    files="label.csv",
    looks_like=lambda path, head: "label_T" in head and "sims" in str(path).lower(),
    read=_read,
)
