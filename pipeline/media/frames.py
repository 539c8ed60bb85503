"""What decoding yields: pictures and sounds that carry their own time, and what was seen and lost on the way."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

from pipeline.store.records import describe_damage

# A hole in a stream longer than this is a broken time stamp, not a pause.
LONGEST_GAP = Fraction(3600)
# What is this far ahead is believed once the next frame or block does not return to the old time.
SUSPICIOUS_GAP = Fraction(2)


@dataclass
class FramesSeen:
    """What the decoded frames tell and the container may not."""

    count: int = 0
    rotation: int = 0
    """Degrees that the first frame is turned counter-clockwise for display."""
    shortest_interval_s: float | None = None
    longest_interval_s: float | None = None

    def note(self, frame: av.VideoFrame, interval: Fraction | None) -> None:
        """Takes the next frame and the time since the one before it."""
        if self.count == 0:
            self.rotation = frame.rotation
        self.count += 1
        if interval is not None:
            seconds = float(interval)
            self.shortest_interval_s = min(seconds, self.shortest_interval_s or seconds)
            self.longest_interval_s = max(seconds, self.longest_interval_s or seconds)


@dataclass
class Damage:
    """What was lost while decoding; all zero for a sound file."""

    video_packets_undecodable: int = 0
    audio_packets_undecodable: int = 0
    video_packets_missing: int = 0
    audio_packets_missing: int = 0
    frames_unplaceable: int = 0
    audio_blocks_overlapping: int = 0
    read_errors: int = 0
    clock_restarts: int = 0
    video_frames_before_start: int = 0
    audio_blocks_before_start: int = 0

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def __str__(self) -> str:
        return describe_damage(asdict(self))


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """A decoded video frame; on screen from `start` until the next one's start, the last one for `duration`."""

    frame: av.VideoFrame
    pts: int
    start: Fraction
    duration: Fraction


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """Decoded mono samples, float32 in -1..1, the mean of all channels; `start` None: right after the last ones."""

    samples: npt.NDArray[np.float32]
    start: Fraction | None
    duration: Fraction | None
