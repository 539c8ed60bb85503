"""Qualtrics, exported as CSV: a row per response under three lines of heading, a column per question.

The name of a question states its clip and dimension by a template, `{video_id}_{dimension}` unless another is given.
Values that are numbers are ratings, all others are labels. Previews, tests and spam (`Status`) are left out, and so are
columns of display orders, timing and free text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.key_sources import is_like_template
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.importing.rules import require_full_rows
from avcues.pipeline.annotations.importing.table_map import TableMap, tidy_part
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.text_tables import decode_text

_HEADINGS = 3
_RATER = "ResponseId"
_METADATA_COLUMNS = (
    *("StartDate", "EndDate", "Status", "IPAddress", "Progress", "Duration (in seconds)", "Finished", "RecordedDate"),
    *("RecipientLastName", "RecipientFirstName", "RecipientEmail", "ExternalReference", "LocationLatitude"),
    *("LocationLongitude", "DistributionChannel", "UserLanguage"),
)
_UNFINISHED = ("false", "0")
_REAL = ("ip address", "imported", "0", "4", "")
"""Values of `Status` of responses that raters gave, as words and as numbers."""
_QUESTION_EXTRAS = re.compile(r"_(DO(_\d+)?|TEXT|First Click|Last Click|Page Submit|Click Count)$")
"""Endings of the extra columns that Qualtrics adds to a question."""


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    parts, notes = [], []
    for file in files:
        rows = [row for row in csv.reader(io.StringIO(decode_text(file.read_bytes()).lstrip("\ufeff"))) if row]
        if len(rows) < _HEADINGS or _RATER not in rows[0] or "ImportId" not in "".join(rows[2]):
            raise InputError(
                f"{file}: lacks the column {_RATER} or the third line with ImportIds that every export of Qualtrics has"
            )
        require_full_rows(rows, file)
        names, responses = rows[0], list(enumerate(rows[_HEADINGS:], _HEADINGS))
        used_responses = _filtered_rows(responses, names, "Status", lambda word: word in _REAL)
        if len(used_responses) < len(responses):
            notes.append(
                f"{file.name}: left out: {counted(len(responses) - len(used_responses), 'response')} in previews or "
                "tests"
            )
        complete = _filtered_rows(used_responses, names, "Finished", lambda word: word not in _UNFINISHED)
        if len(complete) < len(used_responses):
            notes.append(
                f"{file.name}: left out: {counted(len(used_responses) - len(complete), 'response')} not finished"
            )
        used_responses = complete
        header = options.header or "{video_id}_{dimension}"
        sources = {"setup": f"={options.setup or 'audiovisual'}", "dimension": f"={options.dimension or 'rating'}"}
        keys = {key: source for key, source in sources.items() if f"{{{key}}}" not in header} | {"rater": _RATER}
        columns = {name: [row[i].strip() or None for _, row in used_responses] for i, name in enumerate(names)}
        for name in names:
            if (
                name in _METADATA_COLUMNS
                or name == _RATER
                or all(cell is None for cell in columns[name])
                or _QUESTION_EXTRAS.search(name)
            ):
                continue
            if not is_like_template(name, header):
                notes.append(f'{file.name}: the column "{name}" is no rating: its name is not like "{header}"')
                continue
            table = pa.table({_RATER: pa.array(columns[_RATER]), name: pa.array(columns[name], pa.string())})
            try:
                part = tidy_part(table, file, TableMap(keys=keys, header=header, columns=[name]))
            except InputError as error:
                notes.append(f'{file.name}: left out: the column "{name}", because of a cell: {error}')
                continue
            answered = np.flatnonzero([cell is not None for cell in columns[name]])
            parts.append(
                Part(
                    table=part.table.take(pa.array(answered)),
                    name=str(file),
                    rows=np.array([number for number, _ in used_responses])[answered],
                )
            )
    if not parts:
        raise InputError(
            f"{files[0]}: no column is named like the template; give `header`, such as {{video_id}}_{{dimension}}"
        )
    return Reading(parts=parts, notes=notes)


def _filtered_rows(
    rows: list[tuple[int, list[str]]], names: Sequence[str], column: str, is_kept: Callable[[str], bool]
) -> list[tuple[int, list[str]]]:
    """The numbered rows whose lower-case cell in a column passes `is_kept`; all rows if there is no such column."""
    if column not in names:
        return rows
    return [(number, row) for number, row in rows if is_kept(row[names.index(column)].strip().lower())]


FORMAT = Format(
    title="Qualtrics (export as CSV; questions named CLIP_DIMENSION, or header)",
    files="survey.csv",
    looks_like=lambda path, head: _RATER in head and "ImportId" in head,
    read=_read,
)
