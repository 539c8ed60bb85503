"""Any table of ratings as tidy rows, by a map of what its columns, headers and file names say.

| a key of a rating comes from     | written as                  | example                                        |
|----------------------------------|-----------------------------|------------------------------------------------|
| a column                         | its name                    | `rater=WorkerId`                               |
| a constant                       | `=TEXT`                     | `setup==music`                                 |
| columns and parts of the path    | a template                  | `video_id={video_id}_{clip_id}`                |
| the header of columns of ratings | `header`, a template        | `sample_{time}ms`, `{video_id}_{dimension}`    |

Parts of the path are what `pattern` names, such as `{dimension}/{video_id}`, and always `{file}`, the file's name
without its suffix.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.importing.labels import chosen_only, cut_apart, without_missing
from avcues.pipeline.annotations.importing.reading import Part, Range
from avcues.pipeline.annotations.importing.segments import on_grid
from avcues.pipeline.annotations.importing.times import OF_DAY, TimeUnit, require_unit, seconds_of, since_first
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.store.user_columns import drop_row_counters, numbers_or_texts, video_name
from avcues.pipeline.store.user_tables import PARQUET, column_names, missing_column, read_user_table

KEYS = ("rater", "video_id", "setup", "round", "repeat", "dimension", "time", "start", "end", "value", "label")
_WORDS = ("rater", "video_id", "setup", "round", "dimension")
_TIMES = ("time", "start", "end")
_NAME = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, kw_only=True)
class TableMap:
    """What the parts of a table mean.

    Args:
        keys: By key of `KEYS`, where it comes from, see above.
        header: Template of the names of columns that hold ratings, one rating per cell. With `{label}` in it a cell
            says whether the label was chosen.
        columns: The columns that `header` applies to; None: all that match and are used for nothing else.
        pattern: How paths end, without the suffix.
        time_unit: Of times that are numbers.
        scale: The values in the table that become the lowest and the highest of `range_`; the first may be the higher
            one, of a reversed scale.
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
        twice = [key for key in self.keys if self.header is not None and key in ("value", *_NAME.findall(self.header))]
        if twice:
            raise SettingsError(f"`map` and `header` both say what `{twice[0]}` is; leave it out of `map`")
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
        return {name for source in self.keys.values() for name in (source, *_NAME.findall(source))}


