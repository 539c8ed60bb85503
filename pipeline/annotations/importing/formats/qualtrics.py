"""Qualtrics, exported as CSV: a row per response under three lines of heading, a column per question.

Which clip and dimension a question is about its name says, by a template: `{video_id}_{dimension}` unless another is
given. Values that are numbers are ratings, others are labels.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.assemble import Part, Reading
from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.table_map import TableMap, tidy_part
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.text_tables import decoded

_HEADINGS = 3
_RATER = "ResponseId"
_OWN = ("StartDate", "EndDate", "Status", "IPAddress", "Progress", "Finished", "RecordedDate", "DistributionChannel")
_UNFINISHED = ("false", "0")


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    parts, notes = [], []
    for file in files:
        rows = [row for row in csv.reader(io.StringIO(decoded(file.read_bytes()).lstrip("\ufeff"))) if row]
        if len(rows) < _HEADINGS or _RATER not in rows[0] or "ImportId" not in "".join(rows[2]):
            raise InputError(
                f"{file}: has no column {_RATER} or no third line of ImportIds, as exports of Qualtrics have"
            )
        names, responses = rows[0], rows[_HEADINGS:]
        finished = names.index("Finished") if "Finished" in names else None
        kept = [row for row in responses if finished is None or row[finished].strip().lower() not in _UNFINISHED]
        if len(kept) < len(responses):
            notes.append(f"{file.name}: left out: {len(responses) - len(kept)} responses that were not finished")
        keys = {"rater": _RATER, "setup": f"={options.setup or 'audiovisual'}"}
        header = options.header or "{video_id}_{dimension}"
        if "{dimension}" not in header:
            keys["dimension"] = f"={options.dimension or 'rating'}"
        columns = {name: [row[i].strip() or None for row in kept] for i, name in enumerate(names)}
        for name in names:
            if name in _OWN or name == _RATER or all(cell is None for cell in columns[name]):
                continue
            table = pa.table({_RATER: pa.array(columns[_RATER]), name: pa.array(columns[name], pa.string())})
            try:
                part = tidy_part(table, file, TableMap(keys=keys, header=header, columns=[name]))
            except InputError:
                notes.append(f'{file.name}: the column "{name}" is no rating: its name is not like "{header}"')
                continue
            answered = np.flatnonzero([cell is not None for cell in columns[name]])
            parts.append(Part(table=part.table.take(pa.array(answered)), name=str(file), rows=answered + 1))
    if not parts:
        raise InputError(
            f"{files[0]}: no column is named like the template; give `header`, such as {{video_id}}_{{dimension}}"
        )
    return Reading(parts=parts, name="the files", origin={}, notes=notes)


FORMAT = Format(
    title="Qualtrics (export as CSV; questions named CLIP_DIMENSION, or header)",
    files="survey.csv",
    looks_like=lambda path, head: _RATER in head and "ImportId" in head,
    read=_read,
)
