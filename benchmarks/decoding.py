"""Decoding alone, by FFmpeg's libraries in one thread: the least cost of any program that reads the whole video."""

from __future__ import annotations

from pathlib import Path

import av


def decode(video: Path) -> None:
    """Decodes picture and sound once, in one thread as avcues does, without any conversion."""
    with av.open(str(video)) as container:
        streams = [*container.streams.video[:1], *container.streams.audio[:1]]
        for stream in container.streams.video[:1]:
            stream.codec_context.thread_count = 1
        for packet in container.demux(streams):
            packet.decode()