def read_part(file: Path, table_map: TableMap) -> Part:
    """The tidy rows of a file.

    Raises:
        InputError: As `tidy_part`, or the file cannot be read.
    """
    as_text = {
        name
        for key, source in table_map.keys.items()
        if key in _WORDS or (key in _TIMES and file.suffix.lower() not in PARQUET)
        for name in (source, *_NAME.findall(source))
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
        file: Its path.

    Raises:
        InputError: A column is missing, no header matches, or a cell is neither number nor time.
        SettingsError: A template has an unknown name.
    """
    name, rows = str(file), len(table)
    parts_of_path = path_parts(file, table_map.pattern)
    rated = _rated_columns(table, table_map, name)
    sources = {key: _source(table, source, parts_of_path, name) for key, source in table_map.keys.items()}
    # Row by row as in the file: all cells of the first row, then of the second.
    order = pa.array(np.arange(rows * len(rated)).reshape(len(rated), rows).T.ravel())
    columns: dict[str, Any] = {}
    for key in {*sources, *(key for keys, _ in rated for key in keys)}:
        chunks = [
            pa.array([keys[key]] * rows, pa.string())
            if key in keys
            else sources[key].cast(pa.string()).combine_chunks()
            if key in _WORDS or any(key in others for others, _ in rated)
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
    return _part(_typed(columns, table_map, name), cells, number, table_map, name)


def path_parts(file: Path, pattern: str | None) -> dict[str, str]:
    """The parts of a path that a pattern names, and `file`, its name without the suffix.

    Raises:
        InputError: The path does not match.
    """
    parts = {"file": file.stem}
    if pattern is None:
        return parts
    matched = re.compile(f"(?:^|.*/){_expression(pattern, '[^/]')}$").match(file.with_suffix("").as_posix())
    if matched is None:
        raise InputError(f'{file}: its path does not match the pattern "{pattern}"')
    return parts | matched.groupdict()


def _expression(template: str, character: str) -> str:
    """A template as a regular expression; ids of videos may hold what separates the names."""
    expression = re.escape(template)
    for name in _NAME.findall(template):
        length = "+" if name == "video_id" else "+?"
        expression = expression.replace(re.escape(f"{{{name}}}"), f"(?P<{name}>{character}{length})", 1)
    return expression


def _rated_columns(table: pa.Table, table_map: TableMap, file: str) -> Sequence[tuple[Mapping[str, str], str]]:
    """The keys that the name of each column of ratings holds, and that name; without a header, one nameless column."""
    if table_map.header is None:
        return [({}, "")]
    unknown = [name for name in _NAME.findall(table_map.header) if name not in (*_WORDS, "time", "label")]
    if unknown:
        raise SettingsError(
            f"`header={table_map.header}`: {{{unknown[0]}}} is unknown; expected {', '.join(_WORDS)}, time, label"
        )
    missing = [name for name in table_map.columns or () if name not in table.column_names]
    if missing:
        raise missing_column(file, missing, table.column_names)
    used, expression = table_map.columns_used(), re.compile(_expression(table_map.header, "."))
    candidates = [
        name
        for name in table.column_names
        if (name in table_map.columns if table_map.columns is not None else name not in used)
    ]
    matching = [(matched.groupdict(), name) for name in candidates if (matched := expression.fullmatch(name))]
    if not matching:
        raise InputError(
            f'{file}: no column is named like "{table_map.header}", only {", ".join(table.column_names[:20])}'
        )
    return matching


def _source(table: pa.Table, source: str, parts_of_path: Mapping[str, str], file: str) -> pa.ChunkedArray:
    """A key for every row: a column, a constant, or a template of columns and parts of the path."""
    rows = len(table)
    if source.startswith("="):
        return pa.chunked_array([pa.array([source[1:]] * rows, pa.string())])
    if not _NAME.findall(source):
        if source not in table.column_names:
            raise missing_column(file, [source], table.column_names)
        return table[source]
    pieces: list[Any] = []
    for i, piece in enumerate(_NAME.split(source)):
        if i % 2 == 0:
            pieces.append(pa.scalar(piece))
        elif piece in parts_of_path:
            pieces.append(pa.scalar(parts_of_path[piece]))
        elif piece in table.column_names:
            pieces.append(table[piece].cast(pa.string()))
        else:
            raise SettingsError(
                f"{file}: {{{piece}}} is no column and no part of the path; known are "
                f"{', '.join([*parts_of_path, *table.column_names[:20]])}"
            )
    joined = pc.binary_join_element_wise(*pieces, "")
    return joined if isinstance(joined, pa.ChunkedArray) else pa.chunked_array([pa.array([joined.as_py()] * rows)])


def _typed(columns: Mapping[str, pa.ChunkedArray], table_map: TableMap, file: str) -> dict[str, Any]:
    """Words, times in seconds, and values on the scale of the ratings."""
    typed: dict[str, Any] = {}
    for key, column in columns.items():
        if key in _WORDS or key == "label":
            words = pc.utf8_trim_whitespace(column.cast(pa.string()))
            typed[key] = _video_names(words) if key == "video_id" else words
        elif key in _TIMES:
            typed[key] = seconds_of(column, table_map.time_unit, file, key)
        elif key == "repeat":
            typed[key] = _counts(column, f"{file}: repeat")
        else:
            is_text = pa.types.is_string(column.type) or pa.types.is_dictionary(column.type)
            text = pc.utf8_trim_whitespace(column.cast(pa.string())) if is_text else column
            numbers = numbers_or_texts(text, f"{file}: value") if is_text else text
            if pa.types.is_string(numbers.type) and pc.any(numbers.is_valid()).as_py():
                typed["label"] = numbers
            else:
                typed[key] = _scaled(np.array(numbers.cast(pa.float64()).to_numpy()), table_map)
    return typed


def _video_names(words: pa.ChunkedArray) -> pa.ChunkedArray:
    """Ids of videos without folders and the suffix of a media file."""
    encoded = words.dictionary_encode().unify_dictionaries().combine_chunks()
    encoded = encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded
    names = pa.array([video_name(name) for name in encoded.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([names.take(encoded.indices)])


def _counts(column: pa.ChunkedArray, where: str) -> np.ndarray:
    try:
        return np.array(column.cast(pa.float64()).to_numpy())
    except pa.ArrowException as error:
        raise InputError(f"{where}: expected 0, 1, 2, ... ({error})") from error


def _scaled(values: np.ndarray, table_map: TableMap) -> np.ndarray:
    if table_map.scale is None or table_map.range_ is None:
        return values
    (low, high), (first, last) = table_map.scale, table_map.range_
    return first + (values - low) * ((last - first) / (high - low))


def _part(
    typed: Mapping[str, Any], cells: pa.ChunkedArray | None, number: np.ndarray, table_map: TableMap, file: str
) -> Part:
    """The part, with chosen labels only, cells cut into labels, and segments laid on the grid.

    Args:
        cells: Whether the label of each row was chosen; None: the rows are ratings.
    """
    table = pa.table(
        {
            key: pa.array(values, from_pandas=True) if isinstance(values, np.ndarray) else values
            for key, values in typed.items()
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
    times = [name for name in _TIMES if name in table.column_names]
    stacked = np.concatenate([table[name].to_numpy() for name in times]) if times else np.zeros(0)
    seconds = since_first(stacked, [pa.chunked_array(key.chunks * len(times)) for key in clip])
    for name, values in zip(times, np.split(seconds, max(1, len(times))), strict=False):
        table = table.set_column(table.column_names.index(name), name, pa.array(values, from_pandas=True))
    return table
