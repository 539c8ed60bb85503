"""Places the user's labels on the half-second grid by these rules.

| case    | rule                                                                                                       |
|---------|------------------------------------------------------------------------------------------------------------|
| time    | a label at `time` seconds belongs to the window that contains it: floor(time / step)                       |
| several | several labels in one window: numbers are averaged; of texts and booleans the last one counts, and a       |
|         | warning counts them                                                                                        |
| none    | a window without a label is null (fill "none"), or has the preceding label ("hold"), or the linear         |
|         | interpolation between the labelled windows around it ("linear"; texts and booleans are held); a warning    |
|         | counts the filled windows                                                                                  |
| edges   | nothing is filled before a video's first label; after the last label, "hold" continues and "linear" stops  |
| static  | labels without `time` and `window`, one row per video, hold for the whole video                            |
| missing | nulls, empty texts, `NA`, `-` and the like, and numbers that are not finite do not count as labels; a      |
|         | warning counts the rows in which a column of numbers has none                                              |
| foreign | labels of other videos, before 0 s or beyond a video's end are ignored, and a warning counts them          |

A Parquet file may declare which of its columns are targets (key `avcues` of its metadata: `targets`, a list of
`{"name": ...}`, and `step`), as the gold standards of `avcues annotations gold` do. Its other columns then describe the
targets, such as their spread over raters: they are kept, never filled, and predicted only if named. If the metadata are
lost (pandas, CSV), columns `<target>_std` and `<target>_n` identify a gold standard, and its column `fitted_on` the
videos on which no model may be tested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from avcues.pipeline.dataset.label_columns import (
    is_number,
    target_column,
    text_column,
    window_column,
    windows_of_times,
    without_nulls,
)
from avcues.pipeline.dataset.label_matching import ids_of_dataset, labels_within_videos, time_unit_hint
from avcues.pipeline.dataset.label_metadata import FITTED_ON, checked_label_metadata, complete_label_metadata
from avcues.pipeline.errors import InputError, one_line
from avcues.pipeline.store.parquet import WINDOW_KEYS
from avcues.pipeline.store.user_columns import drop_row_counters
from avcues.pipeline.store.user_tables import read_user_table

Fill = Literal["none", "hold", "linear"]

PREFIX = "target."
"""Prefix of the names of targets in joined tables."""


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Labels of many videos: one row per labelled window, or per video if they are static.

    Args:
        rows: `window` (unless static), then targets and columns that describe them, under their joined names.
        spans: By video id, its first row and number of rows.
        warnings: Labels that could not be used, one line each.
        descriptive_columns: Joined names of the columns that describe targets.
        metadata: The file's own metadata, if avcues made it.
    """

    rows: pa.Table
    spans: Mapping[str, tuple[int, int]]
    fill: Fill
    warnings: tuple[str, ...]
    descriptive_columns: frozenset[str] = frozenset()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def once_per_video(self) -> bool:
        """Whether each video has one label, which holds for all its windows."""
        return "window" not in self.rows.column_names

    @property
    def fields(self) -> tuple[pa.Field, ...]:
        """The label columns of a joined table: targets, and columns that describe them."""
        return tuple(field for field in self.rows.schema if field.name != "window")

    @property
    def targets(self) -> tuple[str, ...]:
        """Joined names of the targets."""
        return tuple(field.name for field in self.fields if field.name not in self.descriptive_columns)

    def columns_of(self, video_id: str, windows: int) -> list[pa.Array]:
        """For each label column, an array of `windows` values, null where a label is missing."""
        first, count = self.spans.get(video_id, (0, 0))
        row = np.full(windows, -1)
        if not self.once_per_video:
            row[self.rows["window"].slice(first, count).to_numpy()] = np.arange(first, first + count)
        elif count:
            row[:] = first
        placed = self.rows.take(pa.array(row, mask=row < 0))
        fills = dict.fromkeys(self.targets, self.fill)
        return [_filled(placed[field.name].combine_chunks(), fills.get(field.name, "none")) for field in self.fields]


