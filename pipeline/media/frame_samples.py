"""Decodes samples of frames from a whole file, to detect interlaced frames and black bars."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import BinaryIO

import av
from av.error import FFmpegError

from avcues.pipeline.errors import MediaError
from avcues.pipeline.media.frames import Damage
from avcues.pipeline.media.joined_files import FileSection
from avcues.pipeline.media.part import PacketEnds, Part
from avcues.pipeline.media.picture.idet import RUN_FRAMES
from avcues.pipeline.media.reading import Reading

_SAMPLES = 8
_INTERLACED_HEIGHTS = (range(470, 610), range(1070, 1090))
_MAX_INTERLACED_RATE_HZ = 31


def may_be_interlaced(height: int, rate: Fraction) -> bool:
    """Whether video of this size and rate is often interlaced, so that a missing flag proves little."""
    return rate <= _MAX_INTERLACED_RATE_HZ and any(height in heights for heights in _INTERLACED_HEIGHTS)


def sample_runs(
    name: str, file: BinaryIO, reading: Reading, since: Fraction = Fraction(0), *, trust_headers: bool
) -> Iterator[list[av.VideoFrame]]:
    """Yields short runs of consecutive frames, spread evenly over a file; only the first run if it cannot be searched.

    Runs before `since`, in seconds from the start, are left out, but at least the last run is yielded.

    The position of `file` is kept.
    """
    position = file.tell()
    try:
        part = Part.open(name, FileSection(file, 0), reading, trust_headers=trust_headers)  # type: ignore[arg-type]
    except MediaError:
        file.seek(position)
        return
    try:
        length = part.container.duration or 0
        start = part.container.start_time or 0
        first = min(ceil(since * av.time_base * _SAMPLES / length), _SAMPLES - 1) if length else 0
        for sample in range(first, _SAMPLES):
            try:
                if sample and length:
                    part.container.seek(start + length * sample // _SAMPLES)
                elif sample:
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
        if len(frames) >= RUN_FRAMES:
            break
    return frames[:RUN_FRAMES]
