"""Hashes of files."""

from __future__ import annotations

import errno
import hashlib
import stat
from io import BufferedReader
from pathlib import Path

from avcues.models_cache.manifest import Asset


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file.

    Raises:
        OSError: It cannot be read, or is a folder, a pipe or a device, which might have no end.
    """
    with open_regular_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_folder(folder: Path) -> str:
    """Hex SHA-256 of the names and contents of all files below a folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{sha256(path)}\n".encode())
    return digest.hexdigest()


def git_sha1(path: Path) -> str:
    """Hex SHA-1 of a file's content as a git blob."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with open_regular_file(path) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def open_regular_file(path: Path) -> BufferedReader:
    """Opens a regular file for reading.

    Raises:
        OSError: It cannot be read, or is a folder, a pipe or a device.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    return path.open("rb")


def mismatch(asset: Asset, path: Path) -> str | None:
    """How the file differs from the entry of the manifest, as text; None if it matches."""
    size = path.stat().st_size
    if asset.bytes is not None and size != asset.bytes:
        return f"has {size} bytes, expected {asset.bytes}"
    if asset.sha256 is not None and (actual := sha256(path)) != asset.sha256:
        return f"has sha256 {actual}, expected {asset.sha256}"
    if asset.git_sha1 is not None and (actual := git_sha1(path)) != asset.git_sha1:
        return f"has git blob sha1 {actual}, expected {asset.git_sha1}"
    return None
