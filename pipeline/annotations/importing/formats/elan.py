"""ELAN, `.eaf`: labelled segments in tiers; a tier is a dimension, its annotator the rater.

Tiers that depend on others (`REF_ANNOTATION`) have the times of their parents. Values that are numbers are ratings.
If a tier names no annotator, the rater is the part of its name after an @ (`valence@anna`), else the author of the
document, else the file. Times count from the start of the media file, shifted by its `TIME_ORIGIN`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.reading import Reading
from avcues.pipeline.annotations.importing.table_map import TableMap, tidy_part
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import video_name

_WORDS = ("rater", "video_id", "setup", "dimension")


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    parts, notes = [], []
    for file in files:
        rows, untimed = _rows(file, options)
        if untimed:
            notes.append(f"{file.name}: left out: {counted(untimed, 'annotation')} without times")
        for column in ("value", "label"):
            kind_rows = [row for row in rows if column in row]
            if kind_rows:
                columns: dict[str, Any] = {key: pa.array([row[key] for row in kind_rows]) for key in kind_rows[0]}
                keys = {key: key for key in columns}
                parts.append(tidy_part(pa.table(columns), file, TableMap(keys=keys)))
    if not parts:
        raise InputError(f"{files[0]}: has no annotation with times and a value")
    return Reading(parts=parts, notes=notes)


def _rows(file: Path, options: FormatOptions) -> tuple[list[dict[str, Any]], int]:
    """A row per annotation, and the number of those without times."""
    try:
        root = ElementTree.fromstring(file.read_bytes())
    except (ElementTree.ParseError, LookupError) as error:
        raise InputError(f"{file}: is no XML file of ELAN ({error})") from error
    slots = {slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.iter("TIME_SLOT")}
    first = next(iter(root.iter("MEDIA_DESCRIPTOR")), None)
    media = None if first is None else first.get("MEDIA_URL") or first.get("RELATIVE_MEDIA_URL")
    origin = 0 if first is None else _milliseconds(first.get("TIME_ORIGIN") or "0", file)
    spans: dict[str, tuple[str | None, str | None]] = {}
    parents: dict[str, str] = {}
    for element in root.iter("ALIGNABLE_ANNOTATION"):
        refs = (slots.get(element.get(f"TIME_SLOT_REF{i}")) for i in (1, 2))
        spans[str(element.get("ANNOTATION_ID"))] = tuple(refs)  # type: ignore[assignment]
    for element in root.iter("REF_ANNOTATION"):
        parents[str(element.get("ANNOTATION_ID"))] = str(element.get("ANNOTATION_REF"))
    rows, untimed = [], 0
    for tier in root.iter("TIER"):
        dimension, _, suffix = str(tier.get("TIER_ID")).partition("@")
        constants = {
            "rater": tier.get("ANNOTATOR") or suffix or root.get("AUTHOR") or file.stem,
            "video_id": video_name(media) if media else file.stem,
            "setup": options.setup or "audiovisual",
            "dimension": options.dimension or dimension,
        }
        for element in (*tier.iter("ALIGNABLE_ANNOTATION"), *tier.iter("REF_ANNOTATION")):
            start, end = spans.get(_timed_ancestor(str(element.get("ANNOTATION_ID")), parents), (None, None))
            value = (element.findtext("ANNOTATION_VALUE") or "").strip()
            if not value:
                continue
            if start is None or end is None:
                untimed += 1
                continue
            span = ((_milliseconds(time, file) + origin) / 1000 for time in (start, end))
            row: dict[str, Any] = {**constants, **dict(zip(("start", "end"), span, strict=True))}
            rows.append(row | _value_or_label(value))
    return rows, untimed


def _timed_ancestor(name: str, parents: Mapping[str, str]) -> str:
    """The annotation at the end of a chain of references; a circular chain ends where it repeats."""
    visited: set[str] = set()
    while name in parents and name not in visited:
        visited.add(name)
        name = parents[name]
    return name


def _milliseconds(text: str, file: Path) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise InputError(f'{file}: has the time "{text}"; expected milliseconds') from error


def _value_or_label(text: str) -> dict[str, Any]:
    try:
        return {"value": float(text.replace(",", "."))}
    except ValueError:
        return {"label": text}


FORMAT = Format(
    title="ELAN (.eaf)",
    files="*.eaf",
    looks_like=lambda path, head: path.suffix.lower() == ".eaf" or "ANNOTATION_DOCUMENT" in head,
    read=_read,
)
