"""Small clips whose every instant is known, and one call that processes a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from avcues.extractors.base import with_defaults
from avcues.pipeline.extraction.measurements import Measurements
from avcues.pipeline.extraction.video import process_video
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store.manifest import pin
from avcues.pipeline.store.records import VideoResult
from avcues.pipeline.store.video_input import VideoInput

RATE_HZ = 48000
CHEAP = ("emobase", "rhythm", "color", "lighting")
"""Features without networks."""


@dataclass(frozen=True)
class Extracted:
    """One processed video and its folder."""

    out: Path
    result: VideoResult

    def table(self, name: str) -> pa.Table:
        return pq.read_table(self.out / name / f"{self.result.video_id}.parquet")

    def column(self, table: str, column: str) -> np.ndarray:
        return self.table(table)[column].to_pandas().to_numpy()


def measurements(settings: Settings, *plugins: type) -> Measurements:
    """What a run with these settings measures; `plugins` are extractors that the registry does not know."""
    registered = settings.measurements()
    return replace(registered, extractors=[*registered.extractors, *(with_defaults(plugin)() for plugin in plugins)])


def start_dataset(out: Path, settings: Settings, *plugins: type) -> Measurements:
    """Writes the manifest of an output folder, as a run does before its first video."""
    measured = measurements(settings, *plugins)
    pin(out, measured.manifest)
    return measured


def extract(path: Path, out: Path, **settings: object) -> Extracted:
    """Processes one video in this process."""
    result = process_video(VideoInput(path.stem, str(path)), measurements(Settings(**settings)), out)  # type: ignore[arg-type]
    assert result.state == "done", result.error
    return Extracted(out, result)


@dataclass
class Clip:
    """A clip to write: gray frames at given times, and stretches of mono sound at given times.

    Args:
        frames: (start in seconds, gray level 0..255).
        last_frame: Duration of the last frame.
        sounds: (start in seconds, samples in -1..1 at RATE_HZ).
    """

    frames: Sequence[tuple[Fraction, int]] = ()
    last_frame: Fraction = Fraction(1, 25)
    sounds: Sequence[tuple[Fraction, np.ndarray]] = field(default_factory=list)
    video_codec: str = "mpeg4"
    audio_codec: str = "pcm_s16le"
    size: tuple[int, int] = (64, 48)

    def write(self, path: Path) -> Path:
        """Muxes the clip into the container that the suffix names."""
        with av.open(str(path), "w") as container:
            packets = []
            if self.frames:
                packets += self._encode_frames(container)
            if self.sounds:
                packets += self._encode_sounds(container)
            for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
                container.mux(packet)
        return path

    def _encode_frames(self, container: av.container.OutputContainer) -> list[av.Packet]:
        time_base = Fraction(1, 12800)
        stream = container.add_stream(self.video_codec, rate=25)
        stream.width, stream.height = self.size
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = time_base
        packets = []
        ends = [start for start, _ in self.frames[1:]] + [self.frames[-1][0] + self.last_frame]
        durations = {}
        for (start, level), end in zip(self.frames, ends, strict=True):
            image = np.full((self.size[1], self.size[0], 3), level, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.time_base = time_base
            frame.pts = round(start / time_base)
            durations[frame.pts] = round((end - start) / time_base)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        for packet in packets:
            packet.duration = durations[packet.pts]
        return packets

    def _encode_sounds(self, container: av.container.OutputContainer) -> list[av.Packet]:
        stream = container.add_stream(self.audio_codec, rate=RATE_HZ, layout="mono")
        stream.time_base = Fraction(1, RATE_HZ)
        packets = []
        for start, samples in self.sounds:
            first = round(start * RATE_HZ)
            for offset in range(0, len(samples), 1024):
                block = np.round(samples[None, offset : offset + 1024] * 32767).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
                frame.sample_rate = RATE_HZ
                frame.time_base = Fraction(1, RATE_HZ)
                frame.pts = first + offset
                packets += stream.encode(frame)
        return packets + stream.encode(None)


def steady_frames(seconds: float, *, flash: tuple[float, float], start: float = 0, fps: int = 20) -> list:
    """Black frames at a constant rate that are white in the half-open interval `flash`, all in seconds."""
    times = [Fraction(str(start)) + Fraction(i, fps) for i in range(round(seconds * fps))]
    return [(time, 255 if flash[0] <= time < flash[1] else 0) for time in times]


def click(seconds: float, at: float, start: float = 0) -> tuple[Fraction, np.ndarray]:
    """A stretch of near silence from `start` on with one click at `at`, both on the clip's clock."""
    samples = np.random.default_rng(0).normal(0, 1e-4, round(seconds * RATE_HZ))
    first = round((at - start) * RATE_HZ)
    samples[first : first + 64] = 0.9
    return Fraction(str(start)), samples
