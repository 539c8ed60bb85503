"""What PyAV offers only as the text that FFmpeg prints of a file: programmes, cropping, Dolby Vision."""

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
_logging = Lock()


@dataclass(frozen=True)
class Cropping:
    """Pixels that the container says are not shown, from each side of the coded picture."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0

    def __bool__(self) -> bool:
        return any((self.left, self.right, self.top, self.bottom))


@dataclass(frozen=True)
class FormatDump:
    """Facts of a file.

    Args:
        programmes: Numbers of the streams of each programme, by the programme's number; empty in most containers.
        cropping: By number of the video stream, where the container says so.
        dolby_vision_alone: Numbers of the video streams in the colours of Dolby Vision alone, which nothing but its own
            metadata explain.
    """

    programmes: dict[int, set[int]] = field(default_factory=dict)
    cropping: dict[int, Cropping] = field(default_factory=dict)
    dolby_vision_alone: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, container: InputContainer) -> FormatDump:
        """Reads what FFmpeg prints of an open file."""
        with _logging:  # the level is one for the whole process
            level = av.logging.get_level()
            av.logging.set_level(av.logging.INFO)
            try:
                printed = str(container.dumps_format())  # type: ignore[attr-defined]
            finally:
                av.logging.set_level(level)
        return cls.parse(printed)

    @classmethod
    def parse(cls, printed: str) -> FormatDump:
        """Reads the text of FFmpeg's `av_dump_format`."""
        dump = cls()
        programme: int | None = None
        stream = -1
        for line in printed.splitlines():
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
                dump.dolby_vision_alone.add(stream)
        return dump

    def programme_of(self, stream: int) -> set[int] | None:
        """Numbers of the streams of a stream's programme; None if it belongs to none."""
        return next((streams for streams in self.programmes.values() if stream in streams), None)

    def programme_number(self, stream: int) -> int | None:
        """The number of a stream's programme."""
        return next((number for number, streams in self.programmes.items() if stream in streams), None)
