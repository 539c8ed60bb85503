"""Where the keys of ratings come from: columns, constants, and templates of columns, paths and headers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.store.user_tables import missing_column

WORDS = ("rater", "video_id", "setup", "round", "dimension")
"""The keys whose values are names."""

_NAME = re.compile(r"\{([^{}]+)\}")


def names_in(template: str) -> list[str]:
    """The names in braces in a template."""
    return _NAME.findall(template)


def column_of(source: str, table: pa.Table, parts_of_path: Mapping[str, str], file: str) -> pa.ChunkedArray:
    """A key for every row: a column, a constant, or a template of columns and parts of the path.

    Raises:
        InputError: The column is missing.
        SettingsError: A template has an unknown name.
    """
    rows = len(table)
    if source.startswith("="):
        return pa.chunked_array([pa.array([source[1:]] * rows, pa.string())])
    if not names_in(source):
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


def rated_columns(
    table: pa.Table, header: str, columns: Collection[str] | None, used: Collection[str], file: str
) -> Sequence[tuple[Mapping[str, str], str]]:
    """The columns of ratings: the keys that each column's name states, and that name.
    Args:
        header: Template of the columns' names.
        columns: The columns that it applies to; None: all that match and are not `used`.
        used: Names of columns that hold something else.
        file: The file, for messages.

    Raises:
        InputError: No column matches, or one of `columns` is missing.
        SettingsError: The template has an unknown name.
    """
    unknown = [name for name in names_in(header) if name not in (*WORDS, "time", "label")]
    if unknown:
        raise SettingsError(f"`header={header}`: {{{unknown[0]}}} is unknown; expected {', '.join(WORDS)}, time, label")
    missing = [name for name in columns or () if name not in table.column_names]
    if missing:
        raise missing_column(file, missing, table.column_names)
    expression = re.compile(_expression(header, "."))
    candidates = [name for name in table.column_names if (name in columns if columns is not None else name not in used)]
    matching = [(matched.groupdict(), name) for name in candidates if (matched := expression.fullmatch(name))]
    if not matching:
        raise InputError(f'{file}: no column is named like "{header}", only {", ".join(table.column_names[:20])}')
    return matching


def is_like_template(name: str, template: str) -> bool:
    """Whether the name of a column matches a template such as `{video_id}_{dimension}`."""
    return re.fullmatch(_expression(template, "."), name) is not None


def _expression(template: str, character: str) -> str:
    """A template as a regular expression; ids of videos may contain the separators of the template."""
    expression = re.escape(template)
    for name in names_in(template):
        length = "+" if name == "video_id" else "+?"
        expression = expression.replace(re.escape(f"{{{name}}}"), f"(?P<{name}>{character}{length})", 1)
    return expression
