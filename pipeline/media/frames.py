"""Decoded video frames and audio blocks with their times, and counts of what was decoded and what was lost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction

import av

from avcues.pipeline.media.downmix import Samples
from avcues.pipeline.media.orientation import Orientation

# A gap in a stream longer than this is a broken time stamp, not a pause.
MAX_GAP_S = Fraction(3600)
# A frame or block this far ahead is accepted only if the next one does not return to the old time.
SUSPICIOUS_GAP_S = Fraction(2)


@dataclass
class FrameStatistics:
    """What is known from the decoded frames, and often not from the container.

    Args:
        count: Number of frames.
        rotation: Degrees by which the first frame is turned counter-clockwise for display: 0, 90, 180 or 270.
        mirrored: Whether left and right of the first frame change places before it is turned.
        shortest_interval_s: Shortest time between the starts of two frames in a row.
        longest_interval_s: Longest time between the starts of two frames in a row.
    """

    count: int = 0
    rotation: int = 0
    mirrored: bool = False
    shortest_interval_s: float | None = None
    longest_interval_s: float | None = None

    def add(self, frame: av.VideoFrame, interval: Fraction | None) -> None:
        """Takes the next frame and the time since the one before it."""
        if self.count == 0:
            orientation = Orientation.of(frame)
            self.rotation, self.mirrored = orientation.rotation, orientation.mirrored
        self.count += 1
        if interval is not None:
            seconds = float(interval)
            self.shortest_interval_s = min(seconds, self.shortest_interval_s or seconds)
            self.longest_interval_s = max(seconds, self.longest_interval_s or seconds)


@dataclass
class Damage:
    """What was lost while decoding; all zero for a file in good order.

    Args:
        video_packets_undecodable: Packets that the decoder refused.
        audio_packets_undecodable: Packets that the decoder refused.
        video_packets_missing: Packets that the headers promise, at the end of the stream.
        audio_packets_missing: Packets that the headers promise, at the end of the stream.
        frames_unplaceable: Frames and blocks whose time stamps cannot be true.
        audio_blocks_overlapping: Blocks that begin before the end of the block before them; they were trimmed.
        read_errors: Failed attempts to read a packet.
        clock_restarts: New clocks in the middle of a broadcast stream; nothing is lost, but times are joined.
        clock_gaps: Times of more than ten seconds for which a broadcast stream holds nothing; sound is null there, and
            the last picture stays on screen, as in players.
        video_frames_before_start: Frames that begin over half a second before the start that the headers claim.
        audio_blocks_before_start: Blocks that begin over half a second before the start that the headers claim.
        subtitles_undecodable: Packets of subtitles that the decoder refused.
        video_frames_corrupt: Frames that the decoder put together around errors.
        video_frames_after_corrupt: Frames after these, up to the next key frame: most show the same errors.
        video_frames_missing: Frames whose packets were read and that the decoder did not return.
        audio_blocks_corrupt: Blocks that the decoder put together around errors.
        packets_encrypted: Packets that cannot be decoded without a key.
        bytes_not_read: Bytes after the end of the media, in a format that cannot be read.
    """

    video_packets_undecodable: int = 0
    audio_packets_undecodable: int = 0
    video_packets_missing: int = 0
    audio_packets_missing: int = 0
    frames_unplaceable: int = 0
    audio_blocks_overlapping: int = 0
    read_errors: int = 0
    clock_restarts: int = 0
    clock_gaps: int = 0
    video_frames_before_start: int = 0
    audio_blocks_before_start: int = 0
    subtitles_undecodable: int = 0
    video_frames_corrupt: int = 0
    video_frames_after_corrupt: int = 0
    video_frames_missing: int = 0
    audio_blocks_corrupt: int = 0
    packets_encrypted: int = 0
    bytes_not_read: int = 0

    def __bool__(self) -> bool:
        return any(asdict(self).values())


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """A decoded video frame.

    Args:
        frame: The picture as decoded, not rotated.
        pts: Presentation time in units of `Media.time_base`, on the container's clock.
        start: Seconds from t = 0; the frame is on screen from here to the start of the next one.
        duration: Seconds that the frame is on screen if it is the last one.
        pixel_aspect: Width of its pixels to their height, where the stream says so.
    """

    frame: av.VideoFrame
    pts: int
    start: Fraction
    duration: Fraction
    pixel_aspect: Fraction | None = None


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """A block of decoded sound.

    Args:
        channels: (C, n) samples as decoded, at `Media.audio_rate_hz`; `avcues.pipeline.media.downmix` makes them mono.
        start: Seconds from t = 0; None: right after the block before it.
        duration: Seconds that the container gives the block; None: all of its samples.
        stream: Position of the block's stream among those that are mixed.
    """

    channels: Samples
    start: Fraction | None
    duration: Fraction | None
    stream: int = 0
