"""Whether the fields of a stream are joined, and from which frame on."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.picture.fields import Fields
from avcues.pipeline.media.picture.idet import FieldWatch

_TELECINE = "looks like film in fields (telecine): two frames of five are combed, and stay so"


class FieldJoining:
    """Decides by flags, by the frames as they are decoded, and where these are suspect, by other places of the file.

    Args:
        applied: Where it is recorded that fields are joined.
        notes: The same for people.

    Attributes:
        look: Looks at several places of the file, from a time in seconds on, for fields of different times; None: that
            cannot be done.
        found: What that found, if it was needed.
        options: Those of bwdif; empty while fields are not joined.
    """

    def __init__(self, applied: dict[str, str], notes: list[str]) -> None:
        self.look: Callable[[Fraction], Fields] | None = None
        self.found: Fields | None = None
        self.options = ""
        self._applied, self._notes = applied, notes
        self._header_flag = False
        self._watch: FieldWatch | None = None

    def begin(self, *, flagged: bool, likely: bool) -> None:
        """Starts before the first frame.

        Args:
            flagged: Whether the header says that the stream is interlaced.
            likely: Whether video of its form exists in fields, so that a missing flag means little.
        """
        self._header_flag = flagged
        if self.look is not None and flagged:
            self._look(Fraction(0))
        elif self.look is not None and likely:
            self._watch = FieldWatch()

    def push(self, picture: VideoFrame) -> list[VideoFrame]:
        """Takes the next frame and returns those for which it is now decided."""
        return [picture] if self._watch is None else self._decided(self._watch.push(picture))

    def finish(self) -> list[VideoFrame]:
        """Returns the frames that were still held, and notes what stays combed."""
        if self._watch is None:
            return []
        watch, last = self._watch, self._decided(self._watch.finish())
        if not self.options and watch.is_telecine:
            self._notes += [_TELECINE] * (_TELECINE not in self._notes)
        elif not self.options and watch.combed:
            self._notes.append(
                f"{watch.combed} that were looked at hold fields of different times without a flag: too few to join "
                "those of all, so they stay combed"
            )
        return last

    def meet(self, picture: VideoFrame) -> None:
        """Takes a frame that is about to be shown: the first flagged one begins the joining, unless flags lie."""
        if self.options or not picture.frame.interlaced_frame:
            return
        if self.found is None and self.look is not None:
            self._look(picture.start)
        if not self.options and (self.found is None or self.found.trusts_flags):
            self._join("deint=interlaced", "", "interlaced")

    def _decided(self, ready: list[VideoFrame]) -> list[VideoFrame]:
        assert self._watch is not None
        if ready and self._watch.suspects and self.found is None:
            self._look(ready[0].start)
        return ready

    def _look(self, since: Fraction) -> None:
        assert self.look is not None
        self.found = found = self.look(since)
        if found.is_interlaced and not found.flagged:
            parity = "tff" if found.top_first >= found.bottom_first else "bff"
            from_there = f" from {float(since):.2f} s on" if since > 0 else ""
            self._join(f"deint=all:parity={parity}", from_there, "interlaced without a flag")
        elif found.is_progressive and (self._header_flag or not found.trusts_flags):
            self._notes.append("flagged as interlaced, but its frames are progressive: they are left as they are")
        elif found.is_telecine and not found.flagged:
            self._notes.append(_TELECINE)

    def _join(self, options: str, from_there: str, why: str) -> None:
        self.options, self._watch = options, None
        self._applied["fields"] = f"bwdif{from_there}"
        self._notes.append(f"{why}: fields are joined by bwdif{from_there}")
