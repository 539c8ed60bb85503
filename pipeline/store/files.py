"""Writes whole files, on this machine's disks or in any store that fsspec knows.

Writing is all or nothing. Locally: a temporary file in the same folder, fsync, rename. Object stores: one upload, which
becomes visible when it is complete. Other stores (sftp://, hdfs://, ...): upload under a temporary name and rename,
which is as atomic as the store's rename.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from avcues.atomic_files import abandoned, atomic_file, remove, temporary_name
from avcues.pipeline.errors import OutputError, SettingsError
from avcues.pipeline.store.layout import write_probe_path

if TYPE_CHECKING:
    from upath import UPath

    from avcues.pipeline.store.location import Location

_OBJECT_STORES = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "memory"))
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
"""Error numbers of a disk without free space."""

_TRANSIENT = frozenset(
    getattr(errno, name)
    for name in (
        *("EIO", "EAGAIN", "EINTR", "EBUSY", "ESTALE", "ETIMEDOUT", "ENETDOWN", "ENETUNREACH", "ENETRESET"),
        *("EHOSTDOWN", "EHOSTUNREACH", "ECONNABORTED", "ECONNRESET", "ECONNREFUSED", "ENOTCONN", "EREMOTEIO"),
    )
    if hasattr(errno, name)
)


def write_atomically(path: Location, write: Callable[[BinaryIO], object]) -> None:
    """Writes a file so that it is whole or absent after any crash.

    Raises:
        OutputError: It cannot be written, and trying again will not help.
        OSError: It cannot be written at the moment.
    """
    try:
        if isinstance(path, Path):
            _write_local(path, write)
        else:
            _upload(path, write)
    except OSError as error:
        if is_transient(error):
            raise
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}){_remedy(error)}") from error


def _write_local(path: Path, write: Callable[[BinaryIO], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        write(file)


def _upload(path: UPath, write: Callable[[BinaryIO], object]) -> None:
    content = io.BytesIO()
    write(content)
    if path.protocol in _OBJECT_STORES:
        path.fs.makedirs(path.parent.path, exist_ok=True)
        path.fs.pipe_file(path.path, content.getvalue())
        return
    temporary = path.parent / temporary_name(path.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.fs.pipe_file(temporary.path, content.getvalue())
        path.fs.mv(temporary.path, path.path)
    finally:
        temporary.unlink(missing_ok=True)


def _remedy(error: OSError) -> str:
    if error.errno in NO_SPACE:
        return "; free some space and run the same command again; finished work is kept"
    if isinstance(error, IsADirectoryError):
        return "; remove that folder and run the same command again"
    return ""


def prepare_output(out: Location) -> None:
    """Makes an output folder and checks that it can be written.

    Raises:
        SettingsError: It cannot be made or written.
    """
    try:
        if isinstance(out, Path):
            out.mkdir(parents=True, exist_ok=True)
        probe = write_probe_path(out)
        if isinstance(probe, Path):
            for leftover in abandoned(probe):
                remove(leftover)
        write_atomically(probe, lambda file: None)
        probe.unlink()
    except (OSError, OutputError) as error:
        reason = getattr(error.__cause__ or error, "strerror", None) or error
        raise SettingsError(f"`out={out}`: cannot be written ({reason}); name a writable folder") from error


def is_transient(error: BaseException) -> bool:
    """Whether the same read or write may succeed later: the network or disk was unavailable, the file is not bad."""
    if isinstance(error, ConnectionError | TimeoutError) or type(error).__module__.partition(".")[0] == "aiohttp":
        return True
    return isinstance(error, OSError) and error.errno in _TRANSIENT
