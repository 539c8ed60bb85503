"""The files of a figure or table, which appear together or not at all."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from avcues.pipeline.errors import OutputError
from avcues.pipeline.store.exchange import replaced_files


def as_csv(numbers: pa.Table) -> bytes:
    """A table as CSV with a header; null is empty."""
    file = io.BytesIO()
    pacsv.write_csv(numbers, file, pacsv.WriteOptions(quoting_style="needed"))
    return file.getvalue()


def save_together(folder: str | Path, name: str, contents: Mapping[str, bytes]) -> list[Path]:
    """Writes NAME.SUFFIX for every suffix, creates the folder if it does not exist, and returns the paths.

    Raises:
        OutputError: They cannot be written.
    """
    folder = Path(folder)
    try:
        with replaced_files() as write:
            for suffix, content in contents.items():
                write(folder / f"{name}.{suffix}", lambda file, content=content: file.write(content))  # type: ignore[misc]
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror or error})") from error
    return [folder / f"{name}.{suffix}" for suffix in contents]
