"""Label Studio, exported as JSON: ratings, numbers and choices per clip, and labelled regions over time.

Regions of sound are in seconds. Those of a video's timeline (`TimelineLabels`) are in frames counted from 1; the export
does not say how many frames a second has.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.importing.table_map import TableMap, tidy_part
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError

_MEDIA = ("video", "audio", "url", "media", "file")
_LABELS = ("choices", "labels", "timelinelabels", "videolabels", "timeserieslabels", "taxonomy")


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    parts: list[Part] = []
    unused: Counter[str] = Counter()
    for file in files:
        try:
            tasks = json.loads(file.read_text(encoding="utf-8-sig"))
        except (ValueError, OSError) as error:
            raise InputError(f"{file}: is no JSON file of Label Studio ({error})") from error
        if not isinstance(tasks, list) or not all(isinstance(task, Mapping) and "data" in task for task in tasks):
            raise InputError(f"{file}: is no list of tasks with their data; export as JSON, not as JSON-MIN or CSV")
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


def _task_rows(
    task: Mapping[str, Any], options: FormatOptions, file: Path, unused: Counter[str]
) -> Iterator[dict[str, Any]]:
    data = task.get("data", {})
    media = next((str(data[key]) for key in (*_MEDIA, *data) if data.get(key)), None)
    if media is None:
        raise InputError(f"{file}: task {task.get('id')} names no media file in its data")
    for annotation in task.get("annotations") or task.get("completions") or ():
        if annotation.get("was_cancelled"):
            continue
        rater_entry = annotation.get("completed_by", "unknown")
        rater = (
            str(rater_entry.get("email") or rater_entry.get("id"))
            if isinstance(rater_entry, Mapping)
            else str(rater_entry)
        )
        for result in annotation.get("result", ()):
            constants = {"rater": rater, "video_id": _name(media), "setup": options.setup or "audiovisual"}
            constants["dimension"] = options.dimension or str(result.get("from_name", "rating"))
            answers = list(_answers(result.get("value", {}), options.frame_rate, file))
            yield from (constants | answer for answer in answers)
            if not answers:
                unused[str(result.get("type", "unknown"))] += 1


def _name(media: str) -> str:
    """The file of a URL; Label Studio puts an eight-letter code before the names of uploaded files."""
    name = media.split("?")[0].rsplit("/", 1)[-1]
    code, _, original_name = name.partition("-")
    return (
        original_name
        if original_name and len(code) == 8 and all(letter in "0123456789abcdef" for letter in code)
        else name
    )


def _answers(value: Mapping[str, Any], frame_rate: float | None, file: Path) -> Iterator[dict[str, Any]]:
    """The answers of one result: numbers or labels, for the whole clip or for regions."""
    span = {key: float(value[key]) for key in ("start", "end") if isinstance(value.get(key), int | float)}
    spans = [span if len(span) == 2 else {}]
    if value.get("ranges"):
        if frame_rate is None:
            raise InputError(f"{file}: regions of a video's timeline are counted in frames; give `frame_rate`, as 25")
        # The first frame is 1, and the last one of a region belongs to it.
        spans = [
            {"start": (region["start"] - 1) / frame_rate, "end": region["end"] / frame_rate}
            for region in value["ranges"]
        ]
    for region_times in spans:
        for key in ("rating", "number"):
            if isinstance(value.get(key), int | float):
                yield {**region_times, "value": float(value[key])}
        for key in _LABELS:
            for label in value.get(key, ()):
                yield {**region_times, "label": " / ".join(label) if isinstance(label, list) else str(label)}


FORMAT = Format(
    title="Label Studio (export as JSON)",
    files="project.json",
    looks_like=lambda path, head: path.suffix.lower() == ".json" and '"annotations"' in head and '"result"' in head,
    read=_read,
)
