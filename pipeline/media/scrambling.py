"""Counts encrypted packets of a transport stream by their headers; FFmpeg drops these packets silently."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

_SYNC = 0x47
_PACKET_BYTES = (188, 192, 204)  # plain; Blu-ray, with four bytes before each packet; with a checksum after each packet
_MIN_CONSECUTIVE = 5
_BLOCK_BYTES = 1 << 20
_SAMPLED_BLOCKS = 4


def scrambled_packets(file: BinaryIO, stream_ids: Collection[int]) -> int:
    """Number of scrambled packets of some streams; 0 if none of four sampled blocks has any.

    Args:
        file: A transport stream; its position is kept.
        stream_ids: Packet identifiers of the streams.
    """
    position = file.tell()
    try:
        size = file.seek(0, 2)
        sample_starts = [size * i // _SAMPLED_BLOCKS for i in range(_SAMPLED_BLOCKS)]
        if not any(_count_scrambled(_read_block(file, start), stream_ids) for start in sample_starts):
            return 0
        return sum(_count_scrambled(block, stream_ids) for block in _read_blocks(file))
    finally:
        file.seek(position)


def _read_blocks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(_BLOCK_BYTES):
        yield block


def _read_block(file: BinaryIO, start: int) -> bytes:
    file.seek(start)
    return file.read(_BLOCK_BYTES)


def _count_scrambled(block: bytes, stream_ids: Collection[int]) -> int:
    packets = _packet_headers(np.frombuffer(block, np.uint8))
    identifiers = (packets[:, 1].astype(np.int32) & 0x1F) << 8 | packets[:, 2]
    return int(np.count_nonzero(np.isin(identifiers, list(stream_ids)) & (packets[:, 3] >> 7 == 1)))


def _packet_headers(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(n, 4) headers of the packets, from the first packet that others follow."""
    for start in np.flatnonzero(data[: 2 * max(_PACKET_BYTES)] == _SYNC):
        for size in _PACKET_BYTES:
            headers = np.arange(start, len(data) - 3, size)
            if len(headers) >= _MIN_CONSECUTIVE and (data[headers[:_MIN_CONSECUTIVE]] == _SYNC).all():
                packet_headers = data[headers[:, None] + np.arange(4)]
                return np.asarray(packet_headers[packet_headers[:, 0] == _SYNC])
    return np.zeros((0, 4), np.uint8)
