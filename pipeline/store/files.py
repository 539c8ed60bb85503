"""Reading media and writing whole files, on this machine's disks or in any store that fsspec knows.

Writing is all or nothing. Locally: a temporary file in the same folder, fsync, rename. Object stores: one upload, which
is visible when it is complete. Other stores (sftp://, hdfs://, ...): upload under a temporary name and rename, which is
as atomic as the store's rename.
"""

from __future__ import annotations

import errno
import hashlib
import io
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from avcues.models_cache.atomic import atomic_file, temporary_name
from avcues.pipeline.errors import MediaError, OutputError, SettingsError
from avcues.pipeline.store.layout import write_probe_path
from avcues.pipeline.store.location import location

if TYPE_CHECKING:
    from upath import UPath

    from avcues.pipeline.store.location import Location

_OBJECT_STORES = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "memory"))
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FINGERPRINT_PIECE, _FINGERPRINT_PIECES = 1 << 16, 128
_TRANSIENT = frozenset(
    getattr(errno, name)
    for name in (
        *("EIO", "EAGAIN", "EINTR", "EBUSY", "ESTALE", "ETIMEDOUT", "ENETDOWN", "ENETUNREACH", "ENETRESET"),
        *("EHOSTDOWN", "EHOSTUNREACH", "ECONNABORTED", "ECONNRESET", "ECONNREFUSED", "ENOTCONN", "EREMOTEIO"),
    )
    if hasattr(errno, name)
)


@dataclass(frozen=True, slots=True)
class VideoInput:
    """A media file, and the id that names its tables.

    Args:
        source: Absolute path, or URL.
        bytes: Size of the file, 0 if it is not known.
    """

    video_id: str
    source: str
    bytes: int = 0

    @property
    def location(self) -> Location:
        """Where the file lies."""
        return location(self.source)


@dataclass(frozen=True)
class Source:
    """A media file, open for reading.

    Args:
        name: As the user knows it.
    """

    name: str
    file: BinaryIO
    bytes: int


@contextmanager
def open_source(place: Location) -> Iterator[Source]:
    """Opens a media file; one of a remote store is first copied to the temporary folder, and removed in the end.

    Raises:
        MediaError: It is missing, empty, a folder, or must not be read.
        OSError: Reading failed for a reason that may pass.
    """
    with _media_bytes(place) as size:
        opened = place.open("rb", buffering=0) if isinstance(place, Path) else _copy_of(place)
    with opened as file:
        yield Source(str(place), file, size)


def fingerprint(place: Location) -> str:
    """Tells a file from another of its name, by size and content (a large one's in samples), or as its store does.

    Raises:
        MediaError: It is missing, empty, a folder, or must not be read.
        OSError: Reading failed for a reason that may pass.
    """
    with _media_bytes(place) as size:
        if not isinstance(place, Path):
            return str(place.fs.ukey(place.path))
        digest = hashlib.sha256(str(size).encode())
        pieces = max(1, math.ceil(size / _FINGERPRINT_PIECE))
        with place.open("rb", buffering=0) as file:
            for i in range(min(pieces, _FINGERPRINT_PIECES)):
                file.seek(pieces * i // min(pieces, _FINGERPRINT_PIECES) * _FINGERPRINT_PIECE)
                digest.update(file.read(_FINGERPRINT_PIECE))
        return digest.hexdigest()


@contextmanager
def _media_bytes(place: Location) -> Iterator[int]:
    """The size of a media file; turns errors of reading it, also inside the `with` block, into a `MediaError`."""
    try:
        if place.is_dir():
            raise MediaError(f"{place}: is a folder, not a media file")
        size = place.stat().st_size
        if size == 0:
            raise MediaError(f"{place}: is empty (0 bytes); copy or download it again")
        yield size
    except FileNotFoundError as error:
        raise MediaError(f"{place}: no such file") from error
    except PermissionError as error:
        raise MediaError(f"{place}: no permission to read it") from error


def _copy_of(place: UPath) -> Any:
    copy = tempfile.TemporaryFile(prefix="avcues-")  # noqa: SIM115  (the caller closes it)
    try:
        with place.open("rb") as remote:
            shutil.copyfileobj(remote, copy, 1 << 20)
    except OSError as error:
        copy.close()
        if error.errno in _FULL:
            raise OutputError(f"{tempfile.gettempdir()}: no space for a copy of {place}; set TMPDIR") from error
        raise
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return copy


def write_atomically(place: Location, write: Callable[[BinaryIO], object]) -> None:
    """Writes a file so that it is whole or absent after any crash.

    Raises:
        OutputError: It cannot be written, and trying again will not help.
        OSError: It cannot be written just now.
    """
    try:
        if isinstance(place, Path):
            _write_here(place, write)
        else:
            _upload(place, write)
    except OSError as error:
        if is_transient(error):
            raise
        raise OutputError(f"{place}: cannot be written ({error.strerror or error}){_remedy(error)}") from error


def _write_here(path: Path, write: Callable[[BinaryIO], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        write(file)


def _upload(place: UPath, write: Callable[[BinaryIO], object]) -> None:
    content = io.BytesIO()
    write(content)
    if place.protocol in _OBJECT_STORES:
        place.fs.makedirs(place.parent.path, exist_ok=True)
        place.fs.pipe_file(place.path, content.getvalue())
        return
    temporary = place.parent / temporary_name(place.name)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.fs.pipe_file(temporary.path, content.getvalue())
        place.fs.mv(temporary.path, place.path)
    finally:
        temporary.unlink(missing_ok=True)


def _remedy(error: OSError) -> str:
    if error.errno in _FULL:
        return "; free some space and run the same command again: what is done stays done"
    if isinstance(error, IsADirectoryError):
        return "; remove that folder and run the same command again"
    return ""


def prepare_output(out: Location) -> None:
    """Makes an output folder and proves that it can be written.

    Raises:
        SettingsError: It cannot.
    """
    try:
        if isinstance(out, Path):
            out.mkdir(parents=True, exist_ok=True)
        probe = write_probe_path(out)
        write_atomically(probe, lambda file: None)
        probe.unlink()
    except (OSError, OutputError) as error:
        reason = getattr(error.__cause__ or error, "strerror", None) or error
        raise SettingsError(f"`out={out}`: cannot be written ({reason}); name a folder that can") from error


def is_transient(error: BaseException) -> bool:
    """Whether the same read or write may succeed a little later: a network or a disk that was away, not a bad file."""
    from av.error import FFmpegError

    if isinstance(error, FFmpegError):
        return False
    if isinstance(error, ConnectionError | TimeoutError) or type(error).__module__.partition(".")[0] == "aiohttp":
        return True
    return isinstance(error, OSError) and error.errno in _TRANSIENT
