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
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.annotations.importing.assemble import Part, Range
from avcues.pipeline.annotations.importing.times import TimeUnit, in_seconds, of_clock, require_unit
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.store.user_columns import drop_row_counters, numbers_or_texts, video_name
from avcues.pipeline.store.user_tables import column_names, missing_column, read_user_table

KEYS = ("rater", "video_id", "setup", "round", "repeat", "dimension", "time", "start", "end", "value", "label")
_WORDS = ("rater", "video_id", "setup", "round", "dimension")
_TIMES = ("time", "start", "end")
_NAME = re.compile(r"\{([^{}]+)\}")
_TRUE = ("1", "1.0", "true", "yes", "x")


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
        scale: Lowest and highest value in the table, if it differs from that of the ratings.
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
        if self.scale is not None and self.range_ is None:
            raise SettingsError("`scale` needs `range_`, the scale that values are mapped to")


def read_part(file: Path, of: TableMap) -> tuple[Part, list[str]]:
    """The tidy rows of a file, and notes on columns that only count its rows.

    Raises:
        InputError: As `tidy_part`, or the file cannot be read.
    """
    sources = [text for key, text in of.keys.items() if key in _WORDS]
    named = {*sources, *(name for text in sources for name in _NAME.findall(text))}
    table = read_user_table(file, types={name: pa.string() for name in column_names(file) if name in named})
    used = {*of.keys.values(), *(name for text in of.keys.values() for name in _NAME.findall(text))}
    notes: list[str] = []
    if of.header is not None and of.columns is None:
        table, notes = drop_row_counters(table, used, file.name)
    return tidy_part(table, file, of), notes


def tidy_part(table: pa.Table, file: Path, of: TableMap) -> Part:
    """The tidy rows of a table.

    Args:
        table: As `read_user_table` reads it.
        file: Its path.

    Raises:
        InputError: A column is missing, no header matches, or a cell is neither number nor time.
        SettingsError: A template has an unknown name.
    """
    where = str(file)
    parts = path_parts(file, of.pattern)
    cells = _cells(table, of, where)
    rows = len(table)
    base = {key: _source(table, text, parts, where) for key, text in of.keys.items()}
    # Row by row as in the file: all cells of the first row, then of the second.
    order = pa.array(np.arange(rows * len(cells)).reshape(len(cells), rows).T.ravel())
    columns: dict[str, Any] = {}
    for key in {*base, *(name for names, _ in cells for name in names)}:
        chunks = [
            pa.array([names[key]] * rows, pa.string())
            if key in names
            else base[key].cast(pa.string()).combine_chunks()
            if key in _WORDS
            else base[key].combine_chunks()
            for names, _ in cells
        ]
        columns[key] = pa.chunked_array(chunks).take(order)
    number = np.repeat(np.arange(1, rows + 1), len(cells))
    if of.header is not None:
        values = pa.chunked_array([table[name].cast(pa.string()).combine_chunks() for _, name in cells]).take(order)
        columns["chosen" if "label" in columns else "value"] = values
    typed = _typed(columns, of, where)
    return _laid(typed, number, of, where)


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


def _expression(template: str, any_: str) -> str:
    expression = re.escape(template)
    for name in _NAME.findall(template):
        many = "+" if name == "video_id" else "+?"
        expression = expression.replace(re.escape(f"{{{name}}}"), f"(?P<{name}>{any_}{many})", 1)
    return expression


def _cells(table: pa.Table, of: TableMap, where: str) -> Sequence[tuple[Mapping[str, str], str]]:
    """What the name of each column of ratings says, and the column; one nameless one without a header."""
    if of.header is None:
        return [({}, "")]
    unknown = [name for name in _NAME.findall(of.header) if name not in (*_WORDS, "time", "label")]
    if unknown:
        raise SettingsError(
            f"`header={of.header}`: {{{unknown[0]}}} is unknown; expected {', '.join(_WORDS)}, time, label"
        )
    missing = [name for name in of.columns or () if name not in table.column_names]
    if missing:
        raise missing_column(where, missing, table.column_names)
    used = set(of.keys.values()) | {name for text in of.keys.values() for name in _NAME.findall(text)}
    expression = re.compile(_expression(of.header, "."))
    named = [
        name for name in table.column_names if (name in of.columns if of.columns is not None else name not in used)
    ]
    matching = [(matched.groupdict(), name) for name in named if (matched := expression.fullmatch(name))]
    if not matching:
        raise InputError(f'{where}: no column is named like "{of.header}", only {", ".join(table.column_names[:20])}')
    return matching


def _source(table: pa.Table, text: str, parts: Mapping[str, str], where: str) -> pa.ChunkedArray:
    """A key for every row: a column, a constant, or a template of columns and parts of the path."""
    rows = len(table)
    if text.startswith("="):
        return pa.chunked_array([pa.array([text[1:]] * rows, pa.string())])
    names = _NAME.findall(text)
    if not names:
        if text not in table.column_names:
            raise missing_column(where, [text], table.column_names)
        return table[text]
    pieces: list[Any] = []
    for i, piece in enumerate(_NAME.split(text)):
        if i % 2 == 0:
            pieces.append(pa.scalar(piece))
        elif piece in parts:
            pieces.append(pa.scalar(parts[piece]))
        elif piece in table.column_names:
            pieces.append(table[piece].cast(pa.string()))
        else:
            raise SettingsError(
                f"{where}: {{{piece}}} is no column and no part of the path; known are "
                f"{', '.join([*parts, *table.column_names[:20]])}"
            )
    joined = pc.binary_join_element_wise(*pieces, "")
    return joined if isinstance(joined, pa.ChunkedArray) else pa.chunked_array([pa.array([joined.as_py()] * rows)])


