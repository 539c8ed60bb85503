"""What is decoded of a file: its sound from t = 0 on, and the times of its frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avcues.pipeline.extraction.mixing import TrackMix
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.downmix import downmix
from avcues.pipeline.media.frames import AudioBlock, VideoFrame
from avcues.pipeline.media.reading import Reading


@dataclass(frozen=True)
class Decoded:
    """A whole file, decoded.

    Args:
        samples: (n,) mono.
        starts: Seconds of each frame.
    """

    media: Media
    samples: np.ndarray
    rate_hz: int
    starts: list[float]
    end_s: float

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate_hz

    @property
    def damage(self) -> dict[str, int]:
        return {kind: count for kind, count in vars(self.media.damage).items() if count}

    def frequency(self, start_s: float, end_s: float) -> float:
        """The strongest frequency of a stretch, in Hz."""
        stretch = self.samples[round(start_s * self.rate_hz) : round(end_s * self.rate_hz)]
        spectrum = np.abs(np.fft.rfft(stretch * np.hanning(len(stretch))))
        return float(np.argmax(spectrum) * self.rate_hz / len(stretch))


def decoded(path: Path, **reading: object) -> Decoded:
    """Decodes a file as an extraction does."""
    with Media.open(path, Reading(**reading)) as media:  # type: ignore[arg-type]
        has_sound = media.metadata.audio is not None
        mix = TrackMix(max(1, media.audio_streams), media.audio_rate_hz if has_sound else 1, media.damage)
        pieces, starts, end = [], [], 0.0
        for item in media.decode(video=True, audio=True):
            if isinstance(item, VideoFrame):
                starts.append(float(item.start))
                end = float(item.start + item.duration)
            elif isinstance(item, AudioBlock):
                pieces += mix.place(item)
        samples = downmix([*pieces, *mix.finish()]) if has_sound else np.empty(0, np.float32)
        return Decoded(media, samples, media.audio_rate_hz if has_sound else 1, starts, end)
