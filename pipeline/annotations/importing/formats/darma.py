"""DARMA: one file per rater and clip, two dimensions X and Y by the second, under a head of three lines."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.assemble import Part, Reading
from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.formats.carma import middles, rater_of
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import video_name

_DIMENSIONS = "x,y"


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    names = [name.strip() for name in (options.dimension or _DIMENSIONS).split(",")]
    if len(names) != 2:
        raise InputError(f"{', '.join(names)}: DARMA has two dimensions; name X and Y, such as valence,arousal")
    parts, largest = [], set()
    for file in files:
        part, magnitude = _part(file, names, options.setup or "audiovisual")
        parts.append(part)
        largest.add(magnitude)
    if len(largest) > 1:
        raise InputError(f"the files have different magnitudes ({sorted(largest)}); import them one by one")
    (end,) = largest
    dimensions = {name: Dimension(name=name, low=-end, high=end) for name in names}
    return Reading(parts=parts, name="the files", origin={}, dimensions=dimensions)


def _part(file: Path, names: Sequence[str], setup: str) -> tuple[Part, float]:
    rows = list(csv.reader(file.read_text(encoding="utf-8-sig", errors="replace").splitlines()))
    head = {row[0].strip(): row[1].strip() for row in rows[:6] if len(row) > 1}
    begin = next((i for i, row in enumerate(rows) if row and row[0].startswith("%%")), None)
    if begin is None or "Multimedia File" not in head or "Magnitude" not in head:
        raise InputError(f"{file}: has no lines Multimedia File, Magnitude and %%%%%%, as exports of DARMA have")
    data = [row for row in rows[begin + 1 :] if any(cell.strip() for cell in row)]
    try:
        values = np.array([[float(cell) if cell.strip() else np.nan for cell in row[:3]] for row in data])
    except ValueError as error:
        raise InputError(f"{file}: cannot be read as ratings ({error})") from error
    video_id = video_name(head["Multimedia File"])
    words = {"rater": rater_of(file, video_id), "video_id": video_id, "setup": setup}
    time = middles(values[:, 0])
    columns = {key: pa.array([word] * (2 * len(values))) for key, word in words.items()}
    table = pa.table(
        {
            **columns,
            "dimension": pa.array(list(names) * len(values)),
            "time": np.repeat(time, 2),
            "value": values[:, 1:3].ravel(),
        }
    )
    number = np.repeat(np.arange(begin + 2, begin + 2 + len(values)), 2)
    return Part(table=table, name=str(file), rows=number), float(head["Magnitude"])


FORMAT = Format(
    title="DARMA (Second, X, Y under Multimedia File and Magnitude)",
    files="*.csv",
    looks_like=lambda path, head: "Multimedia File" in head and "Magnitude" in head,
    read=_read,
)
