"""Opens media files, on this machine's disks or in any store that fsspec supports."""

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

_SAMPLE_BYTES, _MAX_SAMPLES = 1 << 16, 128


@dataclass(frozen=True)
class MediaFile:
    """A media file, open for reading.

    Args:
        name: Path or URL, as the user gave it.
        file: The open file.
        bytes: Size in bytes.
    """

    name: str
    file: BinaryIO
    bytes: int


@contextmanager
def open_media_file(location: Location) -> Iterator[MediaFile]:
    """Opens a media file. A file in a remote store is first copied to the temporary folder; the copy is removed.

    Raises:
        MediaError: The file is missing, empty, a folder, or not readable.
        OSError: Reading failed for a temporary reason.
    """
    with _media_bytes(location) as size:
        opened = location.open("rb", buffering=0) if isinstance(location, Path) else _copy_of(location)
    with opened as file:
        yield MediaFile(str(location), file, size)


def fingerprint(location: Location) -> str:
    """Identifies the content of a media file: equal for copies of one file under any name.

    For a file on this machine, this is a hash of its size and of up to 128 samples spread over it; for a file in a
    store, it is the key by which the store distinguishes versions.

    Raises:
        MediaError: The file is missing, empty, a folder, or not readable.
        OSError: Reading failed for a temporary reason.
    """
    with _media_bytes(location) as size:
        if not isinstance(location, Path):
            return str(location.fs.ukey(location.path))
        digest = hashlib.sha256(str(size).encode())
        block_count = max(1, math.ceil(size / _SAMPLE_BYTES))
        with location.open("rb", buffering=0) as file:
            for i in range(min(block_count, _MAX_SAMPLES)):
                file.seek(block_count * i // min(block_count, _MAX_SAMPLES) * _SAMPLE_BYTES)
                digest.update(file.read(_SAMPLE_BYTES))
        return digest.hexdigest()


@contextmanager
def _media_bytes(location: Location) -> Iterator[int]:
    """The size of a media file. Errors of reading it, also inside the `with` block, become a `MediaError`."""
    try:
        if location.is_dir():
            raise MediaError(f"{location}: is a folder, not a media file")
        size = location.stat().st_size
        if size == 0:
            raise MediaError(f"{location}: is empty (0 bytes); copy or download it again")
        yield size
    except FileNotFoundError as error:
        raise MediaError(f"{location}: no such file") from error
    except PermissionError as error:
        raise MediaError(f"{location}: no permission to read it") from error


def _copy_of(location: UPath) -> Any:
    copy = tempfile.TemporaryFile(prefix="avcues-")  # noqa: SIM115  (the caller closes it)
    try:
        with location.open("rb") as remote:
            shutil.copyfileobj(remote, copy, 1 << 20)
    except OSError as error:
        copy.close()
        if error.errno in NO_SPACE:
            raise OutputError(f"{tempfile.gettempdir()}: no space for a copy of {location}; set TMPDIR") from error
        raise
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return copy