def read_labels(source: Any, step: Fraction, windows: Mapping[str, int], fill: Fill = "none") -> Labels:
    """Reads labels and places them on the grid.

    Args:
        source: Path of a CSV or Parquet file, or a table in memory (pyarrow, pandas, polars), with the column
            `video_id`, `time` (seconds on the video's clock) or `window` unless static, and one or more targets.
        step: Window length in seconds.
        windows: By id of each video that can be labelled, its number of windows.

    Raises:
        InputError: The labels cannot be read, lack a column, have a value that is not a time, window or target, or name
            no video of the dataset.
    """
    source_name = f"{source}" if isinstance(source, str | Path) else "labels"
    table = _load(Path(source)) if isinstance(source, str | Path) else pa.table(source)
    repeated = [name for name in table.column_names if table.column_names.count(name) > 1]
    if repeated:
        raise InputError(
            f'{source_name}: has the column "{repeated[0]}" more than once; give each column a distinct name'
        )
    if "video_id" not in table.column_names:
        raise InputError(f"{source_name}: has no column video_id, only {', '.join(table.column_names)}")
    table, count_notes = drop_row_counters(table, [*WINDOW_KEYS, "time"], source_name, ["video_id"])
    columns = dict(zip(table.column_names, table.columns, strict=True))
    ids, id_notes = ids_of_dataset(
        without_nulls(text_column(columns["video_id"]), f"{source_name}: video_id"), windows, source_name
    )
    labels = {"video_id": ids} | _placement(columns, step, source_name)
    values = [name for name in columns if name not in {*WINDOW_KEYS, "time", FITTED_ON}]
    if not values:
        raise InputError(f"{source_name}: has no target column beside {', '.join(columns)}")
    metadata, metadata_notes = complete_label_metadata(
        checked_label_metadata(table, step, source_name), columns, ids, source_name
    )
    targets = [target["name"] for target in metadata.get("targets", []) if target["name"] in values] or values
    labels |= {PREFIX + name: target_column(columns[name], f"{source_name}: {name}") for name in values}
    all_labels = pa.table(labels)
    if "time" in columns:
        all_labels = all_labels.take(pc.sort_indices(columns["time"]))
    placed_labels, warnings = labels_within_videos(all_labels, windows, step, source_name)
    if "time" in columns and all_labels.num_rows and not placed_labels.num_rows:
        hint = time_unit_hint(columns["time"], windows, step)
        raise InputError(f"{source_name}: no label lies within its video; {warnings[-1]}{hint}")
    rows, spans = _one_row_per_window(placed_labels, source_name)
    if placed_labels.num_rows > rows.num_rows:
        warnings.append(
            f"{source_name}: {placed_labels.num_rows} labels lie in {rows.num_rows} windows: numbers in one window are "
            "averaged, of texts and booleans the last one counts"
        )
    if fill != "none" and "window" in rows.column_names:
        warnings += _notes_on_filled(rows, spans, windows, [PREFIX + name for name in targets], fill)
    warnings = [*count_notes, *id_notes, *metadata_notes, *_notes_on_missing_numbers(placed_labels), *warnings]
    descriptive_columns = frozenset(PREFIX + name for name in values if name not in targets)
    return Labels(
        rows=rows,
        spans=spans,
        fill=fill,
        warnings=tuple(warnings),
        descriptive_columns=descriptive_columns,
        metadata=metadata,
    )


def _placement(columns: Mapping[str, pa.ChunkedArray], step: Fraction, source_name: str) -> dict[str, pa.ChunkedArray]:
    """The column `window`, from that column or from `time`; empty if labels are static."""
    if "time" in columns and "window" in columns:
        raise InputError(f"{source_name}: has both time and window; leave one out")
    if "window" in columns:
        return {"window": window_column(columns["window"], f"{source_name}: window")}
    if "time" in columns:
        return {"window": windows_of_times(columns["time"], step, f"{source_name}: time")}
    if {"start", "end"} & columns.keys():
        raise InputError(
            f"{source_name}: labels are placed by a column time (in seconds) or window, not by start and end"
        )
    return {}


