"""Reads any table of ratings as tidy rows, by a map of what its columns, headers and file names mean.

| a key of a rating comes from     | written as                  | example                                        |
|----------------------------------|-----------------------------|------------------------------------------------|
| a column                         | its name                    | `rater=WorkerId`                               |
| a constant                       | `=TEXT`                     | `setup==music`                                 |
| columns and parts of the path    | a template                  | `video_id={video_id}_{clip_id}`                |
| the header of columns of ratings | `header`, a template        | `sample_{time}ms`, `{video_id}_{dimension}`    |

Parts of the path are those that `pattern` names, such as `{dimension}/{video_id}`, and always `{file}`, the file's
name without its suffix.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from avcues.pipeline.annotations.importing.cells import TIMES, typed
from avcues.pipeline.annotations.importing.key_sources import WORDS, column_of, names_in, path_parts, rated_columns
from avcues.pipeline.annotations.importing.labels import chosen_only, cut_apart, without_missing
from avcues.pipeline.annotations.importing.reading import Part, Range
from avcues.pipeline.annotations.importing.segments import on_grid
from avcues.pipeline.annotations.importing.times import OF_DAY, TimeUnit, require_unit, since_first
from avcues.pipeline.errors import SettingsError
from avcues.pipeline.store.user_columns import drop_row_counters
from avcues.pipeline.store.user_tables import PARQUET, column_names, read_user_table

KEYS = ("rater", "video_id", "setup", "round", "repeat", "dimension", "time", "start", "end", "value", "label")


@dataclass(frozen=True, kw_only=True)
class TableMap:
    """What the parts of a table mean.

    Args:
        keys: By key of `KEYS`, where its values come from, as in the table above.
        header: Template of the names of columns that hold ratings, one rating per cell. If it has `{label}`, a cell
            says whether the label was chosen.
        columns: The columns that `header` applies to; None: all that match it and that no key uses.
        pattern: Template of the end of paths, without the suffix.
        time_unit: Unit of times that are numbers.
        scale: The values in the table that become the lowest and the highest of `range_`; for a reversed scale, the
            first is the higher one.
        range_: The scale that values are mapped to.
        split: Separator of several labels in one cell; None: a cell is one label.
        step: Seconds per window of the grid that segments (`start`, `end`) are laid on.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    header: str | None = None
    columns: Collection[str] | None = None
    pattern: str | None = None
    time_unit: TimeUnit = "s"
    scale: Range | None = None
    range_: Range | None = None
    split: str | None = None
    step: Fraction = Fraction(1, 2)

    def __post_init__(self) -> None:
        require_unit(self.time_unit)
        unknown = [key for key in self.keys if key not in KEYS]
        if unknown:
            raise SettingsError(f"`map={unknown[0]}=...`: expected one of {', '.join(KEYS)}")
        if "value" not in self.keys and "label" not in self.keys and self.header is None:
            raise SettingsError("`map` names no `value` and no label, and there is no `header` of columns of ratings")
        named_twice = [key for key in self.keys if self.header is not None and key in ("value", *names_in(self.header))]
        if named_twice:
            raise SettingsError(f"`map` and `header` both say what `{named_twice[0]}` is; leave it out of `map`")
        if self.header is None and ("start" in self.keys) != ("end" in self.keys):
            raise SettingsError("`map` names only one of `start` and `end`; a segment needs both")
        if "start" in self.keys and "time" in self.keys:
            raise SettingsError(
                "`map` names both `time` and `start`; a rating has a time, or a segment from start to end"
            )
        if self.scale is not None and self.range_ is None:
            raise SettingsError("`scale` needs `range_`, the scale that values are mapped to")
        if self.scale is not None and self.scale[0] == self.scale[1]:
            raise SettingsError(f"`scale={self.scale[0]:g},{self.scale[1]:g}` is empty; expected LOW,HIGH")

    def columns_used(self) -> set[str]:
        """The columns that keys come from, as whole columns or in templates."""
        return {name for source in self.keys.values() for name in (source, *names_in(source))}


