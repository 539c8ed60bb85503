"""Label Studio, exported as JSON: ratings, numbers and choices per clip, and labelled regions over time.

Regions of sound are in seconds. Those of a video's timeline (`TimelineLabels`) are in frames counted from 1; the export
does not say how many frames a second has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.json_files import read_json
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.importing.table_map import TableMap, tidy_part
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError

_MEDIA = ("video", "audio", "url", "media", "file")


@dataclass(frozen=True)
class _Region:
    """A region of a video's timeline: its first and last frame, counted from 1."""

    start: float
    end: float


@dataclass(frozen=True)
class _Value:
    start: float | None = None
    end: float | None = None
    ranges: Sequence[_Region] = ()
    rating: float | None = None
    number: float | None = None
    choices: Sequence[str] = ()
    labels: Sequence[str] = ()
    timelinelabels: Sequence[str] = ()
    videolabels: Sequence[str] = ()
    timeserieslabels: Sequence[str] = ()
    taxonomy: Sequence[str | Sequence[str]] = ()


@dataclass(frozen=True)
class _Result:
    value: _Value = _Value()
    type: str = "unknown"
    from_name: str = "rating"


@dataclass(frozen=True)
class _Annotation:
    result: Sequence[_Result] = ()
    completed_by: int | str | Mapping[str, Any] = "unknown"
    was_cancelled: bool | None = False

    @property
    def rater(self) -> str:
        rater = self.completed_by
        return str(rater.get("email") or rater.get("id")) if isinstance(rater, Mapping) else str(rater)


@dataclass(frozen=True)
class _Task:
    data: Mapping[str, Any]
    id: int | str | None = None
    annotations: Sequence[_Annotation] | None = None
    completions: Sequence[_Annotation] | None = None


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    parts: list[Part] = []
    unused: Counter[str] = Counter()
    for file in files:
        tasks: list[_Task] = read_json(file, list[_Task], "Label Studio (export as JSON, not as JSON-MIN or CSV)")
        rows = [row for task in tasks for row in _task_rows(task, options, file, unused)]
        shapes = {tuple(sorted(row)) for row in rows}
        for shape in sorted(shapes):
            shape_rows = [row for row in rows if tuple(sorted(row)) == shape]
            table = pa.table({key: pa.array([row[key] for row in shape_rows]) for key in shape})
            parts.append(tidy_part(table, file, TableMap(keys={key: key for key in shape})))
    if not parts:
        raise InputError(f"{files[0]}: has no completed annotation with a rating, number, choice or label")
    notes = [f"left out: {counted(count, 'result')} of the type {kind}, no ratings" for kind, count in unused.items()]
    return Reading(parts=parts, notes=notes)


def _task_rows(task: _Task, options: FormatOptions, file: Path, unused: Counter[str]) -> Iterator[dict[str, Any]]:
    media = next((str(task.data[key]) for key in (*_MEDIA, *task.data) if task.data.get(key)), None)
    if media is None:
        raise InputError(f"{file}: task {task.id} names no media file in its data")
    for annotation in task.annotations or task.completions or ():
        if annotation.was_cancelled:
            continue
        for result in annotation.result:
            constants = {"rater": annotation.rater, "video_id": _name(media), "setup": options.setup or "audiovisual"}
            constants["dimension"] = options.dimension or result.from_name
            answers = list(_answers(result.value, options.frame_rate, file))
            yield from (constants | answer for answer in answers)
            if not answers:
                unused[result.type] += 1


def _name(media: str) -> str:
    """The file of a URL; Label Studio puts an eight-letter code before the names of uploaded files."""
    name = media.split("?")[0].rsplit("/", 1)[-1]
    code, _, original_name = name.partition("-")
    return (
        original_name
        if original_name and len(code) == 8 and all(letter in "0123456789abcdef" for letter in code)
        else name
    )


def _answers(value: _Value, frame_rate: float | None, file: Path) -> Iterator[dict[str, Any]]:
    """The answers of one result: numbers or labels, for the whole clip or for regions."""
    spans = [{} if value.start is None or value.end is None else {"start": value.start, "end": value.end}]
    if value.ranges:
        if frame_rate is None:
            raise InputError(f"{file}: regions of a video's timeline are counted in frames; give `frame_rate`, as 25")
        # The first frame is 1, and the last one of a region belongs to it.
        spans = [{"start": (region.start - 1) / frame_rate, "end": region.end / frame_rate} for region in value.ranges]
    for region_times in spans:
        for number in (value.rating, value.number):
            if number is not None:
                yield {**region_times, "value": number}
        for label in chain(
            value.choices, value.labels, value.timelinelabels, value.videolabels, value.timeserieslabels, value.taxonomy
        ):
            yield {**region_times, "label": label if isinstance(label, str) else " / ".join(label)}


FORMAT = Format(
    title="Label Studio (export as JSON)",
    files="project.json",
    looks_like=lambda path, head: path.suffix.lower() == ".json" and '"annotations"' in head and '"result"' in head,
    read=_read,
)
