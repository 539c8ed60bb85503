"""Reads programmes, cropping and Dolby Vision from FFmpeg's text description of a file; PyAV lacks them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from threading import Lock

import av.logging
from av.container import InputContainer

_PROGRAMME = re.compile(r"^  Program (\d+)")
_STREAM = re.compile(r"^ +Stream #\d+:(\d+)")
_CROPPING = re.compile(r"Frame [Cc]ropping: (\d+)/(\d+)/(\d+)/(\d+)")
_DOLBY_VISION = re.compile(r"DOVI configuration record: .*profile: (\d+),.* compatibility id: (\d+)")
_log_level_lock = Lock()


@dataclass(frozen=True)
class Cropping:
    """Numbers of pixels that players crop from each side of the coded picture, by the container."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0

    def __bool__(self) -> bool:
        return any((self.left, self.right, self.top, self.bottom))


@dataclass(frozen=True)
class FormatDump:
    """The parts of FFmpeg's description of a file that PyAV does not offer.

    Args:
        programmes: Stream indices of each programme, by its number; empty for most containers.
        cropping: Cropping by index of the video stream, if the container states one.
        dolby_vision_only: Indices of video streams of Dolby Vision without a compatible base layer (profile 5).
    """

    programmes: dict[int, set[int]] = field(default_factory=dict)
    cropping: dict[int, Cropping] = field(default_factory=dict)
    dolby_vision_only: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, container: InputContainer) -> FormatDump:
        """Reads FFmpeg's description of an open file."""
        with _log_level_lock:  # the whole process has one log level
            level = av.logging.get_level()
            av.logging.set_level(av.logging.INFO)
            try:
                text = str(container.dumps_format())  # type: ignore[attr-defined]
            finally:
                av.logging.set_level(level)
        return cls.parse(text)

    @classmethod
    def parse(cls, text: str) -> FormatDump:
        """Reads the text of FFmpeg's `av_dump_format`."""
        dump = cls()
        programme: int | None = None
        stream = -1
        for line in text.splitlines():
            if matched := _PROGRAMME.match(line):
                programme = int(matched[1])
                dump.programmes[programme] = set()
            elif line.startswith("  No Program"):
                programme = None
            elif matched := _STREAM.match(line):
                stream = int(matched[1])
                if programme is not None:
                    dump.programmes[programme].add(stream)
            elif matched := _CROPPING.search(line):
                dump.cropping[stream] = Cropping(*map(int, matched.groups()))
            elif (matched := _DOLBY_VISION.search(line)) and matched.groups() == ("5", "0"):
                dump.dolby_vision_only.add(stream)
        return dump

    def programme_of(self, stream: int) -> set[int] | None:
        """Indices of the streams of a stream's programme; None if the stream belongs to none."""
        return next((streams for streams in self.programmes.values() if stream in streams), None)

    def programme_number(self, stream: int) -> int | None:
        """The number of a stream's programme; None if the stream belongs to none."""
        return next((number for number, streams in self.programmes.items() if stream in streams), None)
