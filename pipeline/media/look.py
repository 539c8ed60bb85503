"""A look at a few places of a file: whether its fields are of different times, and black bars to be cropped."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import BinaryIO

import av
from av.error import FFmpegError

from avcues.pipeline.errors import MediaError
from avcues.pipeline.media.frames import Damage
from avcues.pipeline.media.joined_files import Piece
from avcues.pipeline.media.part import PacketEnds, Part
from avcues.pipeline.media.picture.idet import RUN
from avcues.pipeline.media.reading import Reading

_PLACES = 8
_INTERLACED_HEIGHTS = (range(470, 610), range(1070, 1090))
_FASTEST_INTERLACED = 31


def may_be_interlaced(height: int, rate: Fraction) -> bool:
    """Whether video of this size and rate exists in fields, so that a missing flag means little."""
    return rate <= _FASTEST_INTERLACED and any(height in heights for heights in _INTERLACED_HEIGHTS)


def runs(
    name: str, file: BinaryIO, reading: Reading, since: Fraction = Fraction(0), *, trust_headers: bool
) -> Iterator[list[av.VideoFrame]]:
    """Short runs of consecutive frames from places spread evenly over a file; fewer where it cannot be searched.

    Places before `since`, in seconds from the start, are left out; if all are, the last one is not.

    The position of `file` is kept.
    """
    position = file.tell()
    try:
        part = Part.open(name, Piece(file, 0), reading, trust_headers=trust_headers)  # type: ignore[arg-type]
    except MediaError:
        file.seek(position)
        return
    try:
        length = part.container.duration or 0
        start = part.container.start_time or 0
        first = min(ceil(since * av.time_base * _PLACES / length), _PLACES - 1) if length else 0
        for place in range(first, _PLACES):
            try:
                if place and length:
                    part.container.seek(start + length * place // _PLACES)
                elif place:
                    return
                yield _run(part)
            except (FFmpegError, EOFError):
                continue
    finally:
        part.container.close()
        file.seek(position)


def _run(part: Part) -> list[av.VideoFrame]:
    frames: list[av.VideoFrame] = []
    for packet in part.packets([part.video], Damage(), PacketEnds()):
        try:
            frames += packet.decode()
        except (FFmpegError, EOFError):
            continue
        if len(frames) >= RUN:
            break
    return frames[:RUN]
