"""Reads and writes JSON documents in folders that anybody may have made: checks their size and types.

Every JSON document of an output folder is read and written here, and the metadata of every table is checked here. Only
regular files are opened: reading a pipe or a device might never end.
"""

from __future__ import annotations

import errno
import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NoReturn

from avcues.pipeline.errors import one_line
from avcues.pipeline.store.files import write_atomically

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

Kind = Literal[
    "any",
    "card",
    "footer",
    "labels",
    "manifest",
    "means",
    "metrics",
    "origin",
    "owner",
    "predictions",
    "ratings",
    "record",
    "report",
    "requested",
    "row",
    "trained",
]
"""The kinds of documents in `avcues.pipeline.store.document_types`; "origin" is part of a "footer"."""

MAX_BYTES = 64 << 20
MAX_ROWS = 50_000_000
"""Rows of a table of one video: 50 days in windows of a tenth of a second, with ten items in each."""

_MAX_FIELD_LENGTH = 200


def parse(content: bytes | str, kind: Kind) -> dict[str, Any]:
    """Parses a JSON document of the given kind.

    Raises:
        ValueError: The content is not such a document; the message says in one line what is wrong.
    """
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES >> 20} MB")
    try:
        document = json.loads(content, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    check_document(document, kind)
    return dict(document)


def check_document(document: Any, kind: Kind) -> None:
    """Checks that a JSON value is a document of the given kind.

    Raises:
        ValueError: It is not; the message says in one line what is wrong.
    """
    # A run on a new folder reads no document, and pydantic takes as long to import as numpy.
    from pydantic import ValidationError

    from avcues.pipeline.store.document_types import DOCUMENTS

    try:
        DOCUMENTS[kind].model_validate(document)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValidationError as error:
        first_error = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(map(str, first_error["loc"]))[:_MAX_FIELD_LENGTH]
        raise ValueError(f"{field or 'it'}: {one_line(Exception(first_error['msg']))}") from None


def read_document(path: Location, kind: Kind) -> dict[str, Any]:
    """Reads the JSON document in a file.

    Raises:
        OSError: There is no such file, or it cannot be read.
        ValueError: It is not a document of this kind; the message says in one line what is wrong.
    """
    with open_regular_file(path) as file:
        return parse(file.read(MAX_BYTES + 1), kind)


def write_json(value: Mapping[str, Any], path: Location) -> None:
    """Writes a JSON document atomically and durably."""
    write_atomically(path, lambda file: file.write(json_bytes(value)))


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """The content of the file of a JSON document."""
    return (json.dumps(value, indent=1) + "\n").encode()


def read_regular_file(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """Reads a regular file of limited size.

    Raises:
        OSError: It does not exist, cannot be read, is not a regular file, or is larger than `max_bytes`.
    """
    require_regular_file(path)
    if path.stat().st_size > max_bytes:
        raise OSError(errno.EFBIG, f"is larger than {max_bytes >> 20} MB", str(path))
    return path.read_bytes()


def open_regular_file(path: Location) -> BinaryIO:
    """Opens a regular file for reading.

    Raises:
        OSError: There is no such file, or it is a folder, a pipe or a device.
    """
    if not isinstance(path, Path):
        return path.open("rb")
    require_regular_file(path)
    return path.open("rb")


def require_regular_file(path: Path) -> None:
    """Checks that the path is a regular file or a link to one.

    Raises:
        OSError: It is not, or it does not exist.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "is not a regular file", str(path))


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")
