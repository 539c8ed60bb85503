"""Encrypted packets of a transport stream, which FFmpeg drops without a word: told by the bits in their headers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

_SYNC = 0x47
_SIZES = (188, 192, 204)  # plain, of Blu-ray with four bytes before each, with a checksum after each
_IN_A_ROW = 5
_BLOCK_BYTES = 1 << 20
_PLACES = 4


def scrambled_packets(file: BinaryIO, streams: Collection[int]) -> int:
    """Number of packets of some streams that are scrambled; all are counted where four places of the file have any.

    Args:
        file: A transport stream; its position is kept.
        streams: Their packet identifiers.
    """
    position = file.tell()
    try:
        size = file.seek(0, 2)
        places = [size * place // _PLACES for place in range(_PLACES)]
        if not any(_scrambled(_block(file, start), streams) for start in places):
            return 0
        return sum(_scrambled(block, streams) for block in _blocks(file))
    finally:
        file.seek(position)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(_BLOCK_BYTES):
        yield block


def _block(file: BinaryIO, start: int) -> bytes:
    file.seek(start)
    return file.read(_BLOCK_BYTES)


def _scrambled(block: bytes, streams: Collection[int]) -> int:
    packets = _packets(np.frombuffer(block, np.uint8))
    identifiers = (packets[:, 1].astype(np.int32) & 0x1F) << 8 | packets[:, 2]
    return int(np.count_nonzero(np.isin(identifiers, list(streams)) & (packets[:, 3] >> 7 == 1)))


def _packets(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(n, 4) the headers of the packets, from the first one on that others follow."""
    for start in np.flatnonzero(data[: 2 * max(_SIZES)] == _SYNC):
        for size in _SIZES:
            headers = np.arange(start, len(data) - 3, size)
            if len(headers) >= _IN_A_ROW and (data[headers[:_IN_A_ROW]] == _SYNC).all():
                packet_headers = data[headers[:, None] + np.arange(4)]
                return np.asarray(packet_headers[packet_headers[:, 0] == _SYNC])
    return np.zeros((0, 4), np.uint8)
