"""JSON documents, in folders that anybody may have made: of bounded size, and of the types that readers rely on.

Every JSON document of an output folder is read and written here, and the metadata of every table is checked here. Only
plain files are opened: a pipe or a device, which would never end, is refused.
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
    "metrics",
    "origin",
    "owner",
    "predictions",
    "ratings",
    "record",
    "requested",
    "trained",
]
"""Of a document, as `avcues.pipeline.store.document_types` has them; "origin" is part of a "footer"."""

MOST_BYTES = 64 << 20
MOST_ROWS = 50_000_000
"""Rows of a table of one video: 50 days in windows of a tenth of a second, with ten items in each."""

_LONGEST_PLACE = 200


def parse(content: bytes | str, kind: Kind) -> dict[str, Any]:
    """A JSON document of a given kind.

    Raises:
        ValueError: It is none; says in one line what is wrong.
    """
    if len(content) > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES >> 20} MB")
    try:
        document = json.loads(content, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    check(document, kind)
    return dict(document)


def check(document: Any, kind: Kind) -> None:
    """Raises a `ValueError`, which says in one line what is wrong, unless a JSON value is a document of that kind."""
    # A run on a new folder reads none, and pydantic takes as long to import as numpy.
    from pydantic import ValidationError

    from avcues.pipeline.store.document_types import DOCUMENTS

    try:
        DOCUMENTS[kind].model_validate(document)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:_LONGEST_PLACE]
        raise ValueError(f"{where or 'it'}: {one_line(Exception(first['msg']))}") from None


def read_document(place: Location, kind: Kind) -> dict[str, Any]:
    """The JSON document in a file.

    Raises:
        OSError: There is no such file, or it cannot be read.
        ValueError: It is no such document; says in one line what is wrong.
    """
    with open_plain(place) as file:
        return parse(file.read(MOST_BYTES + 1), kind)


def write_json(value: Mapping[str, Any], place: Location) -> None:
    """Writes a JSON document atomically and durably."""
    write_atomically(place, lambda file: file.write(json_bytes(value)))


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """A JSON document as its file holds it."""
    return (json.dumps(value, indent=1) + "\n").encode()


def open_plain(place: Location) -> BinaryIO:
    """A file, opened for reading if it is a plain one.

    Raises:
        OSError: There is none, or it is a folder, a pipe or a device.
    """
    if not isinstance(place, Path):
        return place.open("rb")
    require_plain(place)
    return place.open("rb")


def require_plain(path: Path) -> None:
    """Raises an `OSError` unless there is a plain file, or a link to one."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "is no plain file", str(path))


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
