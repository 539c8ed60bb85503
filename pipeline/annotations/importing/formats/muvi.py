"""Import of the annotations of the MuVi study (Chua et al. 2022, arXiv 2202.10453; github.com/AMAAI-Lab/MuVi).

| file                   | what                                                                                        |
|------------------------|---------------------------------------------------------------------------------------------|
| `video_urls.csv`       | `video_id` in the order that the study's splits depend on                                   |
| `participant_data.csv` | raters                                                                                      |
| `media_data.csv`       | one row per rater and clip in the order of seeing: familiarity, 27 GEMS labels, the overlay |
| `av_data.csv`          | valence and arousal over time, about twice a second, -1 to 1                                |

A `media_id` is the video id up to its first underscore. In `media_data.csv` as published, familiarity and labels are
one row too low: those in a rater's row i + 1 belong to the clip of row i. Moved up, the last clip of each rater has no
labels, and the first row of labels belongs to no listed clip.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.checking.alignment import RowsInOrder, alignment
from avcues.pipeline.annotations.importing.assemble import assemble
from avcues.pipeline.annotations.importing.exposures import order_within_rater
from avcues.pipeline.annotations.importing.reading import Part, Reading
from avcues.pipeline.annotations.importing.rules import validated
from avcues.pipeline.annotations.importing.sources import Source, Sources
from avcues.pipeline.annotations.ratings.keys import codes, combined
from avcues.pipeline.annotations.ratings.schema import EXPOSURE_SCHEMA, RATING_SCHEMA, Annotations, Dimension
from avcues.pipeline.annotations.ratings.wording import counted
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.store.user_columns import drop_row_counters
from avcues.pipeline.store.user_tables import missing_column, read_user_table

StaticRows = Literal["corrected", "as-published"]
TimeFrom = Literal["seq", "timestamp"]

VIDEOS, RATERS, MEDIA, SERIES = "video_urls.csv", "participant_data.csv", "media_data.csv", "av_data.csv"
LABELS = "gems"
SETUPS = {"music": "music", "muted_video": "visual", "video": "audiovisual"}
_STEP_S = 0.5
_KEYS = {"participant_id": pa.string(), "media_id": pa.string(), "media_modality": pa.string()}
_BESIDES_LABELS = {**_KEYS, "seen_previously": pa.bool_(), "overlay_type": pa.string()}
_OVER_TIME = ("arousal", "valence")


def import_muvi(
    folder: str | Path,
    *,
    static_rows: StaticRows = "corrected",
    time_from: TimeFrom = "seq",
    known: Collection[str] | None = None,
) -> Annotations:
    """Imports the study's annotations; without `av_data.csv`, its labels only.

    Args:
        folder: Folder of the CSV files.
        static_rows: "corrected": labels and familiarity are moved up by one row, unless the ratings themselves show
            that they are in place; "as-published": they are not moved.
        time_from: Time of sample i of a series: i/2 s ("seq", as in the study's script), or its "timestamp".
        known: Ids of the videos that may be rated; ratings of other videos are left out and counted. None: all videos.

    Raises:
        InputError: A file or column is missing, or a row names an unknown clip or setup, appears twice, or has a value
            outside -1 to 1.
        SettingsError: `static_rows` or `time_from` is unknown.
    """
    if static_rows not in get_args(StaticRows):
        raise SettingsError(f'static rows "{static_rows}"; expected {" or ".join(get_args(StaticRows))}')
    if time_from not in get_args(TimeFrom):
        raise SettingsError(f'time from "{time_from}"; expected {" or ".join(get_args(TimeFrom))}')
    folder = Path(folder)
    videos = _columns(folder / VIDEOS, {"video_id": pa.string()})["video_id"].to_pylist()
    full_ids = _full_ids(videos, folder / VIDEOS)
    media, labels, count_notes = _read_media(folder / MEDIA)
    keys = _keys(media, full_ids, folder / MEDIA)
    dimensions = {name: Dimension(name=name, low=-1, high=1) for name in _OVER_TIME}
    gems = Dimension(name=LABELS, level="nominal", labels=tuple(labels))
    _require_clips_once(_ratings(keys, LABELS), gems, str(folder / MEDIA))
    label_row, notes = _rows_of_labels(media, labels, static_rows)
    parts = [Part(table=_chosen(keys, media, labels, label_row), name=str(folder / MEDIA))]
    if (folder / SERIES).is_file():
        parts += _over_time(folder / SERIES, full_ids, time_from)
        notes += _notes_on_unmatched_clips(keys, parts[1].table)
    else:
        dimensions = {}
        notes.append(f"{folder / SERIES} does not exist: labels only, no arousal and valence over time")
    profile = {"participant_id": pa.string()}
    raters = read_user_table(folder / RATERS, types=profile, required=profile)
    reading = Reading(
        parts=parts,
        name=str(folder),
        origin={"importer": "muvi", "static_rows": static_rows, "time_from": time_from, "videos": videos},
        dimensions=dimensions | {LABELS: gems},
        exposures=_exposures(keys, media, label_row),
        raters=raters.rename_columns({"participant_id": "rater"}),
        raters_name=RATERS,
        notes=[*count_notes, *notes],
    )
    return assemble(reading, known=known)


def _full_ids(videos: list[str | None], file: Path) -> dict[str, str]:
    """The video id of each media id."""
    full_ids: dict[str, str] = {}
    for row, video_id in enumerate(videos, 1):
        if not video_id:
            raise InputError(f"{file}: row {row}: video_id is empty")
        short = video_id.split("_")[0]
        if full_ids.setdefault(short, video_id) != video_id:
            raise InputError(f"{file}: row {row}: {video_id} and {full_ids[short]} have the same media id {short}")
    return full_ids


def _columns(path: Path, types: Mapping[str, pa.DataType]) -> pa.Table:
    return read_user_table(path, types=types, required=types, extra_columns=False)


def _read_media(path: Path) -> tuple[pa.Table, list[str], list[str]]:
    """The table, the names of its labels (all columns without another known meaning), and notes."""
    table, notes = drop_row_counters(read_user_table(path, required=_BESIDES_LABELS), _BESIDES_LABELS, path.name)
    labels = [name for name in table.column_names if name not in _BESIDES_LABELS]
    if not labels:
        raise missing_column(path, ["of labels"], table.column_names)
    return _columns(path, {**_BESIDES_LABELS, **dict.fromkeys(labels, pa.bool_())}), labels, notes


def _keys(table: pa.Table, full_ids: dict[str, str], file: Path) -> pa.Table:
    """`rater`, `video_id` and `setup` of each row."""
    known = {"media_id": full_ids, "media_modality": SETUPS}
    mapped = {"rater": table["participant_id"]}
    for column, renamed, expected in (
        ("media_id", "video_id", f"an id of {VIDEOS} up to its first underscore"),
        ("media_modality", "setup", f"one of {', '.join(SETUPS)}"),
    ):
        code = codes(table[column], list(known[column]))
        if (code < 0).any():
            row = int(np.argmax(code < 0))
            raise InputError(f'{file}: row {row + 1}: {column} is "{table[column][row].as_py()}"; expected {expected}')
        mapped[renamed] = pa.array(list(known[column].values()), pa.string()).take(pa.array(code))
    return pa.table(mapped)


def _rows_of_labels(
    media: pa.Table, labels: list[str], static_rows: StaticRows
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """For each row of the file, the row that holds its labels (-1: none), and notes for the user."""
    own_rows = np.arange(len(media))
    rows = _as_rows(media, labels)
    aligned = alignment(rows)
    shift_note = ""
    if aligned is not None and aligned.certain:
        shift_note = (
            f" ({aligned.agreeing} of {len(aligned.best)} raters agree best with the others at shift {aligned.shift})"
        )
    if static_rows == "as-published":
        note = f"{MEDIA}: labels and familiarity are left in the rows where they were published{shift_note}"
        return own_rows, [note]
    if aligned is not None and aligned.certain and aligned.shift != -1:
        return own_rows, [
            f"{MEDIA}: labels and familiarity are NOT moved up; unlike those first published, they are in place"
            f"{shift_note}"
        ]
    order = np.argsort(codes(media["participant_id"], rows.raters), kind="stable")
    rows_below = np.full(len(media), -1)
    same_rater = rows.rater[1:] == rows.rater[:-1]
    rows_below[order[:-1]] = np.where(same_rater, order[1:], -1)
    unlabelled = int((rows_below < 0).sum())
    return rows_below, [
        f"{MEDIA}: labels and familiarity are one row too low as published and were MOVED UP by one row within each "
        f"rater{shift_note}: {len(media) - unlabelled} of {len(media)} clips have labels, the last clip of each of the "
        f"{unlabelled} raters has none, and {unlabelled} rows of labels belong to no clip; to keep them there: "
        "`static_rows=as-published`"
    ]


def _as_rows(media: pa.Table, labels: list[str]) -> RowsInOrder:
    raters = tuple(sorted(media["participant_id"].unique().to_pylist()))
    videos = media["media_id"].unique().to_pylist()
    rater = codes(media["participant_id"], raters)
    order = np.argsort(rater, kind="stable")
    label_matrix = np.column_stack([media[name].to_numpy().astype(np.float64) for name in labels])
    return RowsInOrder(
        dimensions=LABELS,
        raters=raters,
        rater=rater[order],
        video=codes(media["media_id"], videos)[order],
        values=label_matrix[order],
    )


def _exposures(keys: pa.Table, media: pa.Table, label_row: npt.NDArray[np.int64]) -> pa.Table:
    order = order_within_rater(codes(keys["rater"], keys["rater"].unique().to_pylist()))
    columns = {name: keys[name] for name in ("rater", "video_id", "setup")}
    columns |= {"round": pa.nulls(len(keys), pa.string()), "order": pa.array(order)}
    columns |= {
        "seen": media["seen_previously"].take(pa.array(label_row, mask=label_row < 0)),
        "overlay": media["overlay_type"],
    }
    return pa.table(columns, schema=EXPOSURE_SCHEMA)


def _ratings(keys: pa.Table, dimension: str, **columns: pa.Array) -> pa.Table:
    """Rows of the tidy schema; columns that are not given are null."""
    filled = {**{name: keys[name] for name in keys.column_names}, **columns}
    filled["dimension"] = pa.array([dimension] * len(keys), pa.string())
    return pa.table(
        {
            field.name: (
                pa.nulls(len(keys), field.type)
                if field.name not in filled
                else filled[field.name].dictionary_encode()
                if pa.types.is_dictionary(field.type)
                else filled[field.name]
            )
            for field in RATING_SCHEMA
        },
        schema=RATING_SCHEMA,
    )


def _chosen(keys: pa.Table, media: pa.Table, labels: list[str], label_row: npt.NDArray[np.int64]) -> pa.Table:
    """One row per chosen label, and one without a label for a rater who chose none."""
    ticked = np.column_stack([media[name].fill_null(False).to_numpy() for name in labels])
    chosen = ticked[label_row] & (label_row >= 0)[:, None]
    clip, label = np.nonzero(np.column_stack([chosen, ~chosen.any(1) & (label_row >= 0)]))
    chosen_labels = pa.array([*labels, None], pa.string()).take(pa.array(label))
    return _ratings(keys.take(pa.array(clip)), LABELS, label=chosen_labels)


def _notes_on_unmatched_clips(media: pa.Table, series: pa.Table) -> list[str]:
    """Notes on clips of raters that only one of the two files has."""
    keys = ("rater", "video_id", "setup")
    names = {name: media[name].unique().to_pylist() for name in keys}
    names = {name: [*words, *set(series[name].unique().to_pylist()) - set(words)] for name, words in names.items()}
    listed, rated = (
        np.unique(combined((codes(table[name], words), len(words)) for name, words in names.items()))
        for table in (media, series)
    )
    only_listed, only_rated = len(np.setdiff1d(listed, rated)), len(np.setdiff1d(rated, listed))
    notes = [f"{SERIES}: no series of {counted(only_listed, 'clip')} in {MEDIA}"] if only_listed else []
    return notes + ([f"{MEDIA}: no row of {counted(only_rated, 'clip')} in {SERIES}"] if only_rated else [])


def _require_clips_once(clips: pa.Table, gems: Dimension, file: str) -> None:
    """Makes sure that no rater has two rows of a clip."""
    sources = Sources(name=file, parts=[Source(name=file, ratings=len(clips))])
    validated(clips, {LABELS: gems}, sources, np.zeros(len(clips), np.int64))


def _over_time(path: Path, full_ids: dict[str, str], time_from: TimeFrom) -> list[Part]:
    """The ratings over time, one part per dimension, so that messages name rows of the file."""
    types = {**_KEYS, **dict.fromkeys((*_OVER_TIME, "timestamp"), pa.float64()), "seq": pa.int64()}
    table = _columns(path, types)
    keys = _keys(table, full_ids, path)
    time = table["timestamp"] if time_from == "timestamp" else pc.multiply(table["seq"].cast(pa.float64()), _STEP_S)
    if time.null_count:
        raise InputError(f"{path}: row {pc.index(pc.is_null(time), True).as_py() + 1}: {time_from} is empty")
    return [Part(table=_ratings(keys, name, time=time, value=table[name]), name=str(path)) for name in _OVER_TIME]
