"""Checks every invariant of a finished folder from its files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.errors import one_line
from avcues.pipeline.store.layout import (
    MANIFEST,
    REPORT,
    record_path,
    recorded_videos,
    table_folders,
    table_path,
    unfinished_files,
    videos_with_table,
)
from avcues.pipeline.store.manifest import Manifest, require_manifest
from avcues.pipeline.store.parquet import SHOT_KEYS, WINDOW_KEYS, misfit, read_metadata, read_table
from avcues.pipeline.store.records import read_record
from avcues.pipeline.store.stamps import checksum
from avcues.pipeline.store.timeline_table import TIMELINE
from avcues.pipeline.timeline import Grid

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

# Feature columns are float32; the error of the sum of some hundred of them is smaller.
_SUM_TOLERANCE = 1e-3
_RANGE_TOLERANCE = 1e-4


@dataclass
class Validation:
    """The number of videos and tables that were checked, and a line for each breach, which names the file."""

    videos: int = 0
    tables: int = 0
    breaches: list[str] = field(default_factory=list)


def validate(out: Location) -> Validation:
    """Checks every table and record of a folder.

    Raises:
        SettingsError: The folder is not a dataset.
    """
    manifest = require_manifest(out)
    validation = Validation()
    video_ids = sorted({video_id for table in manifest.tables for video_id in videos_with_table(out, table)})
    for video_id in video_ids:
        validation.videos += 1
        for breach in _check_video(out, video_id, manifest, validation):
            validation.breaches.append(breach)
    for name in table_folders(out):
        if name not in manifest.tables and name != REPORT:
            validation.breaches.append(f"{out / name}: is not a table of this dataset ({MANIFEST}); remove it")
    validation.breaches += [
        f"{record_path(out, video_id)}: damaged; remove it and run avcues extract again"
        for video_id in recorded_videos(out)
        if not read_record(out, video_id)
    ]
    validation.breaches += [f"{path}: left behind by a killed run; remove it" for path in unfinished_files(out)]
    return validation


def _check_video(out: Location, video_id: str, manifest: Manifest, validation: Validation) -> Iterator[str]:
    checksums = read_record(out, video_id).get("checksums", {})
    tables: dict[str, pa.Table] = {}
    metadata_by_table: dict[str, dict[str, Any]] = {}
    for name, extractor in manifest.tables.items():
        path = table_path(out, name, video_id)
        if not path.exists():
            yield f"{path}: missing; run avcues extract again"
            continue
        metadata = read_metadata(path)
        if metadata is None:
            yield f"{path}: unreadable or without avcues metadata; run avcues extract again"
            continue
        if metadata["recipe"] != manifest.recipes[extractor]:
            yield f"{path}: made with {metadata['recipe']}, but {MANIFEST} has {manifest.recipes[extractor]}"
        validation.tables += 1
        try:
            tables[name] = read_table(path)
        except (OSError, ValueError, pa.ArrowException) as error:
            yield f"{path}: cannot be read ({one_line(error)}); run avcues extract --verify again"
            continue
        metadata_by_table[name] = metadata
    if TIMELINE.name not in tables:
        return
    for name, metadata in metadata_by_table.items():
        if metadata["source"].get("fingerprint") != metadata_by_table[TIMELINE.name]["source"].get("fingerprint"):
            yield f"{table_path(out, name, video_id)}: made from another file than timeline; run avcues extract again"
    grid, windows = Grid(manifest.step), tables[TIMELINE.name].num_rows
    for name, table in list(tables.items()):
        path = table_path(out, name, video_id)
        breaches = list(_check_keys(table, metadata_by_table[name], video_id, grid, windows))
        if breaches:
            del tables[name]
        else:
            breaches = list(_check_values(table, metadata_by_table[name]))
        if not breaches and checksums.get(name) not in (None, checksum(path)):
            breaches = ["was changed after it was written; run avcues extract --verify again"]
        yield from (f"{path}: {breach}" for breach in breaches)
    if {"shots", TIMELINE.name} <= tables.keys() and {"shot", "on_screen"} <= {*tables[TIMELINE.name].column_names}:
        for breach in _check_shots(tables["shots"], tables[TIMELINE.name], grid):
            yield f"{table_path(out, 'shots', video_id)}: {breach}"


def _check_keys(table: pa.Table, metadata: dict[str, Any], video_id: str, grid: Grid, windows: int) -> Iterator[str]:
    row = metadata["row"]
    keys = SHOT_KEYS if row == "shot" else WINDOW_KEYS
    if tuple(table.column_names[: len(keys)]) != keys:
        yield f"its first columns are {table.column_names[: len(keys)]}, not {list(keys)}"
        return
    if table.column_names[len(keys) :] != [column["name"] for column in metadata["columns"]]:
        yield "its columns differ from those in its metadata"
        return
    if misfit_text := misfit(table.schema, row, table.column_names[len(keys) :]):
        yield misfit_text
        return
    if null_keys := [name for name in keys[:4] if table[name].null_count]:
        yield f"{null_keys[0]} is null in {table[null_keys[0]].null_count} rows"
        return
    if set(table["video_id"].to_pylist()) - {video_id}:
        yield f"holds rows of other videos than {video_id}"
    if row == "shot":
        if table["shot"].to_pylist() != list(range(table.num_rows)):
            yield "shots are not numbered 0, 1, 2, ..."
        return
    row_windows = table["window"].to_numpy()
    if row == "window" and not np.array_equal(row_windows, np.arange(windows)):
        yield (
            f"has {len(row_windows)} rows, or windows out of order; timeline has {windows} windows, 0 to {windows - 1}"
        )
        return
    if (
        row == "item"
        and len(row_windows)
        and (row_windows.min() < 0 or row_windows.max() >= windows or (np.diff(row_windows) < 0).any())
    ):
        yield f"has windows out of order or outside 0 to {windows - 1}"
        return
    starts, ends = grid.edges(windows)
    if not np.array_equal(table["start"].to_numpy(), starts[row_windows]) or not np.array_equal(
        table["end"].to_numpy(), ends[row_windows]
    ):
        yield f"start and end are not window * {grid.step} s"


def _check_values(table: pa.Table, metadata: dict[str, Any]) -> Iterator[str]:
    for column in metadata["columns"]:
        values = table[column["name"]]
        if pa.types.is_floating(values.type):
            if not pc.all(pc.is_finite(values)).as_py() and values.null_count < len(values):
                yield f"{column['name']}: holds NaN or infinity; missing values must be null"
                continue
        elif not pa.types.is_integer(values.type):
            continue
        bounds = pc.min_max(values).as_py()
        low, high = column.get("low"), column.get("high")
        if bounds["min"] is not None and low is not None and bounds["min"] < low - _RANGE_TOLERANCE * max(1, abs(low)):
            yield f"{column['name']}: {bounds['min']} is below the smallest possible value {low}"
        if (
            bounds["max"] is not None
            and high is not None
            and bounds["max"] > high + _RANGE_TOLERANCE * max(1, abs(high))
        ):
            yield f"{column['name']}: {bounds['max']} is above the largest possible value {high}"
    for group in metadata["sums_to_one"]:
        if not all(pa.types.is_floating(table[name].type) for name in group):
            yield f"{group[0]} ... {group[-1]} cannot sum to 1: not all are fractions"
            continue
        total = np.zeros(table.num_rows)
        for name in group:
            total += table[name].to_numpy(zero_copy_only=False)
        error = np.abs(total - 1)
        if np.nanmax(error, initial=0) > _SUM_TOLERANCE:
            row = int(np.nanargmax(error))
            yield f"row {row}: {group[0]} ... {group[-1]} sum to {total[row]:.4f}, not to 1"


def _check_shots(shots: pa.Table, timeline: pa.Table, grid: Grid) -> Iterator[str]:
    starts, ends = shots["start"].to_numpy(), shots["end"].to_numpy()
    if (starts >= ends).any():
        yield f"shot {int(np.argmax(starts >= ends))} is empty or ends before it starts"
    if not np.array_equal(starts[1:], ends[:-1]):
        first_gap = int(np.argmax(starts[1:] != ends[:-1]))
        yield f"shots do not partition the video: shot {first_gap} does not end where the next starts"
    window_shots = timeline["shot"].to_pylist()
    on_screen = timeline["on_screen"].to_pylist()
    if any((shot is None) == has_frame for shot, has_frame in zip(window_shots, on_screen, strict=True)):
        yield "timeline: a window has a shot without a frame on screen, or a frame without a shot"
    for shot, first, last in zip(
        shots["shot"].to_pylist(), shots["first_window"].to_pylist(), shots["last_window"].to_pylist(), strict=True
    ):
        windows = [window for window, window_shot in enumerate(window_shots) if window_shot == shot]
        if [first, last] != ([windows[0], windows[-1]] if windows else [None, None]):
            yield f"shot {shot} claims windows {first} to {last}, timeline gives it {windows[:1]} to {windows[-1:]}"
