"""Decides whether the fields of a stream are joined, and from which frame on."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.picture.fields import FieldStatistics
from avcues.pipeline.media.picture.idet import FieldWatch

_TELECINE = "looks like film in fields (telecine): two frames of five are combed, and stay so"


class FieldJoining:
    """Decides by flags and by the decoded frames and, if these are suspect, by samples from the whole file.

    Args:
        applied: Conversions by kind, for records; gets an entry if fields are joined.
        notes: Notes for the user; gets a note on each decision.

    Attributes:
        sample_file: Returns statistics of samples of the file from a time in seconds on; None: the file cannot be
            sampled.
        samples: Statistics of these samples; None if they were not needed.
        options: Options of bwdif; empty while fields are not joined.
    """

    def __init__(self, applied: dict[str, str], notes: list[str]) -> None:
        self.sample_file: Callable[[Fraction], FieldStatistics] | None = None
        self.samples: FieldStatistics | None = None
        self.options = ""
        self._applied, self._notes = applied, notes
        self._header_flag = False
        self._watch: FieldWatch | None = None

    def begin(self, *, flagged: bool, likely: bool) -> None:
        """Prepares for the first frame.

        Args:
            flagged: Whether the header says that the stream is interlaced.
            likely: Whether video of this size and rate is often interlaced, so that a missing flag proves little.
        """
        self._header_flag = flagged
        if self.sample_file is not None and flagged:
            self._sample(Fraction(0))
        elif self.sample_file is not None and likely:
            self._watch = FieldWatch()

    def push(self, picture: VideoFrame) -> list[VideoFrame]:
        """Takes the next frame, and returns the frames that are now decided."""
        return [picture] if self._watch is None else self._decided(self._watch.push(picture))

    def finish(self) -> list[VideoFrame]:
        """Returns the frames that were held back, and notes frames that stay combed."""
        if self._watch is None:
            return []
        watch, last = self._watch, self._decided(self._watch.finish())
        if not self.options and watch.is_telecine:
            self._notes += [_TELECINE] * (_TELECINE not in self._notes)
        elif not self.options and watch.combed_share:
            self._notes.append(
                f"{watch.combed_share} that were checked are interlaced without a flag: too few to join the "
                "fields of all frames, so they stay combed"
            )
        return last

    def notice(self, picture: VideoFrame) -> None:
        """Takes a frame before it is converted. The first flagged frame starts the joining, unless flags are wrong."""
        if self.options or not picture.frame.interlaced_frame:
            return
        if self.samples is None and self.sample_file is not None:
            self._sample(picture.start)
        if not self.options and (self.samples is None or self.samples.trusts_flags):
            self._join("deint=interlaced", "", "interlaced")

    def _decided(self, ready: list[VideoFrame]) -> list[VideoFrame]:
        assert self._watch is not None
        if ready and self._watch.is_suspect and self.samples is None:
            self._sample(ready[0].start)
        return ready

    def _sample(self, since: Fraction) -> None:
        assert self.sample_file is not None
        self.samples = samples = self.sample_file(since)
        if samples.is_interlaced and not samples.flagged:
            parity = "tff" if samples.top_first >= samples.bottom_first else "bff"
            time_range = f" from {float(since):.2f} s on" if since > 0 else ""
            self._join(f"deint=all:parity={parity}", time_range, "interlaced without a flag")
        elif samples.is_progressive and (self._header_flag or not samples.trusts_flags):
            self._notes.append("flagged as interlaced, but its frames are progressive: they are left as they are")
        elif samples.is_telecine and not samples.flagged:
            self._notes.append(_TELECINE)

    def _join(self, options: str, time_range: str, reason: str) -> None:
        self.options, self._watch = options, None
        self._applied["fields"] = f"bwdif{time_range}"
        self._notes.append(f"{reason}: fields are joined by bwdif{time_range}")
