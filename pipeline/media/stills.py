"""Finds single frames of a video at given times: fast enough for thumbnails, but not exact enough for measuring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from av.error import FFmpegError

from avcues.pipeline.media.container import Media
from avcues.pipeline.media.frames import Damage, VideoFrame
from avcues.pipeline.media.packet_ends import PacketEnds
from avcues.pipeline.media.part import Part, is_empty

# If key frames are farther apart than this, one picture is not worth the wait.
_MAX_FRAMES_PER_SEEK = 1000


def frames_at(media: Media, times: Iterable[Fraction]) -> Iterator[VideoFrame | None]:
    """Seeks the frame on screen at each time; None if it cannot be decoded. For thumbnails, not for measuring.

    If frames carry no presentation times, the result may be off by a few frames.

    Args:
        media: An open file with a video stream.
        times: Seconds from t = 0.
    """
    part = media.part
    assert part.video is not None
    part.video.codec_context.thread_type = "AUTO"
    for time in times:
        try:
            part.container.seek(round((time + media.origin) / media.time_base), stream=part.video)
            yield _frame_on_screen(media, part, time)
        except FFmpegError:
            yield None


def _frame_on_screen(media: Media, part: Part, time: Fraction) -> VideoFrame | None:
    """Decodes from the file's current position until the frame on screen at `time` is known."""
    last: VideoFrame | None = None
    frames = 0
    for packet in part.packets([part.video], Damage(), PacketEnds()):
        if is_empty(packet):
            continue
        try:
            decoded = packet.decode()
        except (FFmpegError, EOFError):
            continue
        for frame in decoded:
            picture = media.timed_frame(part, frame, frame.dts if frame.pts is None else frame.pts, last)
            if last is not None and picture.start > time:
                return media.picture.still(last)
            last = picture
            frames += 1
        if frames >= _MAX_FRAMES_PER_SEEK:
            break
    return None if last is None else media.picture.still(last)
