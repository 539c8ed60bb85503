"""Files that take long to make and serve every later process on this machine."""

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
    """A folder of the user's cache, filled by the first process that wants it while all others wait.

    It appears under its name when it is complete; the name must hold everything that its content depends on.

    Args:
        make: Fills a fresh folder that it is given.

    Raises:
        AvcuesError: No cache can be written, or as `make` raises.
        OSError: There is no room.
    """
    root = _writable_root()
    folder = root / name
    with FileLock(root / f".{name}.lock"):
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=root, prefix=".filling-") as temporary:
                filled = Path(temporary) / "filled"
                filled.mkdir()
                make(filled)
                filled.rename(folder)
    return folder


def _writable_root() -> Path:
    """The user's cache folder, or where that cannot be written, a folder of the user's own among temporary files."""
    with suppress(OSError):
        place = Path(platformdirs.user_cache_dir("avcues"))
        place.mkdir(parents=True, exist_ok=True)
        if os.access(place, os.W_OK):
            return place
    with suppress(OSError):
        place = Path(tempfile.gettempdir()) / f"avcues-{os.getuid()}"
        place.mkdir(mode=0o700, exist_ok=True)
        if only_we_write(place):  # its name is no secret: another user may have planted something
            return place
    raise AvcuesError("no folder for compiled functions can be written; set XDG_CACHE_HOME to one that can")
