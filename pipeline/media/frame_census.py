"""Which frames of a stream were lost or damaged without an error: by their time stamps and the decoder's flags."""

from __future__ import annotations

from typing import Any

import av
import numpy as np

from avcues.pipeline.media.frames import Damage

# A packet of a field has its frame within half a frame of it; that of a lost frame has none.
_NEAR = 0.6
_FEW = 3


class FrameCensus:
    """Compares the time stamps of the packets that went into a decoder with those of the frames that came out.

    Args:
        damage: Counts the frames.
    """

    def __init__(self, damage: Damage) -> None:
        self._damage = damage
        self._of_packets: list[int] = []
        self._of_frames: list[int] = []
        self._after_corrupt = False

    def packet(self, packet: Any) -> None:
        """Takes a packet that is decoded without an error."""
        if packet.pts is not None and packet.size and not packet.is_discard:
            self._of_packets.append(packet.pts)

    def frame(self, frame: av.VideoFrame) -> None:
        """Takes a decoded frame."""
        if frame.pts is not None:
            self._of_frames.append(frame.pts)
        if frame.is_corrupt:
            self._damage.video_frames_corrupt += 1
            self._after_corrupt = True
        elif frame.key_frame:
            self._after_corrupt = False
        else:
            self._damage.video_frames_after_corrupt += self._after_corrupt

    def finish(self) -> None:
        """Counts the frames that are missing."""
        if len(self._of_frames) < _FEW:
            return
        frames = np.unique(self._of_frames)
        packets = np.setdiff1d(self._of_packets, frames)
        packets = packets[packets > frames[0]]  # frames that need one from before the file's first cannot be decoded
        if not len(packets):
            return
        packets_before = np.searchsorted(frames, packets)
        nearest = np.minimum(
            packets - frames[packets_before - 1],
            np.where(packets_before < len(frames), frames[packets_before % len(frames)] - packets, 1 << 62),
        )
        interval = np.median(np.diff(frames))
        self._damage.video_frames_missing += int(np.count_nonzero(nearest > _NEAR * interval))
