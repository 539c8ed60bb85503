"""NOVA: an `.annotation` file (XML) with the scheme, and an `.annotation~` file with the ratings, in text.

Continuous schemes are sampled `sr` times a second; discrete and free ones are segments with labels. Files are called
`ROLE.SCHEME.ANNOTATOR.annotation` in a folder per session, which is the video.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.assemble import Part, Reading
from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.table_map import TableMap, tidy_part
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.errors import InputError


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    parts, dimensions = [], {}
    for file in files:
        part, dimension = _part(file, options)
        parts.append(part)
        if dimension is not None:
            dimensions[dimension.name] = dimension
    return Reading(parts=parts, name="the files", origin={}, dimensions=dimensions)


def _part(file: Path, options: FormatOptions) -> tuple[Part, Dimension | None]:
    try:
        root = ElementTree.fromstring(file.read_bytes())
    except ElementTree.ParseError as error:
        raise InputError(f"{file}: is no XML file of NOVA ({error})") from error
    scheme, info, meta = (root.find(name) for name in ("scheme", "info", "meta"))
    data = file.with_name(file.name + "~")
    if scheme is None or info is None:
        raise InputError(f"{file}: has no scheme, as annotations of NOVA have")
    if info.get("ftype", "ASCII") != "ASCII":
        raise InputError(f"{file}: its ratings are stored in binary form; save them as ASCII in NOVA")
    if not data.is_file():
        raise InputError(f"{data}: no such file; NOVA stores the ratings there, beside {file.name}")
    lines = [
        line.split(";") for line in data.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()
    ]
    name = options.dimension or scheme.get("name") or "rating"
    rater = (meta.get("annotator") if meta is not None else None) or file.stem
    words = {"rater": rater, "video_id": file.parent.name or file.stem, "dimension": name}
    words["setup"] = options.setup or "audiovisual"
    columns: dict[str, Any] = {key: pa.array([word] * len(lines)) for key, word in words.items()}
    try:
        if scheme.get("type") == "CONTINUOUS":
            rate = Fraction(scheme.get("sr", "25"))
            columns |= {"time": [float(i / rate) for i in range(len(lines))], "value": [float(row[0]) for row in lines]}
            low, high = (float(scheme.get(end, "nan")) for end in ("min", "max"))
            dimension = Dimension(name=name, low=low, high=high) if low < high else None
            return Part(table=pa.table(columns), name=str(data), rows=np.arange(1, len(lines) + 1)), dimension
        labels = {item.get("id"): item.get("name") for item in scheme.iter("item")}
        columns |= {
            "start": [float(row[0]) for row in lines],
            "end": [float(row[1]) for row in lines],
            "label": [labels.get(row[2], row[2]) for row in lines],
        }
    except (ValueError, IndexError) as error:
        raise InputError(f"{data}: cannot be read as ratings ({error})") from error
    keys = {key: key for key in columns}
    return tidy_part(pa.table(columns), data, TableMap(keys=keys)), None


FORMAT = Format(
    title="NOVA (.annotation with .annotation~ beside it)",
    files="SESSION/*.annotation",
    looks_like=lambda path, head: path.suffix == ".annotation" and "<annotation" in head,
    read=_read,
)
