"""jsPsych: trials as CSV or JSON, of which those with a media file and a response are ratings once per clip.

A response is a number (slider), a text (button) or an object (survey), each of whose entries is a dimension.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.json_files import read_json
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_columns import video_name
from avcues.pipeline.store.user_tables import column_names, read_user_table

_RATERS = ("subject", "subject_id", "participant", "participant_id", "PROLIFIC_PID", "workerId", "run_id")
_WORDS = ("rater", "video_id", "setup", "dimension", "label")


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    parts, unused_trials = [], 0
    for file in files:
        rows: list[dict[str, Any]] = []
        numbers: list[int] = []
        for number, trial in enumerate(_trials(file), 1):
            ratings = list(_of_trial(trial, file, options))
            rows += ratings
            numbers += [number] * len(ratings)
            unused_trials += not ratings
        if rows:
            columns = {key: pa.array([row.get(key) for row in rows], pa.string()) for key in _WORDS}
            columns["value"] = pa.array([row.get("value") for row in rows], pa.float64())
            parts.append(Part(table=pa.table(columns), name=str(file), rows=np.array(numbers)))
    if not parts:
        raise InputError(f"{files[0]}: no trial has both a media file as stimulus and a response")
    notes = [f"left out: {counted(unused_trials, 'trial')} without a media file or a response"] if unused_trials else []
    return Reading(parts=parts, notes=notes)


def _trials(file: Path) -> list[dict[str, Any]]:
    if file.suffix.lower() == ".json":
        return list(read_json(file, list[dict[str, Any]], "jsPsych"))
    return read_user_table(file, types=dict.fromkeys(column_names(file), pa.string())).to_pylist()


def _of_trial(trial: Mapping[str, Any], file: Path, options: FormatOptions) -> Iterator[dict[str, Any]]:
    stimulus, response = _parsed(trial.get("stimulus")), _parsed(trial.get("response"))
    media = stimulus[0] if isinstance(stimulus, list) and stimulus else stimulus
    if not isinstance(media, str) or video_name(media) == media or response in (None, ""):
        return
    rater = next((str(trial[key]) for key in _RATERS if trial.get(key)), file.stem)
    constants = {"rater": rater, "video_id": video_name(media), "setup": options.setup or "audiovisual"}
    name = options.dimension or str(trial.get("dimension") or "rating")
    for dimension, answer in response.items() if isinstance(response, Mapping) else [(name, response)]:
        for choice in answer if isinstance(answer, list) else [answer]:
            numeric = isinstance(choice, int | float) and not isinstance(choice, bool)
            yield (
                constants
                | {"dimension": str(dimension)}
                | ({"value": float(choice)} if numeric else {"label": str(choice)})
            )


def _parsed(cell: Any) -> Any:
    """A cell of a CSV file that holds JSON, or the text itself."""
    if not isinstance(cell, str):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


FORMAT = Format(
    title="jsPsych (data.csv or data.json)",
    files="*.csv",
    looks_like=lambda path, head: "trial_type" in head and "time_elapsed" in head,
    read=_read,
)
