"""Files that are whole or absent after any crash."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

TEMPORARY_SUFFIX = ".tmp"


def temporary_name(name: str) -> str:
    """A hidden, unique name for a file that is being written."""
    return f".{name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}"


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A new file, open for writing, that takes the place of `path` when the `with` block ends without an error.

    It is written under a temporary name in the same folder, synced to the disk and renamed.

    Raises:
        OSError: The folder cannot be written.
    """
    temporary = path.parent / temporary_name(path.name)
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
