"""Opening media files, on this machine's disks or in any store that fsspec knows."""

from __future__ import annotations

import hashlib
import math
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from avcues.pipeline.errors import MediaError, OutputError
from avcues.pipeline.store.files import NO_SPACE

if TYPE_CHECKING:
    from upath import UPath

    from avcues.pipeline.store.location import Location

_FINGERPRINT_PIECE, _FINGERPRINT_PIECES = 1 << 16, 128


@dataclass(frozen=True)
class MediaFile:
    """A media file, open for reading.

    Args:
        name: As the user knows it.
    """

    name: str
    file: BinaryIO
    bytes: int


@contextmanager
def open_media_file(place: Location) -> Iterator[MediaFile]:
    """Opens a media file; one of a remote store is first copied to the temporary folder, and removed in the end.

    Raises:
        MediaError: It is missing, empty, a folder, or must not be read.
        OSError: Reading failed for a reason that may pass.
    """
    with _media_bytes(place) as size:
        opened = place.open("rb", buffering=0) if isinstance(place, Path) else _copy_of(place)
    with opened as file:
        yield MediaFile(str(place), file, size)


def fingerprint(place: Location) -> str:
    """Identifies the content of a media file: equal for copies of one file, whatever they are called.

    For a file on this machine, a hash of its size and of up to 128 pieces spread over it; for one in a store, what the
    store tells versions apart by.

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
        if error.errno in NO_SPACE:
            raise OutputError(f"{tempfile.gettempdir()}: no space for a copy of {place}; set TMPDIR") from error
        raise
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return copy
