"""Files that are whole or absent after any crash."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import BinaryIO

TEMPORARY_SUFFIX = ".tmp"
FORMER_SUFFIX = ".former"

_ABANDONED_AFTER_S = 24 * 3600


def temporary_name(name: str, suffix: str = TEMPORARY_SUFFIX) -> str:
    """A hidden, unique name for a file or folder that is being written, or that is about to be replaced."""
    return f".{name}.{secrets.token_hex(4)}{suffix}"


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
            mark_in_use(file.fileno())
            yield file
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def mark_in_use(descriptor: int) -> None:
    """Marks an open file or folder as that of a live process, for as long as it is open."""
    with suppress(ImportError, OSError):  # Windows and some network file systems have no such locks
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_abandoned(path: Path) -> bool:
    """Whether the process that was writing a temporary file or folder has ended.

    Where the file system has no locks, one that was last changed a day ago counts as abandoned.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (AttributeError, OSError):
        return False
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return time.time() - os.fstat(descriptor).st_mtime > _ABANDONED_AFTER_S
    finally:
        os.close(descriptor)
    return True


def abandoned(path: Path, suffix: str = TEMPORARY_SUFFIX) -> list[Path]:
    """What killed processes left of writing a file or folder, the oldest first."""
    leftovers = [found for found in path.parent.glob(f".{escape(path.name)}.*{suffix}") if is_abandoned(found)]
    return sorted(leftovers, key=lambda leftover: leftover.lstat().st_mtime)


def remove(path: Path) -> None:
    """Removes a file or a folder, as far as possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