def read_part(file: Path, table_map: TableMap) -> Part:
    """The tidy rows of a file.

    Raises:
        InputError: As for `tidy_part`, or the file cannot be read.
    """
    as_text = {
        name
        for key, source in table_map.keys.items()
        if key in WORDS or (key in TIMES and file.suffix.lower() not in PARQUET)
        for name in (source, *names_in(source))
    }
    table = read_user_table(file, types={name: pa.string() for name in column_names(file) if name in as_text})
    notes: list[str] = []
    if table_map.header is not None and table_map.columns is None:
        table, notes = drop_row_counters(table, table_map.columns_used(), file.name)
    part = tidy_part(table, file, table_map)
    return replace(part, notes=[*notes, *part.notes])


def tidy_part(table: pa.Table, file: Path, table_map: TableMap) -> Part:
    """The tidy rows of a table.

    Args:
        table: As `read_user_table` reads it.
        file: Path of the file.

    Raises:
        InputError: A column is missing, no header matches, or a cell is neither number nor time.
        SettingsError: A template has an unknown name.
    """
    name, rows = str(file), len(table)
    parts_of_path = path_parts(file, table_map.pattern)
    rated: Sequence[tuple[Mapping[str, str], str]] = [({}, "")]
    if table_map.header is not None:
        rated = rated_columns(table, table_map.header, table_map.columns, table_map.columns_used(), name)
    sources = {key: column_of(source, table, parts_of_path, name) for key, source in table_map.keys.items()}
    # Row by row as in the file: all cells of the first row, then of the second.
    order = pa.array(np.arange(rows * len(rated)).reshape(len(rated), rows).T.ravel())
    columns: dict[str, Any] = {}
    for key in {*sources, *(key for keys, _ in rated for key in keys)}:
        chunks = [
            pa.array([keys[key]] * rows, pa.string())
            if key in keys
            else sources[key].cast(pa.string()).combine_chunks()
            if key in WORDS or any(key in header_keys for header_keys, _ in rated)
            else sources[key].combine_chunks()
            for keys, _ in rated
        ]
        columns[key] = pa.chunked_array(chunks).take(order)
    if table_map.header is not None:
        columns["value"] = pa.chunked_array([table[cell].cast(pa.string()).combine_chunks() for _, cell in rated]).take(
            order
        )
    number = np.repeat(np.arange(1, rows + 1), len(rated))
    cells = columns.pop("value") if table_map.header is not None and "label" in columns else None
    by_key = typed(columns, table_map.time_unit, table_map.scale, table_map.range_, name)
    return _part(by_key, cells, number, table_map, name)


def _part(
    columns: Mapping[str, Any], cells: pa.ChunkedArray | None, number: np.ndarray, table_map: TableMap, file: str
) -> Part:
    """Keeps chosen labels, splits cells into labels, and lays segments on the grid.

    Args:
        cells: Says for each row whether its label was chosen; None: every row is a rating.
    """
    table = pa.table(
        {
            key: pa.array(values, from_pandas=True) if isinstance(values, np.ndarray) else values
            for key, values in columns.items()
        }
    )
    notes: list[str] = []
    if cells is not None:
        table, number = chosen_only(table, cells, number, file)
    elif "label" in table.column_names:
        if table_map.split is not None:
            table, number = cut_apart(table, number, table_map.split)
        table, number, missing = without_missing(table, number)
        notes += [f"{Path(file).name}: {note}" for note in missing]
    if table_map.time_unit in OF_DAY:
        table = _since_first(table)
        notes.append("times of day: the first rating of each rater and clip counts as 0 s")
    if "start" in table.column_names and "end" in table.column_names:
        table, number = on_grid(table, number, float(table_map.step), file)
    return Part(table=table, name=file, rows=number, notes=notes)


def _since_first(table: pa.Table) -> pa.Table:
    """Times of day as seconds since the first one of a rater and clip."""
    clip = [table[name] for name in ("rater", "video_id", "setup", "round") if name in table.column_names]
    times = [name for name in TIMES if name in table.column_names]
    stacked = np.concatenate([table[name].to_numpy() for name in times]) if times else np.zeros(0)
    seconds = since_first(stacked, [pa.chunked_array(key.chunks * len(times), key.type) for key in clip])
    for name, values in zip(times, np.split(seconds, max(1, len(times))), strict=False):
        table = table.set_column(table.column_names.index(name), name, pa.array(values, from_pandas=True))
    return table
