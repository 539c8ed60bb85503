"""Caches files that take long to make, for all later processes of the user."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import platformdirs
from filelock import FileLock

from avcues.errors import AvcuesError
from avcues.models_cache.hashing import open_regular_file, sha256
from avcues.ownership import only_we_write

_HASHES = ".sha256.json"
_MAX_BYTES_OF_HASHES = 1 << 20


def build_once(name: str, make: Callable[[Path], object], *, verify: bool = True) -> Path:
    """Returns a folder of the user's cache. The first process fills it while all others wait.

    The folder appears under its name only when it is complete; the name must include everything that its content
    depends on.

    Args:
        make: Fills the empty folder that it is called with.
        verify: Checks the files' hashes whenever the folder is used, and fills the folder anew if a file was damaged or
            removed, for example by a crash of the machine or by a cleaner of temporary files.

    Raises:
        AvcuesError: No cache folder is writable.
        OSError: The disk is full.
        Exception: Whatever `make` raises.
    """
    root = _writable_root()
    folder = root / name
    with FileLock(root / f".{name}.lock"):
        if verify and folder.exists() and not _is_intact(folder):
            shutil.rmtree(folder)
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=root, prefix=".filling-") as temporary:
                new_folder = Path(temporary) / "filled"
                new_folder.mkdir()
                make(new_folder)
                if verify:
                    _write_hashes(new_folder)
                new_folder.rename(folder)
    return folder


@cache
def hash_of_code() -> str:
    """SHA-256 of the source of all extractors, on which whatever they cache may depend."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _write_hashes(folder: Path) -> None:
    """Syncs the files to the disk, and writes their hashes beside them."""
    hashes = {path.relative_to(folder).as_posix(): sha256(path) for path in folder.rglob("*") if path.is_file()}
    (folder / _HASHES).write_text(json.dumps(hashes))
    for name in (*hashes, _HASHES):
        with (folder / name).open("rb") as file:
            os.fsync(file.fileno())


def _is_intact(folder: Path) -> bool:
    try:
        with open_regular_file(folder / _HASHES) as file:
            hashes = json.loads(file.read(_MAX_BYTES_OF_HASHES))
        # Without any hash, nothing would be verified.
        return bool(hashes) and all(sha256(folder / name) == digest for name, digest in hashes.items())
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return False


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
