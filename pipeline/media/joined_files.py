"""Finds where the next file begins in files that were joined byte by byte."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_SIGNATURES: dict[str, tuple[bytes, int]] = {
    "mp4": (b"ftyp", 4),
    "wav": (b"RIFF", 0),
    "avi": (b"RIFF", 0),
    "flv": (b"FLV\x01", 0),
    "asf": (_ASF_HEADER, 0),
    "matroska": (b"\x1a\x45\xdf\xa3", 0),
    "ogg": (b"OggS\x00\x02", 0),
    "flac": (b"fLaC\x00\x00\x00\x22", 0),
}
"""Maps a part of FFmpeg's name of the format to bytes near the beginning of a file, and their offset."""
_READ_BYTES = 1 << 20


def next_file(file: BinaryIO, container_format: str, offset: int) -> int | None:
    """Finds where the next file of the same format begins.

    Args:
        file: The joined files.
        container_format: FFmpeg's name of the format.
        offset: End of the last packet that was read.

    Returns:
        Position of the first byte of the next file; None if there is none.
    """
    signatures = [signature for name, signature in _SIGNATURES.items() if name in container_format]
    if not signatures:
        return None
    (first_bytes, signature_offset) = signatures[0]
    position = file.tell()
    try:
        start = offset
        while True:
            file.seek(start)
            block = file.read(_READ_BYTES)
            index = block.find(first_bytes)
            if index >= 0:
                return start + index - signature_offset
            if len(block) < len(first_bytes):
                return None
            start += max(1, len(block) - len(first_bytes) + 1)
    finally:
        file.seek(position)


class FileSection(io.RawIOBase):
    """A section of a file, which can be read like a file.

    Args:
        file: The file; reading the section moves its position.
        start: First byte.
        end: Byte after the last one; None: the end of the file.
    """

    def __init__(self, file: BinaryIO, start: int, end: int | None = None) -> None:
        self._file = file
        self._start = start
        self._end = file.seek(0, io.SEEK_END) if end is None else end
        file.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self._file.read(min(len(view), max(0, self._end - self._file.tell())))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_CUR:
            offset += self._start if whence == io.SEEK_SET else self._end
            whence = io.SEEK_SET
        return self._file.seek(offset, whence) - self._start

    def tell(self) -> int:
        return self._file.tell() - self._start
