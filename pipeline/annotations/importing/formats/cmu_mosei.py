"""CMU-MOSEI and CMU-MOSI: sentiment from -3 to 3 and, of MOSEI, six emotions from 0 to 3.

| file                                | one row per      | what                                                        |
|-------------------------------------|------------------|-------------------------------------------------------------|
| `5000_batch_raw.csv`, ..._results   | clip and rater   | MTurk: `Input.VIDEO_ID`, `Input.CLIP`, `Answer.sentiment`.. |
| `label.csv` of MMSA's copies        | clip             | `video_id`, `clip_id`, `label`: the mean over raters        |
| `CMU_MOSEI_Labels.csd`              | segment          | HDF5: `features` and `intervals` (s) of each whole video    |

Clips are called `VIDEO_CLIP`: name the video files alike. Segments are laid on the grid of the whole video.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.format import Format, FormatOptions
from avcues.pipeline.annotations.importing.label_csv import has_single_modalities, is_label_csv
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.importing.table_map import TableMap, read_part, tidy_part
from avcues.pipeline.annotations.ratings.schema import Dimension
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError
from avcues.pipeline.store.user_tables import column_names, read_user_table

EMOTIONS = ("happiness", "sadness", "anger", "surprise", "disgust", "fear")
_FEATURES = ("sentiment", *EMOTIONS)
"""Columns of `CMU_MOSEI_Labels.csd`."""
_CLIP = ("Input.VIDEO_ID", "Input.CLIP")
_SUFFIX = ".csd"


def consensus_of(files: Sequence[Path], columns: Mapping[str, str], end: float, clip: str) -> Reading:
    """One sentiment per clip and setup.

    Args:
        columns: By setup, the name of the column with its labels.
        end: Upper end of the scale; the lower end is its negative.
        clip: Template of the ids of clips.
    """
    parts = []
    for file in files:
        for setup, column in columns.items():
            keys = {"video_id": clip, "value": column, "rater": "=consensus", "dimension": "=sentiment"}
            parts.append(read_part(file, TableMap(keys=keys | {"setup": f"={setup}"})))
    return Reading(
        parts=parts,
        dimensions={"sentiment": Dimension(name="sentiment", low=-end, high=end)},
        notes=["the file holds consensus labels, taken as one rater; its column mode is the study's own partition"],
    )


def _read(files: Sequence[Path], options: FormatOptions) -> Reading:
    setup = options.setup or "all"
    kinds = {_kind(file) for file in files}
    if len(kinds) > 1:
        raise InputError(f"the files are of several kinds ({', '.join(sorted(kinds))}); import them one by one")
    dimensions = {name: Dimension(name=name, low=0, high=3) for name in EMOTIONS}
    dimensions["sentiment"] = Dimension(name="sentiment", low=-3, high=3)
    if kinds == {"segments"}:
        parts = [part for file in files for part in _of_segments(file, setup)]
        notes = ["the file holds means over raters, taken as one rater called consensus"]
        return Reading(parts=parts, dimensions=dimensions, notes=notes)
    if kinds == {"raters"}:
        return Reading(parts=[part for file in files for part in _of_raters(file, setup)], dimensions=dimensions)
    return consensus_of(files, {setup: "label"}, 3, "{video_id}_{clip_id}")


def _kind(file: Path) -> str:
    if file.suffix.lower() == _SUFFIX:
        return "segments"
    return "raters" if _CLIP[0] in column_names(file) else "clips"


def _of_raters(file: Path, setup: str) -> list[Part]:
    """The answers of each rater of MTurk."""
    names = column_names(file)
    answers = {f"Answer.{name}": name for name in _FEATURES if f"Answer.{name}" in names}
    if not answers:
        raise InputError(f"{file}: lacks a column such as Answer.sentiment, which MTurk's results for MOSEI have")
    types = {name: pa.string() for name in (*_CLIP, "WorkerId")}
    table = read_user_table(file, types=types, required=_CLIP)
    notes = []
    if "WorkerId" not in names:
        # Rows of the same person cannot be recognised, so each row counts as a rater of one clip.
        table = table.append_column("WorkerId", pa.array([f"row {row}" for row in range(1, len(table) + 1)]))
        notes = [f"{file.name}: names no raters: each row is taken as a rater of one clip"]
    table = table.rename_columns([answers.get(name, name) for name in table.column_names])
    keys = {"video_id": f"{{{_CLIP[0]}}}_{{{_CLIP[1]}}}", "rater": "WorkerId", "setup": f"={setup}"}
    part = tidy_part(table, file, TableMap(keys=keys, header="{dimension}", columns=tuple(answers.values())))
    return [replace(part, notes=[*part.notes, *notes])]


def _of_segments(file: Path, setup: str) -> list[Part]:
    """The labels of segments of whole videos, in a file of HDF5."""
    import h5py

    try:
        with h5py.File(file) as archive:
            videos = next(iter(archive.values()))["data"]
            arrays_by_video = {
                name: (videos[name]["intervals"][:], videos[name]["features"][:]) for name in sorted(videos)
            }
    except (OSError, KeyError, StopIteration, TypeError) as error:
        raise InputError(f"{file}: is no file of labels of CMU-MOSEI ({error})") from error
    if not arrays_by_video or any(features.shape[1] != len(_FEATURES) for _, features in arrays_by_video.values()):
        raise InputError(f"{file}: has other labels than {', '.join(_FEATURES)}")
    counts = [len(intervals) for intervals, _ in arrays_by_video.values()]
    video_id = np.repeat(list(arrays_by_video), counts)
    interval = np.concatenate([intervals for intervals, _ in arrays_by_video.values()]).astype(np.float64)
    feature = np.concatenate([features for _, features in arrays_by_video.values()]).astype(np.float64)
    parts = []
    for i, dimension in enumerate(_FEATURES):
        columns = {"video_id": pa.array(video_id), "start": pa.array(interval[:, 0]), "end": pa.array(interval[:, 1])}
        keys = {name: name for name in columns} | {"value": "value", "rater": "=consensus", "setup": f"={setup}"}
        table = pa.table({**columns, "value": pa.array(feature[:, i], from_pandas=True)})
        part = tidy_part(table, file, TableMap(keys=keys | {"dimension": f"={dimension}"}))
        parts.append(_averaged(part, file))
    return parts


def _averaged(part: Part, file: Path) -> Part:
    """The part with ratings averaged in windows where segments overlap."""
    keys = [name for name in part.table.column_names if name != "value"]
    rows = np.arange(1, len(part.table) + 1) if part.rows is None else part.rows
    table = part.table.append_column("row", pa.array(rows))
    averaged = table.group_by(keys, use_threads=False).aggregate([("value", "mean"), ("row", "min")])
    first_rows = averaged["row_min"].to_numpy()
    averaged = averaged.drop_columns(["row_min"])
    overlapping_windows = len(table) - len(averaged)
    note = f"{file.name}: averaged: {counted(overlapping_windows, 'window')} in which segments overlap"
    return Part(
        table=averaged.rename_columns([*keys, "value"]),
        name=part.name,
        rows=first_rows,
        notes=[note] if overlapping_windows else [],
    )


FORMAT = Format(
    title="CMU-MOSEI, CMU-MOSI (MTurk's results per rater, label.csv, or CMU_MOSEI_Labels.csd)",
    files="label.csv",
    looks_like=lambda path, head: (
        (is_label_csv(head) and not has_single_modalities(head))
        or (_CLIP[0] in head and "Answer.sentiment" in head)
        or (path.suffix.lower() == _SUFFIX and "labels" in path.name.lower())
    ),
    read=_read,
)
