"""Detects interlaced frames by FFmpeg's filter idet, in runs of frames."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import numpy.typing as npt
from av.filter import Graph

from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.picture.color_tags import without_matrix
from avcues.pipeline.media.picture.fields import FieldStatistics, combine

RUN_FRAMES = 10
"""Consecutive frames that idet classifies together."""
_SKIPPED_FRAMES = 240  # frames between two runs, once enough frames are classified
_MIN_CLASSIFIED = 2 * RUN_FRAMES
_MIN_MOTION = 1.0  # levels of 255


def field_statistics(frames: Sequence[av.VideoFrame]) -> FieldStatistics:
    """Classifies the frames of a run by idet."""
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
    return FieldStatistics(*counts, _field_difference(same_format) if counts[0] + counts[1] > counts[2] else 0.0)


def _field_difference(frames: Sequence[av.VideoFrame]) -> float:
    """`FieldStatistics.field_difference`: the median over pairs of neighbouring frames."""
    gray = [_luma(frame) for frame in frames]
    shares = []
    for image, next_image in pairwise(gray):
        top, bottom = image[0::2], image[1::2]
        rows = min(len(top) - 1, len(bottom))
        difference = np.abs((top[:rows] + top[1 : rows + 1]) / 2 - bottom[:rows]).mean()
        motion = np.abs(next_image[0::2] - top).mean()
        if motion > _MIN_MOTION:
            shares.append(difference / motion)
    return float(np.median(shares)) if shares else 0.0


def _luma(frame: av.VideoFrame) -> npt.NDArray[np.float32]:
    """Luma, (H, W), in 0..255. It depends on no matrix, and libswscale refuses frames whose matrix it does not know."""
    with without_matrix(frame):
        return frame.to_ndarray(format="gray").astype(np.float32)


class FieldWatch:
    """Looks for interlaced frames while a video is decoded.

    Frames are held back in runs until idet has classified them. Until enough frames are classified, every run is
    checked (a still picture cannot be classified); later, one run about every ten seconds.

    Attributes:
        runs: Statistics of each run, in order.
    """

    def __init__(self) -> None:
        self.runs: list[FieldStatistics] = []
        self._run: list[VideoFrame] = []
        self._to_skip = 0

    @property
    def is_suspect(self) -> bool:
        """Whether the last run looks interlaced or is flagged as interlaced."""
        last = self.runs[-1] if self.runs else FieldStatistics()
        return last.flagged > 0 or last.is_combed

    @property
    def combed_share(self) -> str:
        """Number of interlaced frames and of all classified frames, as text; empty if no run is interlaced."""
        combed, total = combine([run for run in self.runs if run.is_combed]).interlaced, combine(self.runs)
        return f"{combed} of {total.interlaced + total.progressive} frames" if combed else ""

    @property
    def is_telecine(self) -> bool:
        """Whether the runs with interlaced frames look like film on NTSC."""
        return combine([run for run in self.runs if run.interlaced]).is_telecine

    def push(self, picture: VideoFrame) -> list[VideoFrame]:
        """Takes the next frame, and returns the frames that need not be held back any longer."""
        if self._to_skip:
            self._to_skip -= 1
            return [picture]
        self._run.append(picture)
        return self.finish() if len(self._run) == RUN_FRAMES else []

    def finish(self) -> list[VideoFrame]:
        """Classifies and returns the frames that are held back."""
        run, self._run = self._run, []
        if run:
            self.runs.append(field_statistics([picture.frame for picture in run]))
            total = combine(self.runs)
            if total.progressive + total.interlaced >= _MIN_CLASSIFIED:
                self._to_skip = _SKIPPED_FRAMES
        return run
