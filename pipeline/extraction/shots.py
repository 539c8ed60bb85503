"""Passes every frame to the shot detector, and assigns it to a shot once no more cuts can come before it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

import numpy as np
from av.video.reformatter import Interpolation

from avcues.extractors.protocol import Cut, CutKind, ShotDetector
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.timeline import Shot

Payload = TypeVar("Payload")


@dataclass(frozen=True, slots=True)
class SettledFrame(Generic[Payload]):
    """A frame whose shot is certain, with its payload."""

    shot: int
    start: Fraction
    end: Fraction
    payload: Payload


class ShotPass(Generic[Payload]):
    """Finds the shots of one video while it is decoded; keeps no more frames than the detector's lag.

    Attributes:
        shots: Every shot, in order, once `finish` has been exhausted.
    """

    def __init__(self, media: Media, detector: ShotDetector) -> None:
        self._detector = detector
        self._stream = detector.start_shots(media.time_base, media.frame_rate)
        self._converter = media.picture.converter()
        self._size: tuple[int, int] | None = None
        self._unsettled: deque[tuple[int, Fraction, Payload]] = deque()
        self._cuts: dict[int, CutKind] = {}
        self._starts: list[Fraction] = []
        self._kinds: list[CutKind | None] = []
        self._frames: list[int] = []
        self._end = Fraction(0)

    def push(self, frame: VideoFrame, payload: Payload) -> Iterator[SettledFrame[Payload]]:
        """Takes the next frame, and yields the frames whose shot is now certain."""
        decoded = frame.frame
        # All frames get the size of the first: the detector compares neighbours.
        self._size = self._size or self._detector.image_size(decoded.width, decoded.height)
        resized = self._converter.scaled(decoded, *self._size, Interpolation.POINT, "bgr24")
        self._add_cuts(self._stream.write(np.ascontiguousarray(resized), frame.pts))
        self._unsettled.append((frame.pts, frame.start, payload))
        # The newest frame waits at least until its end is known: the start of the next frame.
        yield from self._settle(unsettled_frames=max(1, self._detector.lag))

    def finish(self, end: Fraction) -> Iterator[SettledFrame[Payload]]:
        """Ends the last shot at `end` and yields the remaining frames."""
        self._add_cuts(self._stream.finish())
        self._end = end
        yield from self._settle(unsettled_frames=0)

    @property
    def shots(self) -> list[Shot]:
        ends = [*self._starts[1:], self._end]
        shots = zip(self._starts, ends, self._frames, self._kinds, strict=True)
        return [Shot(*shot) for shot in shots] if self._starts else []

    def _add_cuts(self, cuts: Sequence[Cut]) -> None:
        self._cuts.update({cut.pts: cut.kind for cut in cuts})

    def _settle(self, *, unsettled_frames: int) -> Iterator[SettledFrame[Payload]]:
        while len(self._unsettled) > unsettled_frames:
            pts, start, payload = self._unsettled.popleft()
            if pts in self._cuts or not self._starts:
                self._kinds.append(self._cuts.pop(pts, None))
                self._starts.append(start)
                self._frames.append(0)
            self._frames[-1] += 1
            end = self._unsettled[0][1] if self._unsettled else self._end
            yield SettledFrame(len(self._starts) - 1, start, end, payload)
