"""Writes an export: a folder that `avcues annotations` reads."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa

from avcues.pipeline.annotations import Annotations, Dimension, import_tidy, write
from avcues.pipeline.annotations.ratings.files import EXPOSURES, RATERS, RATINGS, REPEATS
from avcues.pipeline.collection.design.questions import Choice, Labels, Number, Scale, Words, YesNo
from avcues.pipeline.collection.export.rows import SEEN, ExportRows, collect_rows
from avcues.pipeline.collection.records import DATABASE, connect
from avcues.pipeline.collection.records.continuity import check_unchanged
from avcues.pipeline.collection.study import Study
from avcues.pipeline.errors import DatasetError, InputError, one_line

TRACES, COMMENTS = "traces.parquet", "comments.parquet"

_RATINGS = pa.schema(
    {
        **dict.fromkeys(("rater", "video_id", "setup", "round", "dimension"), pa.string()),
        "repeat": pa.int32(),
        "time": pa.float64(),
        "value": pa.float64(),
        "label": pa.string(),
        "order": pa.int32(),
        "seen": pa.bool_(),
        "overlay": pa.string(),
    }
)
_TRACES = pa.schema(
    {
        **dict.fromkeys(("rater", "video_id", "setup", "kind"), pa.string()),
        "place": pa.int32(),
        "attempt": pa.int32(),
        "used": pa.bool_(),
        "event": pa.string(),
        **dict.fromkeys(("ms", "wall_s", "media_s", "x", "y"), pa.float64()),
        "note": pa.string(),
    }
)
_COMMENTS = pa.schema(
    {
        **dict.fromkeys(("rater", "video_id", "setup", "round"), pa.string()),
        "repeat": pa.int32(),
        **dict.fromkeys(("question", "words"), pa.string()),
    }
)


@dataclass(frozen=True)
class Export:
    """A written export.

    Args:
        files: Paths of the files.
        annotations: The ratings.
        notes: What was left out, one line each.
    """

    files: tuple[Path, ...]
    annotations: Annotations
    notes: tuple[str, ...]


def export(study: Study, out: Path, step: Fraction = Fraction(1, 2), *, remember_folder: bool = True) -> Export:
    """Writes the ratings so far; a server may run meanwhile.

    Args:
        out: Folder for `ratings.parquet`, `raters.parquet`, `exposures.parquet`, `traces.parquet`, `comments.parquet`,
            and `repeats.parquet` if clips were rated again.
        step: Seconds between samples of ratings over time.
        remember_folder: Whether to record the folder, so that `forget` removes raters there too.

    Raises:
        InputError: There is no rating yet.
        SettingsError: The study has changed in a way that would alter the meaning of existing ratings.
        OutputError: A file cannot be written.
    """
    with open_records(study.folder) as connection:
        check_unchanged(connection, study)
        connection.execute("BEGIN")
        rows = collect_rows(connection, study, step)
        connection.execute("COMMIT")
        if not rows.ratings:
            raise InputError(f"{study.folder}: nobody has rated a clip yet")
        annotations, notes = _annotations(study, rows)
        other_tables = {TRACES: _traces(study, rows), COMMENTS: pa.Table.from_pylist(rows.comments, _COMMENTS)}
        write(annotations, out, other_tables)
        if remember_folder:
            connection.execute(
                "INSERT OR REPLACE INTO exports VALUES (?, ?, ?)", (str(out.resolve()), str(step), time.time())
            )
    names = (RATINGS, *([REPEATS] if len(annotations.repeats) else []), RATERS, EXPOSURES, TRACES, COMMENTS)
    return Export(tuple(out / name for name in names), annotations, tuple(notes))


@contextmanager
def open_records(folder: Path) -> Iterator[sqlite3.Connection]:
    """Opens the database of a study that has been served.

    Raises:
        InputError: The study has not been served.
        DatasetError: The database is damaged.
    """
    if not (folder / DATABASE).is_file():
        raise InputError(f"{folder}: has no {DATABASE}; nobody has rated yet, because the study has not been served")
    try:
        with closing(connect(folder / DATABASE)) as connection:
            yield connection
    except sqlite3.DatabaseError as error:
        raise DatasetError(
            f"{folder / DATABASE}: cannot be read or written ({one_line(error)}); if it is damaged, restore a copy"
        ) from error


def _annotations(study: Study, rows: ExportRows) -> tuple[Annotations, list[str]]:
    table = pa.Table.from_pylist(rows.ratings, _RATINGS)
    rated = set(table["dimension"].unique().to_pylist())
    dimensions = {dimension.name: dimension for dimension in _dimensions(study, rows) if dimension.name in rated}
    ranges = {
        name: (dimension.low, dimension.high)
        for name, dimension in dimensions.items()
        if dimension.low is not None and dimension.high is not None
    }
    levels = {name: dimension.level for name, dimension in dimensions.items()}
    annotations = import_tidy(table, ranges=ranges, levels=levels, raters=_raters(rows))
    notes = list(annotations.notes)
    if rows.without_clip:
        notes.append(f"left out: {rows.without_clip} rated clips whose video or setup is no longer in study.toml")
    fingerprints = {video: clip.fingerprint for video, clip in study.stimuli.clips.items()}
    origin: Mapping[str, Any] = {
        "importer": "collect",
        "title": study.design.title,
        "seed": study.design.seed,
        "fingerprints": fingerprints,
        "notes": notes,
    }
    return replace(annotations, dimensions=dimensions, origin=origin), notes


def _dimensions(study: Study, rows: ExportRows) -> list[Dimension]:
    axes = study.design.rating.axes if study.design.rating else ()
    dimensions = [Dimension(name=axis.name, low=axis.low, high=axis.high) for axis in axes]
    for question in study.design.after_clip:
        match question:
            case Scale():
                dimensions.append(
                    Dimension(name=question.name, level=question.level, low=question.low, high=question.high)
                )
            case Number():
                dimensions.append(Dimension(name=question.name, low=question.low, high=question.high))
            case Labels():
                own_labels = {row["label"] for row in rows.ratings if row["dimension"] == question.name} - {None}
                labels = (*question.all_labels, *sorted(own_labels - set(question.all_labels)))
                dimensions.append(Dimension(name=question.name, level="nominal", labels=labels))
            case YesNo() if question.name != SEEN:
                dimensions.append(Dimension(name=question.name, level="nominal", labels=("yes", "no")))
            case Choice():
                dimensions.append(Dimension(name=question.name, level="nominal", labels=question.options))
            case Words():
                pass
    return dimensions


def _raters(rows: ExportRows) -> pa.Table:
    names = list(dict.fromkeys(name for row in rows.raters for name in row))
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows.raters]
        kinds = {type(value) for value in values if value is not None}
        if kinds <= {int, float} and kinds:
            columns[name] = pa.array([None if value is None else float(value) for value in values], pa.float64())
        elif len(kinds) > 1:
            columns[name] = pa.array([None if value is None else str(value) for value in values], pa.string())
        else:
            kind = pa.float64() if name == "lag_s" else None
            columns[name] = pa.array(values, kind)
    return pa.table(columns)


def _traces(study: Study, rows: ExportRows) -> pa.Table:
    table = pa.Table.from_pylist(rows.events, _TRACES)
    axes = [] if study.design.rating is None else [axis.name for axis in study.design.rating.axes]
    metadata = {"x": axes[0] if len(axes) == 2 else None, "y": axes[-1] if axes else None, "unit": "0..1 of the range"}
    return table.replace_schema_metadata({"avcues": json.dumps(metadata)})
