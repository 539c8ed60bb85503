"""One video of a dataset: its record and its tables, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from avcues.pipeline.errors import InputError
from avcues.pipeline.store.layout import recorded_videos, table_path, videos_with_table
from avcues.pipeline.store.manifest import Manifest
from avcues.pipeline.store.parquet import read_footer, read_table
from avcues.pipeline.store.records import describe_damage, read_record
from avcues.pipeline.store.timeline_table import TIMELINE

Values = npt.NDArray[np.float64]


def video_ids(out: Path) -> list[str]:
    """Ids of all videos of which the folder has a record or a timeline."""
    return sorted({*recorded_videos(out), *videos_with_table(out, TIMELINE.name)})


class Video:
    """The record and the tables of one video.

    Args:
        out: Folder of the dataset.
        video_id: Id of a video in it.
        manifest: The dataset's manifest.

    Attributes:
        tables: Metadata of every table that can be read, by name.
        unreadable: Why a table cannot be read, by name.
        source: Metadata of the file that the tables were measured from.
        windows: Rows of every window table.
        step: Seconds per window.

    Raises:
        InputError: The video has no readable timeline, which every page needs.
    """

    def __init__(self, out: Path, video_id: str, manifest: Manifest) -> None:
        self.video_id = video_id
        self.recipes: Mapping[str, Any] = manifest.recipes
        self.step = float(manifest.step)
        self.status = read_record(out, video_id)
        self.tables: dict[str, dict[str, Any]] = {}
        self.unreadable: dict[str, str] = {}
        self._out = out
        rows: dict[str, int] = {}
        for name in manifest.tables:
            path = table_path(out, name, video_id)
            footer = read_footer(path)
            if footer is not None:
                self.tables[name] = footer.metadata
                rows[name] = footer.rows
            elif path.exists():
                self.unreadable[name] = "cannot be read"
        if TIMELINE.name not in self.tables:
            cause = self.status.get("error") or f"{table_path(out, TIMELINE.name, video_id)} is missing or damaged"
            raise InputError(f'"{video_id}" has no tables to show ({cause}); run avcues extract again')
        self.windows = rows[TIMELINE.name]
        self.source: Mapping[str, Any] = self.tables[TIMELINE.name]["source"]
        for name in [name for name, metadata in self.tables.items() if metadata["row"] == "window"]:
            if rows[name] != self.windows:
                self.unreadable[name] = f"has {rows[name]} rows where timeline has {self.windows}"
                del self.tables[name]

    @property
    def duration_s(self) -> float:
        """Duration in seconds, from the record or else from the number of windows."""
        return float(self.status.get("duration_s") or self.windows * self.step)

    @cached_property
    def damage(self) -> str:
        """What could not be decoded, in words; empty if nothing was lost."""
        return describe_damage(self.status.get("damage", {}), self.status.get("lost_s", 0.0))

    @cached_property
    def shot_of_windows(self) -> npt.NDArray[np.int32]:
        """(windows,) index of the shot on screen at the start of each window; -1 without a shot."""
        shots = self._read(TIMELINE.name, ["shot"])["shot"]
        return np.asarray(shots.fill_null(-1).to_numpy(), np.int32)

    @cached_property
    def shots(self) -> list[tuple[float, float]]:
        """[start, end) of each shot in seconds; empty for a file without a picture."""
        if "shots" not in self.tables:
            return []
        edges = self.values("shots", ["start", "end"])
        return [(float(start), float(end)) for start, end in edges]

    @property
    def plottable(self) -> list[str]:
        """The tables whose columns have a value per window or shot."""
        return [name for name, metadata in self.tables.items() if metadata["row"] in ("window", "shot")]

    @cached_property
    def _documented(self) -> dict[str, dict[str, Any]]:
        return {
            table: {column["name"]: column for column in metadata["columns"]} for table, metadata in self.tables.items()
        }

    def columns(self, table: str) -> list[str]:
        """The documented columns of a table."""
        return list(self._documented[table])

    def rows(self, table: str) -> int:
        """Number of rows of a table."""
        return int(pq.read_metadata(table_path(self._out, table, self.video_id)).num_rows)

    def has_same_rows(self, other: Video, table: str) -> bool:
        """Whether the table of this name has the same rows in another folder, in all columns."""
        return self._read(table, self.columns(table)).equals(other._read(table, other.columns(table)))

    def column(self, table: str, name: str) -> dict[str, Any]:
        """A table's documentation of one column."""
        return self._documented[table][name]

    def has(self, table: str, *names: str) -> bool:
        """Whether the table can be read and has the columns."""
        return table in self.tables and self._documented[table].keys() >= set(names)

    def values(self, table: str, names: Sequence[str]) -> Values:
        """(rows, columns) numbers; NaN where a value is missing."""
        stored = self._read(table, names)
        columns = [stored[name].cast(pa.float64()).to_numpy() for name in names]
        return np.column_stack(columns) if columns else np.empty((stored.num_rows, 0))

    def per_window(self, table: str, names: Sequence[str]) -> Values:
        """(windows, columns) values of a plottable table; those of a shot apply to all its windows. NaN: missing."""
        return self.over_windows(table, self.values(table, names))

    def over_windows(self, table: str, values: Values) -> Values:
        """Spreads (rows, columns) values of a plottable table over windows, as `per_window` does."""
        if self.tables[table]["row"] == "window":
            return values
        no_shot = np.full((1, values.shape[1]), np.nan)
        over_windows: Values = np.concatenate([values, no_shot])[self.shot_of_windows]
        return over_windows

    def texts(self, table: str, name: str) -> list[str | None]:
        """The texts of a column; None where a value is missing."""
        return list(self._read(table, [name])[name].to_pylist())

    def numeric(self, table: str) -> list[str]:
        """The numeric columns of a table; empty if there is no such table."""
        if table not in self.tables:
            return []
        schema = pq.read_schema(table_path(self._out, table, self.video_id))
        return [name for name in self._documented[table] if not pa.types.is_string(schema.field(name).type)]

    def classes(self, table: str) -> list[str]:
        """The columns of a table whose values sum to 1: probabilities of mutually exclusive classes."""
        return [name for group in self.tables[table]["sums_to_one"] for name in group]

    def _read(self, table: str, names: Sequence[str]) -> pa.Table:
        return read_table(table_path(self._out, table, self.video_id), names)
