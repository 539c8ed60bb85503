"""Fields of different times in runs of frames, told by FFmpeg's idet."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
from av.filter import Graph

from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.picture.fields import Fields, together

RUN = 10
"""Frames in a row that idet is asked about."""
_BETWEEN = 240  # frames between two runs, once it is clear what the video is
_CLEAR = 2 * RUN
_MOVES = 1.0  # levels of 255


def fields_of(frames: Sequence[av.VideoFrame]) -> Fields:
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
    graph.link_nodes(source, graph.add("idet"), graph.add("buffersink")).configure()
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


def _field_distance(frames: Sequence[av.VideoFrame]) -> float:
    """`Fields.apart`, the median over pairs of neighbouring frames."""
    gray = [frame.to_ndarray(format="gray").astype(np.float32) for frame in frames]
    shares = []
    for image, following in pairwise(gray):
        top, bottom = image[0::2], image[1::2]
        rows = min(len(top) - 1, len(bottom))
        field_difference = np.abs((top[:rows] + top[1 : rows + 1]) / 2 - bottom[:rows]).mean()
        motion = np.abs(following[0::2] - top).mean()
        if motion > _MOVES:
            shares.append(field_difference / motion)
    return float(np.median(shares)) if shares else 0.0


class FieldWatch:
    """Watches the frames of a video, as they are decoded, for fields of different times.

    Frames are held in runs until idet has told what a run is. While nothing is clear, as in a picture that stands
    still, run follows run; later there is one every ten seconds or so.

    Attributes:
        runs: What was found in each run, in order.
    """

    def __init__(self) -> None:
        self.runs: list[Fields] = []
        self._run: list[VideoFrame] = []
        self._to_skip = 0

    @property
    def suspects(self) -> bool:
        """Whether the last run looks interlaced or is flagged as such."""
        last = self.runs[-1] if self.runs else Fields()
        return last.flagged > 0 or last.is_combed

    @property
    def combed(self) -> str:
        """How many of the frames that idet could tell are in runs of interlaced ones; empty: none."""
        combed, total = together([run for run in self.runs if run.is_combed]).interlaced, together(self.runs)
        return f"{combed} of {total.interlaced + total.progressive} frames" if combed else ""

    @property
    def is_telecine(self) -> bool:
        """Whether the runs that hold interlaced frames look like film on NTSC."""
        return together([run for run in self.runs if run.interlaced]).is_telecine

    def push(self, picture: VideoFrame) -> list[VideoFrame]:
        """Takes the next frame and returns those that are to be shown now."""
        if self._to_skip:
            self._to_skip -= 1
            return [picture]
        self._run.append(picture)
        return self.finish() if len(self._run) == RUN else []

    def finish(self) -> list[VideoFrame]:
        """Returns the frames that are still held, and tells what they are."""
        run, self._run = self._run, []
        if run:
            self.runs.append(fields_of([picture.frame for picture in run]))
            total = together(self.runs)
            if total.progressive + total.interlaced >= _CLEAR:
                self._to_skip = _BETWEEN
        return run