def _load(path: Path) -> pa.Table:
    if not path.is_file():
        raise InputError(f"{path}: no such file of labels")
    if path.suffix.lower() != ".parquet":
        return read_user_table(path, types={"video_id": pa.string()})
    try:
        return pq.ParquetFile(path).read()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read as a CSV or Parquet file of labels ({one_line(error)})") from error


def _notes_on_missing_numbers(labels: pa.Table) -> list[str]:
    """Notes on targets without a number in some rows."""
    return [
        f"{field.name.removeprefix(PREFIX)}: no number in {labels[field.name].null_count} of {labels.num_rows} rows"
        for field in labels.schema
        if field.name.startswith(PREFIX)
        and is_number(field.type)
        and 0 < labels[field.name].null_count < labels.num_rows
    ]


def _notes_on_filled(
    rows: pa.Table, spans: Mapping[str, tuple[int, int]], windows: Mapping[str, int], targets: Sequence[str], fill: Fill
) -> list[str]:
    """How many windows are filled, by target, and which targets cannot be interpolated."""
    notes = []
    total = sum(windows[video_id] for video_id in spans)
    places = rows["window"].to_numpy()
    for target in targets:
        name, is_labelled = target.removeprefix(PREFIX), rows[target].is_valid().to_numpy()
        is_held = fill == "hold" or not is_number(rows[target].type)
        if is_held and fill == "linear":
            notes.append(f"{name}: texts and booleans cannot be interpolated; the label before holds")
        filled = 0
        for video_id, (first, count) in spans.items():
            labelled = places[first : first + count][is_labelled[first : first + count]]
            if len(labelled):
                last = windows[video_id] - 1 if is_held else labelled[-1]
                filled += int(last - labelled[0]) + 1 - len(labelled)
        if filled:
            notes.append(f"{name}: {filled} of {total} windows of labelled videos are filled")
    return notes


def _one_row_per_window(labels: pa.Table, source_name: str) -> tuple[pa.Table, dict[str, tuple[int, int]]]:
    """Combines labels to one sorted row per window or video; returns also each video's first row and number of rows."""
    keys = [name for name in ("video_id", "window") if name in labels.column_names]
    targets = [field for field in labels.schema if field.name not in keys]
    aggregations = {field.name: "mean" if is_number(field.type) else "last" for field in targets}
    merged = labels.group_by(keys, use_threads=False).aggregate(list(aggregations.items()))
    if len(keys) == 1 and merged.num_rows < labels.num_rows:
        most_frequent = pc.mode(labels["video_id"].dictionary_encode().combine_chunks().indices)[0].as_py()
        video_id = labels["video_id"].unique()[most_frequent["mode"]]
        row_count = most_frequent["count"]
        raise InputError(
            f"{source_name}: has {row_count} rows for {video_id}, but no column time (in seconds) or window"
        )
    merged = merged.sort_by([(key, "ascending") for key in keys])
    spans, first = {}, 0
    for entry in merged["video_id"].value_counts().to_pylist():
        spans[entry["values"]] = (first, entry["counts"])
        first += entry["counts"]
    columns = {"window": merged["window"]} if len(keys) == 2 else {}
    columns |= {field.name: merged[f"{field.name}_{aggregations[field.name]}"].cast(field.type) for field in targets}
    return pa.table(columns), spans


def _filled(values: pa.Array, fill: Fill) -> pa.Array:
    if fill == "none":
        return values
    if fill == "hold" or not is_number(values.type):
        return pc.fill_null_forward(values)
    labelled = np.flatnonzero(pc.is_valid(values))
    if not len(labelled):
        return values
    windows = np.arange(len(values))
    interpolated = np.interp(windows, labelled, values.take(pa.array(labelled)).to_numpy())
    return pa.array(interpolated, mask=(windows < labelled[0]) | (windows > labelled[-1])).cast(values.type)
