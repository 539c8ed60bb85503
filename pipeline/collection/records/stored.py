"""Reads what the database of a study holds, with checks of tables and types, because anybody may have made the file."""

from __future__ import annotations

import sqlite3
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from avcues.pipeline.collection.records.schema import DATABASE, SCHEMA
from avcues.pipeline.errors import DatasetError, one_line

_T = TypeVar("_T")


def _checked_number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("expected a number")
    return value


_Number = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False), BeforeValidator(_checked_number)]
_Name = Annotated[str, Field(max_length=400)]


class ChosenLabels(TypedDict):
    """The answer to a question for labels."""

    labels: list[str]
    free: str


class Meaning(TypedDict):
    """What determines the meaning of ratings, see `avcues.pipeline.collection.records.continuity`."""

    study: dict[str, Any]
    setups: dict[str, list[str]]
    clips: dict[str, str]


ANSWERS: TypeAdapter[dict[str, Any]] = TypeAdapter(
    dict[str, bool | int | _Number | str | list[str] | ChosenLabels | None]
)
DEVICE: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, bool | int | _Number | str | list[_Number]])
MEANING = TypeAdapter(Meaning)
Events = list[
    tuple[Literal["m"], _Number, _Number | None, _Number | None]
    | tuple[Literal["f"], _Number, _Number | None, _Number | None, _Number | None]
    | tuple[Literal["c"], _Number, _Number | None]
    | tuple[Literal["e"], _Number, _Number | None, _Name, bool | _Number | _Name | None]
]
"""Events of a trace, see `avcues.pipeline.collection.export.trace`."""
EVENTS: TypeAdapter[Events] = TypeAdapter(Events)

_TYPE_CHECKS = {
    "TEXT": "typeof({0}) = 'text'",
    "INTEGER": "typeof({0}) = 'integer' AND {0} BETWEEN 0 AND 2147483647",
    "REAL": "typeof({0}) IN ('real', 'integer') AND {0} BETWEEN 0 AND 1e12",
}


def parse_stored(text: str, kind: TypeAdapter[_T]) -> _T:
    """Parses JSON of the database.

    Args:
        kind: One of the types of this module.

    Raises:
        DatasetError: It is something else.
    """
    try:
        return kind.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))[:100]
        message = one_line(ValueError(f"{place}: {first['msg']}" if place else first["msg"]))
        raise DatasetError(f"{DATABASE}: is damaged ({message}); restore a copy of it") from error


def check_tables(connection: sqlite3.Connection) -> None:
    """Checks that a database has the tables of a study, no triggers or views, and values of the declared types.

    Raises:
        ValueError: It has others; the message says in one line what is wrong.
    """
    with sqlite3.connect(":memory:") as reference:
        reference.executescript(SCHEMA)
        expected, columns = _objects(reference), _columns(reference)
    if _objects(connection) != expected or _columns(connection) != columns:
        raise ValueError("its tables are not those of a study")
    for table, declared in columns.items():
        if table == "batches":  # its rows are many, and their events are checked when they are parsed
            continue
        # A column of SQLite may hold values of any type, whatever type it declares.
        conditions = [
            f"NOT ({_TYPE_CHECKS[type_].format(name)}{'' if required else f' OR {name} IS NULL'})"
            for name, type_, required in declared
        ]
        row = connection.execute(f"SELECT 1 FROM {table} WHERE {' OR '.join(conditions)} LIMIT 1").fetchone()
        if row is not None:
            raise ValueError(f"the table {table} has a value of another type or size")


def _objects(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    rows = connection.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
    return {(type_, name) for type_, name in rows}


def _columns(connection: sqlite3.Connection) -> dict[str, list[tuple[str, str, bool]]]:
    """Per table: name, type and whether a value is required, of each column."""
    tables = sorted(name for type_, name in _objects(connection) if type_ == "table")
    return {
        table: [
            (name, type_, bool(required or key))
            for _, name, type_, required, _, key in connection.execute(f'PRAGMA table_info("{table}")')
        ]
        for table in tables
    }
