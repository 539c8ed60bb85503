"""Reads JSON files of other programs, and checks the types that their importers rely on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from avcues.pipeline.errors import InputError, one_line
from avcues.pipeline.store.documents import read_regular_file
from avcues.pipeline.store.text_tables import decode_text

_MAX_BYTES = 1 << 30


def read_json(file: Path, kind: Any, program: str) -> Any:
    """The content of a file, as a value of a type.

    Args:
        file: A JSON file.
        kind: A type that pydantic knows, such as `list[dict[str, Any]]` or a list of dataclasses; other keys of an
            object are ignored.
        program: The program that writes such files, for messages.

    Raises:
        InputError: It cannot be read, is not JSON, or holds a value of another type; the message names the value.
    """
    from pydantic import TypeAdapter, ValidationError  # it takes as long to import as numpy

    try:
        document = json.loads(decode_text(read_regular_file(file, _MAX_BYTES)).lstrip("\ufeff"))
        return TypeAdapter(kind).validate_python(document)
    except ValidationError as error:
        first_error = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in first_error["loc"])
        raise InputError(f"{file}: is no export of {program}: {place}: {first_error['msg']}") from error
    except RecursionError:
        raise InputError(f"{file}: is no export of {program}: it is nested too deeply") from None
    except (ValueError, OSError) as error:
        raise InputError(f"{file}: is no export of {program}: {one_line(error)}") from error
