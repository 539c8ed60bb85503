"""MELD: one emotion and one sentiment per utterance, which is a clip called `dia0_utt0.mp4`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avcues.pipeline.annotations.importing.assemble import Reading
from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.table_map import TableMap, read_part

_CLIP = "dia{Dialogue_ID}_utt{Utterance_ID}"


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    parts, notes = [], ["the files hold consensus labels, taken as one rater"]
    for file in files:
        # The three parts of MELD number their dialogues from 0 each.
        part = file.stem.split("_")[0]
        clip = f"{part}_{_CLIP}" if len(files) > 1 else _CLIP
        for dimension in ("Emotion", "Sentiment"):
            keys = {"video_id": clip, "rater": "=consensus", "label": dimension, "dimension": f"={dimension.lower()}"}
            keys["setup"] = f"={options.setup or 'all'}"
            parts.append(read_part(file, TableMap(keys=keys))[0])
    if len(files) > 1:
        notes.append("clips of several files are called PART_dia0_utt0: dialogues are numbered anew in each")
    return Reading(parts=parts, name="the files", origin={}, notes=notes)


FORMAT = Format(
    title="MELD (train_sent_emo.csv)",
    files="train_sent_emo.csv",
    looks_like=lambda path, head: "Dialogue_ID" in head and "Utterance_ID" in head and "Emotion" in head,
    read=_read,
)
