"""MELD: one emotion and one sentiment per utterance, which is a clip called `dia0_utt0.mp4`.

The dyadic version repeats utterances in new dialogues, and names the clip by `Old_Dialogue_ID` and `Old_Utterance_ID`.
It is not in UTF-8.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.importing.table_map import TableMap, tidy_part
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_tables import read_user_table
from avcues.pipeline.store.workbooks import EXCEL

_IDS = ("Dialogue_ID", "Utterance_ID")
_LABELS = ("Emotion", "Sentiment")


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    notes = ["the files hold consensus labels, taken as one rater"]
    if len(files) > 1:
        notes.append("clips of several files are called PART_dia0_utt0: dialogues are numbered anew in each")
    parts: list[Part] = []
    for file in files:
        table, ids, repeated = _table(file)
        if repeated:
            notes.append(f"{file.name}: left out: {counted(repeated, 'repetition')} of utterances in other dialogues")
        # Each of MELD's three parts numbers its dialogues from 0.
        prefix = f"{file.stem.split('_')[0]}_" if len(files) > 1 else ""
        clip = f"{prefix}dia{{{ids[0]}}}_utt{{{ids[1]}}}"
        for name in _LABELS:
            keys = {"video_id": clip, "rater": "=consensus", "label": name, "dimension": f"={name.lower()}"}
            parts.append(tidy_part(table, file, TableMap(keys=keys | {"setup": f"={options.setup or 'all'}"})))
    return Reading(parts=parts, notes=notes)


def _table(file: Path) -> tuple[pa.Table, list[str], int]:
    """The utterances, the columns that name their clips, and the number of repetitions left out."""
    old_ids = [f"Old_{name}" for name in _IDS]
    types = {name: pa.string() for name in (*_IDS, *old_ids)}
    source = file if file.suffix.lower() in EXCEL else io.BytesIO(_text(file).encode())
    table = read_user_table(source, types=types, required=(*_IDS, *_LABELS), name=str(file))
    if not set(old_ids) <= set(table.column_names):
        return table, list(_IDS), 0
    first_row: dict[tuple[str, ...], int] = {}
    clips = zip(*(table[name].to_pylist() for name in old_ids), strict=True)
    first = np.array([first_row.setdefault(clip, row) == row for row, clip in enumerate(clips)], bool)
    return table.filter(pa.array(first)), old_ids, int((~first).sum())


def _text(file: Path) -> str:
    """The text of a file in UTF-8 or Windows-1252; the ids and labels of MELD are plain letters."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}") from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


FORMAT = Format(
    title="MELD (train_sent_emo.csv)",
    files="train_sent_emo.csv",
    looks_like=lambda path, head: all(name in head for name in (*_IDS, *_LABELS)),
    read=_read,
)
