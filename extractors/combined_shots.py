"""Cuts, fades and dissolves in one pass: PySceneDetect's detectors, and ours for dissolves and flashes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from avcues.extractors.protocol import Cut, CutKind
from avcues.extractors.pyscenedetect import PySceneDetectStream, SceneDetector, ThresholdDetector
from avcues.extractors.shots import COMBINED_LAG
from avcues.extractors.transitions import DissolveDetector, FlashFilter, small_copy

_FADE_FRAMES = 40  # a fade may take a second and a half


@dataclass(frozen=True, order=True)
class _Transition:
    """A transition to a new shot; `frame` is the number of its first frame, from the start of the video."""

    frame: int
    kind: CutKind


class CombinedStream:
    """Passes the frames of one video to several detectors.

    - `AdaptiveDetector` of PySceneDetect finds cuts, except where the picture returns within a fifth of a second, as
      after a flash.
    - `ThresholdDetector` of PySceneDetect finds fades: the shot begins where the picture returns from black.
    - `DissolveDetector` finds dissolves. A cut within a dissolve is part of it; both are part of a fade around them.

    Args:
        adaptive: A detector of cuts that has seen no frame yet.
        fades: A detector of fades that has seen no frame yet.
        time_base: Seconds per unit of the time stamps passed to `write`.
        frame_rate: Frames per second; an estimate if the rate varies.
        min_shot_s: Length of the shortest shot in seconds.
    """

    def __init__(
        self,
        adaptive: SceneDetector,
        fades: ThresholdDetector,
        time_base: Fraction,
        frame_rate: Fraction,
        min_shot_s: float,
    ) -> None:
        self._adaptive = PySceneDetectStream(adaptive, time_base, frame_rate)
        self._fades = PySceneDetectStream(fades, time_base, frame_rate)
        self._flashes = FlashFilter(float(frame_rate))
        self._dissolves = DissolveDetector(float(frame_rate))
        self._min_shot_pts = min_shot_s / time_base
        self._dissolve_reach = self._dissolves.lag // 3
        self._frame = -1
        self._pts: deque[int] = deque(maxlen=COMBINED_LAG + 1)
        self._copies: deque[npt.NDArray[np.float32]] = deque(maxlen=4 * self._flashes.reach + 2)
        self._candidates: deque[int] = deque()  # cuts that may be flashes
        self._pending: list[_Transition] = []
        self._accepted: list[_Transition] = []  # the latest four
        self._last_pts: int | None = None

    def write(self, image: npt.NDArray[np.uint8], pts: int) -> list[Cut]:
        """Takes (H, W, 3) uint8 BGR and returns the transitions that are now certain."""
        self._frame += 1
        self._pts.append(pts)
        copy = small_copy(image)
        self._copies.append(copy)
        self._candidates.extend(self._frame_number(cut.pts) for cut in self._adaptive.write(image, pts))
        if self._fades.write(copy, pts):  # ThresholdDetector reads only the mean
            self._pending.append(_Transition(self._frame, "fade"))
        self._pending += [_Transition(frame, "dissolve") for frame in self._dissolves.write(copy)]
        while self._candidates and self._candidates[0] + self._flashes.reach <= self._frame:
            self._accept_unless_flash(self._candidates.popleft())
        return list(self._release(self._frame - COMBINED_LAG + self._dissolve_reach))

    def finish(self) -> list[Cut]:
        """Returns the remaining transitions."""
        self._pending += [_Transition(frame, "dissolve") for frame in self._dissolves.finish()]
        while self._candidates:
            self._accept_unless_flash(self._candidates.popleft())
        return list(self._release(self._frame))

    def _accept_unless_flash(self, candidate: int) -> None:
        """Accepts a candidate as a cut unless it is a flash."""
        index = candidate - (self._frame - len(self._copies) + 1)
        reach = self._flashes.reach
        copies = list(self._copies)
        if index > 0 and not self._flashes.is_flash(
            copies[max(0, index - reach) : index], copies[index : index + reach + 1]
        ):
            self._pending.append(_Transition(candidate, "cut"))

    def _release(self, last_frame: int) -> Iterator[Cut]:
        """Yields the transitions up to a frame, except those that are part of another one."""
        for transition in sorted(pending for pending in self._pending if pending.frame <= last_frame):
            self._pending.remove(transition)
            neighbours = (
                *self._accepted,
                *(pending for pending in self._pending if pending.kind != transition.kind),
            )
            if any(self._is_part_of(transition, neighbour) for neighbour in neighbours):
                continue
            pts = self._pts[transition.frame - (self._frame - len(self._pts) + 1)]
            if self._last_pts is not None and pts - self._last_pts < self._min_shot_pts:
                continue
            self._last_pts = pts
            self._accepted = [*self._accepted, transition][-4:]
            yield Cut(pts, transition.kind)

    def _is_part_of(self, transition: _Transition, neighbour: _Transition) -> bool:
        """Whether a transition is part of another one.

        A dissolve has no jump, so a cut within it is part of it. A fade includes whatever lies within it, except a
        picture that appears at once out of black, which is a cut.
        """
        distance = abs(neighbour.frame - transition.frame)
        if distance == 0:
            return (neighbour.kind, transition.kind) != ("fade", "cut") and neighbour.kind != transition.kind
        if transition.kind == "dissolve":
            return distance <= {"cut": 0, "dissolve": self._dissolve_reach, "fade": _FADE_FRAMES}[neighbour.kind]
        return transition.kind == "cut" and neighbour.kind != "cut" and distance <= self._dissolve_reach

    def _frame_number(self, pts: int) -> int:
        """The number of a recent frame, from its time stamp."""
        return self._frame - len(self._pts) + 1 + self._pts.index(pts)