def _typed(columns: dict[str, Any], of: TableMap, where: str) -> dict[str, Any]:
    """Words, times in seconds, and values on the scale of the ratings."""
    typed: dict[str, Any] = {}
    for key, column in columns.items():
        if key in _WORDS or key == "label":
            words = pc.utf8_trim_whitespace(column.cast(pa.string()))
            if key == "video_id":
                words = words.dictionary_encode().unify_dictionaries().combine_chunks()
                words = words.chunk(0) if isinstance(words, pa.ChunkedArray) else words
                names = pa.array([video_name(name) for name in words.dictionary.to_pylist()], pa.string())
                words = pa.chunked_array([names.take(words.indices)])
            typed[key] = words
        elif key in _TIMES:
            typed[key] = _seconds(column, of.time_unit, where, key)
        elif key == "value":
            text = pa.types.is_string(column.type) or pa.types.is_dictionary(column.type)
            numbers = (
                numbers_or_texts(pc.utf8_trim_whitespace(column.cast(pa.string())), f"{where}: value")
                if text
                else column
            )
            if pa.types.is_string(numbers.type) and pc.any(numbers.is_valid()).as_py():
                typed["label"] = numbers
                continue
            typed[key] = _scaled(np.array(numbers.cast(pa.float64()).to_numpy()), of)
        elif key == "repeat":
            typed[key] = _numbers(column, f"{where}: repeat")
        else:
            typed[key] = np.isin(np.char.lower(np.array(column.fill_null("").to_pylist(), str)), _TRUE)
    return typed


def _seconds(column: pa.ChunkedArray, unit: TimeUnit, where: str, name: str) -> np.ndarray:
    """Texts with colons are minutes and seconds already; numbers are in the unit."""
    clock = pa.types.is_string(column.type) and pc.any(pc.match_substring(column, ":")).as_py()
    times = of_clock(column, where, name)
    return times if clock else in_seconds(times, unit)


def _numbers(column: pa.ChunkedArray, where: str) -> np.ndarray:
    try:
        return np.array(column.cast(pa.float64()).to_numpy())
    except pa.ArrowException as error:
        raise InputError(f"{where}: expected 0, 1, 2, ... ({error})") from error


def _scaled(values: np.ndarray, of: TableMap) -> np.ndarray:
    if of.scale is None or of.range_ is None:
        return values
    (low, high), (first, last) = of.scale, of.range_
    return first + (values - low) * ((last - first) / (high - low))


def _laid(typed: dict[str, Any], number: np.ndarray, of: TableMap, where: str) -> Part:
    """The part, with labels that were not chosen left out, cells cut into labels, and segments laid on the grid."""
    arrays = {
        key: pa.array(values, from_pandas=True) if isinstance(values, np.ndarray) else values
        for key, values in typed.items()
    }
    table = pa.table(arrays)
    if "chosen" in arrays:
        kept = typed["chosen"]
        table, number = table.drop_columns(["chosen"]).filter(pa.array(kept)), number[kept]
    if of.split is not None and "label" in table.column_names:
        lists = pc.split_pattern(table["label"].fill_null(""), of.split).combine_chunks()
        place = pc.list_parent_indices(lists)
        labels = pc.utf8_trim_whitespace(pc.list_flatten(lists))
        table, number = table.take(place), number[place.to_numpy()]
        table = table.set_column(table.column_names.index("label"), "label", pa.chunked_array([labels]))
    if "start" in table.column_names and "end" in table.column_names:
        table, number = _on_grid(table, number, float(of.step), where)
    return Part(table=table, name=where, rows=number)


def _on_grid(table: pa.Table, number: np.ndarray, step: float, where: str) -> tuple[pa.Table, np.ndarray]:
    """A row for every window whose middle lies in a segment; a segment that holds none has one at its own middle."""
    start, end = (table[name].to_numpy() for name in ("start", "end"))
    wrong = ~(np.isfinite(start) & np.isfinite(end) & (end >= start))
    if wrong.any():
        row = int(number[np.argmax(wrong)])
        raise InputError(f"{where}: row {row}: the segment from {start[wrong][0]:g} to {end[wrong][0]:g} s is none")
    first = np.ceil(np.round(start / step - 0.5, 6)).astype(np.int64)
    count = np.maximum(1, np.ceil(np.round(end / step - 0.5, 6)).astype(np.int64) - first)
    place = np.repeat(np.arange(len(start)), count)
    window = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    middle = (start + end) / 2
    inside = ((window + 0.5) * step >= start[place] - 1e-6) & ((window + 0.5) * step < end[place] + 1e-6)
    time = np.where(inside, window * step, middle[place])
    kept = table.drop_columns(["start", "end"]).take(pa.array(place))
    return kept.append_column("time", pa.array(time)), number[place]
