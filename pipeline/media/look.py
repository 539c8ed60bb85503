"""A look at a few places of a file before it is decoded: fields that are not flagged, and black bars to be cropped."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import BinaryIO

import av
import numpy as np
from av.error import FFmpegError
from av.filter import Graph

from avcues.pipeline.errors import MediaError
from avcues.pipeline.media.frames import Damage
from avcues.pipeline.media.joined_files import Piece
from avcues.pipeline.media.part import PacketEnds, Part
from avcues.pipeline.media.picture.fields import Fields
from avcues.pipeline.media.reading import Reading

PLACES = 8
FRAMES = 10
_MOVES = 1.0  # levels of 255
_INTERLACED_HEIGHTS = (range(470, 610), range(1070, 1090))
_FASTEST_INTERLACED = 31


def may_be_interlaced(height: int, rate: Fraction) -> bool:
    """Whether video of this size and rate exists in fields, so that a missing flag means little."""
    return rate <= _FASTEST_INTERLACED and any(height in heights for heights in _INTERLACED_HEIGHTS)


def runs(name: str, file: BinaryIO, reading: Reading, *, trust_headers: bool) -> Iterator[list[av.VideoFrame]]:
    """Short runs of consecutive frames from places spread evenly over a file; fewer where it cannot be searched.

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
        for place in range(PLACES):
            try:
                if place and length:
                    part.container.seek(start + length * place // PLACES)
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
        if len(frames) >= FRAMES:
            break
    return frames[:FRAMES]


def fields_of(frames: list[av.VideoFrame]) -> Fields:
    """What idet says of a run of frames."""
    first = frames[0]
    same_format = [
        f for f in frames if (f.width, f.height, f.format.name) == (first.width, first.height, first.format.name)
    ]
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=first.width, height=first.height, format=first.format, time_base=Fraction(1, 90_000)
    )
    idet, sink = graph.add("idet"), graph.add("buffersink")
    source.link_to(idet)
    idet.link_to(sink)
    graph.configure()
    kinds = []
    for frame in (*same_format, None):
        graph.push(frame)
        try:
            while True:
                kinds.append(graph.vpull().metadata.get("lavfi.idet.multiple.current_frame"))
        except (av.error.BlockingIOError, EOFError):
            continue
    flagged = sum(f.interlaced_frame for f in same_format)
    counts = kinds.count("tff"), kinds.count("bff"), kinds.count("progressive"), flagged
    return Fields(*counts, _field_distance(same_format) if counts[0] + counts[1] > counts[2] else 0.0)


def _field_distance(frames: list[av.VideoFrame]) -> float:
    """`Fields.apart`, the median over pairs of neighbouring frames."""
    grey = [frame.to_ndarray(format="gray").astype(np.float32) for frame in frames]
    shares = []
    for image, following in pairwise(grey):
        top, bottom = image[0::2], image[1::2]
        rows = min(len(top) - 1, len(bottom))
        field_difference = np.abs((top[:rows] + top[1 : rows + 1]) / 2 - bottom[:rows]).mean()
        motion = np.abs(following[0::2] - top).mean()
        if motion > _MOVES:
            shares.append(field_difference / motion)
    return float(np.median(shares)) if shares else 0.0
