"""Converts one audio stream to blocks at a constant rate, even if the rate of the stream changes."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import av

from avcues.pipeline.media import limits
from avcues.pipeline.media.downmix import Samples, channels_of, downmix, standard_downmix
from avcues.pipeline.media.frames import AudioBlock, Damage
from avcues.pipeline.media.reading import Downmix

if TYPE_CHECKING:
    import soxr

# Containers whose frames follow each other without time stamps: FFmpeg counts frames at the rate of the first.
_FORMATS_WITHOUT_TIMES = frozenset(
    ("aac", "ac3", "adx", "amr", "amrnb", "amrwb", "dts", "dtshd", "eac3", "flac", "loas", "mlp", "mp3", "truehd")
)
# Time stamps that waver by less than this are contiguous: between two packets of a transport stream, FFmpeg
# interpolates them at the rate of the first frame.
_JITTER = Fraction(60, 1000)


class SoundConverter:
    """Turns the frames of one stream into blocks at one rate.

    A stretch at another rate goes through one streaming resampler, which is flushed at the end of the stretch: a filter
    that restarted in every block would cause clicks at the rate of the blocks.

    Args:
        rate_hz: Rate of the blocks.
        container_format: FFmpeg's name of the container format.
        surround_downmix: How more than two channels are mixed; see `Reading.downmix`.
        damage: Counts frames at rates out of bounds, and corrupt ones.
        trust_headers: Accept any rate.
        stream: Position of the stream among those that are mixed.
        first_start: Seconds from t = 0 of the first sample, where the frames have no time stamps.

    Attributes:
        layouts: The layouts of channels so far, in their order.
    """

    def __init__(
        self,
        rate_hz: int,
        container_format: str,
        *,
        surround_downmix: Downmix,
        damage: Damage,
        trust_headers: bool = False,
        stream: int = 0,
        first_start: Fraction | None = None,
    ) -> None:
        self._rate_hz = rate_hz
        self._lacks_times = container_format in _FORMATS_WITHOUT_TIMES
        self._surround_downmix = surround_downmix
        self._damage = damage
        self._trust_headers = trust_headers
        self._stream = stream
        self.layouts: dict[str, None] = {}
        self._first_start = first_start
        self._counts_samples = False
        self._resampler: soxr.ResampleStream | None = None
        self._resampler_rate_hz = 0
        self._stretch_start: Fraction | None = None
        self._samples_in = 0
        self._samples_out = 0

    def convert(self, frame: av.AudioFrame, start: Fraction | None, duration: Fraction | None) -> Iterator[AudioBlock]:
        """Takes the next frame and yields the blocks that are complete.

        Args:
            frame: The decoded frame.
            start: Seconds from t = 0; None: directly after the previous frame.
            duration: Duration of the frame in seconds, by the container.
        """
        if not self._trust_headers and frame.sample_rate not in limits.AUDIO_RATES_HZ:
            self._damage.audio_packets_undecodable += 1  # the rate changed within the stream
            return
        self._damage.audio_blocks_corrupt += frame.is_corrupt
        self.layouts.setdefault(frame.layout.name)
        channels = channels_of(frame)
        if self._surround_downmix == "standard" and channels.shape[0] > 2:
            channels = standard_downmix(channels, frame.layout)
        first_start, self._first_start = self._first_start, None
        if self._lacks_times and start is None:  # in LATM, FFmpeg begins to count in mid-stream
            self._counts_samples = True
        if frame.sample_rate == self._rate_hz:
            yield from self.finish()
            if self._counts_samples:
                start, duration = first_start, None
            yield AudioBlock(channels, start, duration, self._stream)
            return
        self._counts_samples = self._lacks_times
        if self._counts_samples:
            start = first_start
        if frame.sample_rate != self._resampler_rate_hz or self._begins_stretch(start):
            yield from self.finish()
            self._start_stretch(frame.sample_rate, start)
        yield from self._resample(channels, last=False)

    def finish(self) -> Iterator[AudioBlock]:
        """Ends the stretch at another rate, if there is one."""
        if self._resampler is not None:
            yield from self._resample(None, last=True)
            self._resampler, self._resampler_rate_hz = None, 0

    def _begins_stretch(self, start: Fraction | None) -> bool:
        """Whether a frame does not begin where the stretch ends."""
        if start is None or self._stretch_start is None:
            return False
        end = self._stretch_start + Fraction(self._samples_in, self._resampler_rate_hz)
        return abs(start - end) > _JITTER

    def _start_stretch(self, rate_hz: int, start: Fraction | None) -> None:
        import soxr

        self._resampler = soxr.ResampleStream(rate_hz, self._rate_hz, 1, dtype="float32", quality="HQ")
        self._resampler_rate_hz = rate_hz
        self._stretch_start = start
        self._samples_in = self._samples_out = 0

    def _resample(self, channels: Samples | None, *, last: bool) -> Iterator[AudioBlock]:
        assert self._resampler is not None
        mono = downmix([] if channels is None else [channels])
        resampled = self._resampler.resample_chunk(mono, last=last)
        if len(resampled):
            start = self._stretch_start
            if start is not None:
                start += Fraction(self._samples_out, self._rate_hz)
            yield AudioBlock(resampled[None], start, None, self._stream)
        self._samples_in += len(mono)
        self._samples_out += len(resampled)
