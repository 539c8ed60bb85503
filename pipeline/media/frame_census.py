"""Counts frames that were lost or damaged without an error, by time stamps and the decoder's flags."""

from __future__ import annotations

from typing import Any

import av
import numpy as np

from avcues.pipeline.media.frames import Damage

# The packet of a field lies within half a frame of a decoded frame; the packet of a lost frame does not.
_MAX_DISTANCE_FRAMES = 0.6
_MIN_FRAMES = 3


class FrameCensus:
    """Compares the time stamps of the packets that went into a decoder with those of the frames that came out.

    Args:
        damage: Counts the frames.
    """

    def __init__(self, damage: Damage) -> None:
        self._damage = damage
        self._packet_pts: list[int] = []
        self._frame_pts: list[int] = []
        self._after_corrupt = False

    def add_packet(self, packet: Any) -> None:
        """Takes a packet that was decoded without an error."""
        if packet.pts is not None and packet.size and not packet.is_discard:
            self._packet_pts.append(packet.pts)

    def add_frame(self, frame: av.VideoFrame) -> None:
        """Takes a decoded frame."""
        if frame.pts is not None:
            self._frame_pts.append(frame.pts)
        if frame.is_corrupt:
            self._damage.video_frames_corrupt += 1
            self._after_corrupt = True
        elif frame.key_frame:
            self._after_corrupt = False
        else:
            self._damage.video_frames_after_corrupt += self._after_corrupt

    def finish(self) -> None:
        """Counts the frames that are missing."""
        if len(self._frame_pts) < _MIN_FRAMES:
            return
        frames = np.unique(self._frame_pts)
        packets = np.setdiff1d(self._packet_pts, frames)
        packets = packets[packets > frames[0]]  # frames that depend on a frame before the first cannot be decoded
        if not len(packets):
            return
        packets_before = np.searchsorted(frames, packets)
        distances = np.minimum(
            packets - frames[packets_before - 1],
            np.where(packets_before < len(frames), frames[packets_before % len(frames)] - packets, 1 << 62),
        )
        interval = np.median(np.diff(frames))
        self._damage.video_frames_missing += int(np.count_nonzero(distances > _MAX_DISTANCE_FRAMES * interval))
