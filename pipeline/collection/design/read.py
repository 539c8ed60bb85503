"""Reads and checks `study.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from avcues.pipeline.collection.design.study import Design
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.store.documents import read_regular_file

STUDY = "study.toml"


def read_design(study: Path) -> Design:
    """Reads the design of a study.

    Args:
        study: Folder of the study.

    Raises:
        InputError: The folder has no `study.toml`, or it is not TOML.
        SettingsError: The design is not valid; one line per error.
    """
    path = study / STUDY
    try:
        raw = tomllib.loads(read_regular_file(path).decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise InputError(
            f"{study}: has no {STUDY}; make one with avcues collect init {study} --videos FOLDER"
        ) from error
    except (OSError, UnicodeDecodeError, RecursionError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    return parse_design(raw, str(path))


def parse_design(raw: dict[str, Any], file_name: str) -> Design:
    """Checks a design.

    Args:
        raw: The content of the file.
        file_name: The file, for messages.

    Raises:
        SettingsError: The design is not valid; one line per error.
    """
    try:
        return Design.model_validate(raw)
    except ValidationError as error:
        faults = [
            f"{file_name}: {_key_path(fault['loc'])}{_reason(fault)}" for fault in error.errors(include_url=False)
        ]
        raise SettingsError("\n".join(faults)) from error


def _key_path(parts: tuple[int | str, ...]) -> str:
    """The keys of an error, such as "after_clip 2 labels: ", counted from 1."""
    words = [str(part + 1) if isinstance(part, int) else str(part) for part in parts]
    return " ".join(words) + ": " if words else ""


def _reason(fault: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return "is not a key of a study; is it misspelt, or in the wrong table?"
    if fault["type"] == "missing":
        return "is missing"
    return str(fault["msg"]).removeprefix("Value error, ")
