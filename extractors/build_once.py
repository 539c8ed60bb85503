"""Caches files that take long to make, for all later processes of the user."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import platformdirs
from filelock import FileLock

from avcues.errors import AvcuesError
from avcues.ownership import only_we_write


def build_once(name: str, make: Callable[[Path], object]) -> Path:
    """Returns a folder of the user's cache. The first process fills it while all others wait.

    The folder appears under its name only when it is complete; the name must include everything that its content
    depends on.

    Args:
        make: Fills the empty folder that it is called with.

    Raises:
        AvcuesError: No cache folder is writable.
        OSError: The disk is full.
        Exception: Whatever `make` raises.
    """
    root = _writable_root()
    folder = root / name
    with FileLock(root / f".{name}.lock"):
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=root, prefix=".filling-") as temporary:
                new_folder = Path(temporary) / "filled"
                new_folder.mkdir()
                make(new_folder)
                new_folder.rename(folder)
    return folder


def _writable_root() -> Path:
    """The user's cache folder; if that is not writable, a folder of the user among the temporary files."""
    with suppress(OSError):
        folder = Path(platformdirs.user_cache_dir("avcues"))
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    with suppress(OSError):
        folder = Path(tempfile.gettempdir()) / f"avcues-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if only_we_write(folder):  # the name is predictable: another user may have planted a folder there
            return folder
    raise AvcuesError("no cache folder for compiled functions is writable; set XDG_CACHE_HOME to a writable folder")
