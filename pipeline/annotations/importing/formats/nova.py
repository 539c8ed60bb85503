"""NOVA: an `.annotation` file (XML) with the scheme, and an `.annotation~` file with the ratings, as text or binary.

| scheme     | text: a line per item, separated by semicolons | binary (little endian)                               |
|------------|------------------------------------------------|------------------------------------------------------|
| CONTINUOUS | score, confidence; `sr` of them a second       | float32 score, float32 confidence                    |
| DISCRETE   | from, to (s), number of the label, confidence  | float64 from, float64 to, int32 label, float32 conf. |
| FREE       | from, to (s), label, confidence, perhaps color | as above, the label as its length (int32) and UTF-8  |

Files are called `ROLE.SCHEME.ANNOTATOR.annotation` in a folder per session. A session is a video; if the files are of
several roles, each of which has its own video, ids are `SESSION_ROLE`. Confidences are not used. The label -1 is NOVA's
GARBAGE. NOVA writes numbers and texts as the system of its user does: with decimal commas, and not always in UTF-8.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.importing.table_map import TableMap, tidy_part
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError

_GARBAGE = "-1"
_SCORE = np.dtype([("score", "<f4"), ("confidence", "<f4")])
_SEGMENT = np.dtype([("from", "<f8"), ("to", "<f8"), ("label", "<i4"), ("confidence", "<f4")])
_SCHEMES = ("CONTINUOUS", "DISCRETE", "FREE")


@dataclass(frozen=True, kw_only=True)
class _Annotation:
    """An `.annotation` file and the bytes of the ratings beside it."""

    file: Path
    scheme: ElementTree.Element
    is_text: bool
    item_count: int | None
    rater: str
    role: str
    content: bytes

    @property
    def data(self) -> Path:
        """The file with the ratings."""
        return self.file.with_name(self.file.name + "~")


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    annotations = [_annotation(file) for file in dict.fromkeys(map(_header, files))]
    roles = {annotation.role for annotation in annotations}
    parts, dimensions, notes = [], {}, []
    if len(roles) > 1:
        notes.append(f"the files are of the roles {', '.join(sorted(roles))}: videos are called SESSION_ROLE")
    for annotation in annotations:
        session = annotation.file.parent.name or annotation.file.stem
        name = options.dimension or annotation.scheme.get("name") or "rating"
        constants = {"rater": annotation.rater, "dimension": name, "setup": options.setup or "audiovisual"}
        constants["video_id"] = f"{session}_{annotation.role}" if len(roles) > 1 else session
        try:
            parts.append(_part(annotation, constants))
        except (ValueError, IndexError, struct.error) as error:
            raise InputError(f"{annotation.data}: cannot be read as ratings ({error})") from error
        low, high = (_scale_end(annotation, bound) for bound in ("min", "max"))
        if annotation.scheme.get("type") == "CONTINUOUS" and low < high:
            dimensions[name] = Dimension(name=name, low=low, high=high)
    return Reading(parts=parts, dimensions=dimensions, notes=notes)


def _header(file: Path) -> Path:
    """The file with the scheme: the given file, or the one beside it if the given file holds the ratings."""
    return file.with_name(file.name.removesuffix("~"))


def _annotation(file: Path) -> _Annotation:
    try:
        content = file.read_bytes()
        root = ElementTree.fromstring(_text(content).lstrip("\ufeff"))
    except ElementTree.ParseError as error:
        raise InputError(f"{file}: is no XML file of NOVA ({error})") from error
    scheme, info, meta = (root.find(name) for name in ("scheme", "info", "meta"))
    if scheme is None or info is None:
        raise InputError(f"{file}: lacks the scheme or the info that every NOVA annotation has")
    kind, form = scheme.get("type", "FREE"), info.get("ftype", "ASCII")
    if kind not in _SCHEMES:
        raise InputError(f"{file}: its scheme is of the type {kind}; expected one of {', '.join(_SCHEMES)}")
    if form not in ("ASCII", "BINARY"):
        raise InputError(f"{file}: its ratings are stored as {form}; save them as ASCII in NOVA")
    data = file.with_name(file.name + "~")
    if not data.is_file():
        raise InputError(f"{data}: no such file; NOVA stores the ratings there, beside {file.name}")
    name_parts = file.name.removesuffix(".annotation").split(".")
    attributes = {} if meta is None else meta.attrib
    return _Annotation(
        file=file,
        scheme=scheme,
        is_text=form == "ASCII",
        item_count=int(info.get("size", "")) if info.get("size", "").isdigit() else None,
        rater=attributes.get("annotator") or name_parts[-1],
        role=attributes.get("role") or (name_parts[0] if len(name_parts) > 2 else ""),
        content=data.read_bytes(),
    )


def _part(annotation: _Annotation, constants: dict[str, str]) -> Part:
    """The tidy rows of a file.

    Raises:
        ValueError: The ratings do not follow the scheme.
    """
    scheme, data, notes = annotation.scheme, annotation.data, []
    if scheme.get("type") == "CONTINUOUS":
        scores = _scores(annotation)
        columns: dict[str, Any] = {key: pa.array([constant] * len(scores)) for key, constant in constants.items()}
        rate = Fraction(scheme.get("sr", "25").replace(",", "."))
        columns["time"] = [float(i / rate) for i in range(len(scores))]
        part = Part(table=pa.table({**columns, "value": pa.array(scores, from_pandas=True)}), name=str(data))
        count = len(scores)
    else:
        segments = list(_segments(annotation))
        labels = {item.get("id"): item.get("name") for item in scheme.iter("item")}
        used_segments = [segment for segment in segments if segment[2] != _GARBAGE or scheme.get("type") == "FREE"]
        if len(used_segments) < len(segments):
            notes.append(
                f"{data.name}: left out: {counted(len(segments) - len(used_segments), 'segment')} labelled as garbage"
            )
        columns = {key: pa.array([constant] * len(used_segments)) for key, constant in constants.items()}
        columns |= {
            "start": pa.array([start for start, _, _ in used_segments], pa.float64()),
            "end": pa.array([end for _, end, _ in used_segments], pa.float64()),
            "label": pa.array([labels.get(label) or label for _, _, label in used_segments], pa.string()),
        }
        part = tidy_part(pa.table(columns), data, TableMap(keys={key: key for key in columns}))
        count = len(segments)
    if annotation.item_count not in (None, 0, count):
        notes.append(
            f"{data.name}: has {counted(count, 'item')}, but {annotation.file.name} counts {annotation.item_count}"
        )
    return Part(table=part.table, name=part.name, rows=part.rows, notes=notes)


def _scores(annotation: _Annotation) -> np.ndarray:
    if not annotation.is_text:
        return np.frombuffer(annotation.content, _SCORE)["score"].astype(np.float64)
    return np.array([_number(line[0]) for line in _lines(annotation.content)], np.float64)


def _segments(annotation: _Annotation) -> Iterator[tuple[float, float, str]]:
    """Start and end in seconds, and the label as text, or as a number if the scheme is discrete."""
    if annotation.is_text:
        for line in _lines(annotation.content):
            label_cells = line[2:-2] if line[-1].startswith("color=") else line[2:-1]
            yield _number(line[0]), _number(line[1]), ";".join(label_cells) if len(line) > 3 else line[2]
    elif annotation.scheme.get("type") == "DISCRETE":
        for start, end, label, _ in np.frombuffer(annotation.content, _SEGMENT).tolist():
            yield start, end, str(label)
    else:
        offset = 0
        while offset < len(annotation.content):
            start, end, length = struct.unpack_from("<ddi", annotation.content, offset)
            offset += struct.calcsize("<ddi")
            # NOVA counts characters here, not bytes.
            label = annotation.content[offset : offset + 4 * length].decode("utf-8", errors="ignore")[:length]
            yield start, end, label
            offset += len(label.encode()) + struct.calcsize("<f")


def _lines(content: bytes) -> list[list[str]]:
    return [line.split(";") for line in _text(content).lstrip("\ufeff").splitlines() if line.strip()]


def _scale_end(annotation: _Annotation, bound: str) -> float:
    """The value at one end of the scale, "min" or "max"; NaN if the scheme has none."""
    text = annotation.scheme.get(bound, "nan")
    try:
        return _number(text)
    except ValueError as error:
        raise InputError(f'{annotation.file}: the {bound} of its scheme is "{text}"; expected a number') from error


def _number(text: str) -> float:
    return float(text.strip().replace(",", "."))


def _text(content: bytes) -> str:
    """Text in UTF-8 or, as NOVA writes it on Western systems, Windows-1252."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


FORMAT = Format(
    title="NOVA (.annotation with .annotation~ beside it)",
    files="SESSION/*.annotation",
    looks_like=lambda path, head: (
        path.suffix == ".annotation~" or (path.suffix == ".annotation" and "<annotation" in head)
    ),
    read=_read,
)
