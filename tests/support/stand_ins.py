"""Stand-ins for the test media, made of the clips that `avcues demo` fetches."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

import av
import av.filter
import numpy as np
from filelock import FileLock

from avcues.models_cache.cache import resolve

_FPS, _RATE_HZ, _SIZE, _SECONDS = 25, 48000, (1280, 720), 60


class _Scene(NamedTuple):
    """A piece of a demo clip: its start and length in seconds, and whether it is shown as a negative."""

    clip: str
    start: int
    seconds: int
    negative: bool = False


# Together a minute. What is shown again is a negative, so that no part of the minute passes for a copy of another.
_SCENES = (
    *(_Scene("woman", 0, 6), _Scene("bikes", 0, 10), _Scene("bigbuckbunny", 0, 5), _Scene("woman", 4, 7)),
    *(_Scene("bikes", 2, 8, negative=True), _Scene("bigbuckbunny", 0, 5, negative=True)),
    *(_Scene("bikes", 4, 2, negative=True), _Scene("woman", 10, 6), _Scene("bikes", 6, 3, negative=True)),
    *(_Scene("woman", 12, 5), _Scene("bigbuckbunny", 1, 3, negative=True)),
)

MADE_BY = f"{zlib.crc32(Path(__file__).read_bytes()):08x}"
"""Tells stand-ins from those that other code made."""


def stand_in(name: str, folder: Path) -> Path:
    """The named medium in a folder, made there on first use.

    Raises:
        WeightsError: The demo clips cannot be fetched.
    """
    path = folder / name
    with FileLock(folder / f".{name}.lock"):  # several processes run the tests
        if not path.exists():
            part = folder / f"part-{name}"
            _MAKERS[name](part, folder)
            part.replace(path)
    return path


@dataclass(frozen=True)
class _Take:
    """What is written: frames whose time stamps count 1/25 s, and stereo sound (samples, 2)."""

    frames: Iterable[av.VideoFrame] = ()
    samples: np.ndarray | None = None
    size: tuple[int, int] = _SIZE

    def write(self, path: Path, **options: str) -> None:
        with av.open(str(path), "w", format="mp4", options=options) as container:
            streams = []
            if self.frames:
                video = container.add_stream("libx264", rate=_FPS, options={"preset": "ultrafast", "crf": "26"})
                video.width, video.height, video.pix_fmt = *self.size, "yuv420p"
                video.codec_context.time_base = Fraction(1, _FPS)
                streams.append((video, self._pictures()))
            if self.samples is not None:
                audio = container.add_stream("aac", rate=_RATE_HZ, layout="stereo")
                streams.append((audio, self._sounds(self.samples)))
            packets = [packet for stream, frames in streams for packet in _encoded(stream, frames)]
            for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
                container.mux(packet)

    def _pictures(self) -> Iterator[av.VideoFrame]:
        for frame in self.frames:
            scaled = frame.reformat(*self.size, format="yuv420p")
            scaled.pts, scaled.time_base = frame.pts, Fraction(1, _FPS)
            yield scaled

    def _sounds(self, samples: np.ndarray) -> Iterator[av.AudioFrame]:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = _RATE_HZ, 0, Fraction(1, _RATE_HZ)
        yield frame


def _encoded(stream: av.stream.Stream, frames: Iterable[av.frame.Frame]) -> Iterator[av.Packet]:
    for frame in frames:
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _minute() -> Iterator[av.VideoFrame]:
    """The frames of the minute, with their number as the time stamp."""
    numbers = count()
    for scene in _SCENES:
        frames = _letterboxed(scene.clip, negative=scene.negative)
        for frame in islice(frames, scene.start * _FPS, (scene.start + scene.seconds) * _FPS):
            frame.pts = next(numbers)
            yield frame


def _letterboxed(clip: str, *, negative: bool) -> Iterator[av.VideoFrame]:
    """A demo clip's frames, scaled to the size of the minute, with black bars; their rate is taken for 25 a second."""
    with av.open(str(resolve(f"demo/{clip}").path)) as container:
        graph = av.filter.Graph()
        width, height = _SIZE
        graph.link_nodes(
            graph.add_buffer(template=container.streams.video[0]),
            graph.add("scale", f"{width}:{height}:force_original_aspect_ratio=decrease"),
            graph.add("negate" if negative else "null"),
            graph.add("pad", f"{width}:{height}:-1:-1"),
            graph.add("buffersink"),
        ).configure()
        for frame in container.decode(video=0):
            graph.vpush(frame)
            yield graph.vpull()


@cache
def _sound() -> np.ndarray:
    """(samples, 2) float32: a voice-like tone of changing pitch, or noise, with an accent twice a second."""
    time = np.arange(_SECONDS * _RATE_HZ) / _RATE_HZ
    phase = 2 * np.pi * np.cumsum(180 + 40 * np.sin(time / 2)) / _RATE_HZ
    tone = sum(np.sin(k * phase) / k for k in range(1, 9))
    tone = np.where(time % 8 < 6, tone, np.random.default_rng(0).normal(0, 0.5, len(time))) * (
        0.05 + 0.15 * np.exp(-6 * (time % 0.5))
    )
    return np.stack([tone, 0.8 * tone], axis=1).astype(np.float32)


def _real60(path: Path, _: Path) -> None:
    _Take(_minute(), _sound()).write(path, movflags="faststart")


def _truth(path: Path, _: Path) -> None:
    lengths = [0, *(scene.seconds for scene in _SCENES)][:-1]
    path.write_text(json.dumps({"cuts_s": np.cumsum(lengths).tolist(), "dur": _SECONDS}))


def _noaudio20(path: Path, _: Path) -> None:
    _Take(islice(_minute(), 502)).write(path)


def _vfr20(path: Path, _: Path) -> None:
    is_rated = np.random.default_rng(0).random(500) < 2 / 3
    is_rated[[0, -1]] = True
    _Take([frame for frame in islice(_minute(), 500) if is_rated[frame.pts]], _sound()[: 20 * _RATE_HZ]).write(path)


def _rot90_12(path: Path, _: Path) -> None:
    _Take(islice(_minute(), 302), _sound()[: 12011 * _RATE_HZ // 1000]).write(path)
    _turn(path)


def _turn(path: Path) -> None:
    """Has players turn the picture by 90 degrees: the matrix in the header of the first track, the video."""
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40
    turned = np.array([0, -(1 << 16), 0, 1 << 16, 0, 0, 0, _SIZE[0] << 16, 1 << 30], ">i4")
    content[matrix : matrix + 36] = turned.tobytes()
    path.write_bytes(content)


def _tiny4(path: Path, _: Path) -> None:
    _Take(islice(_minute(), 100), _sound()[: 4 * _RATE_HZ], size=(320, 180)).write(path)


def _black_silent10(path: Path, _: Path) -> None:
    _Take(_black(250), np.zeros((10 * _RATE_HZ, 2), np.float32)).write(path)


def _black(frames: int) -> Iterator[av.VideoFrame]:
    for number in range(frames):
        frame = av.VideoFrame.from_ndarray(np.zeros((_SIZE[1], _SIZE[0], 3), np.uint8), format="rgb24")
        frame.pts = number
        yield frame


def _audioonly60(path: Path, _: Path) -> None:
    _Take(samples=_sound()).write(path)


def _truncated60(path: Path, folder: Path) -> None:
    _first_half(stand_in("real60.mp4", folder), path)


def _truncated_nomoov(path: Path, folder: Path) -> None:
    # Its index lies at its end, and is lost.
    _first_half(stand_in("noaudio20.mp4", folder), path)


def _first_half(source: Path, path: Path) -> None:
    content = source.read_bytes()
    path.write_bytes(content[: len(content) // 2])


_MAKERS: dict[str, Callable[[Path, Path], None]] = {
    "audioonly60.m4a": _audioonly60,
    "black_silent10.mp4": _black_silent10,
    "noaudio20.mp4": _noaudio20,
    "real60.mp4": _real60,
    "real60.truth.json": _truth,
    "rot90_12.mp4": _rot90_12,
    "tiny4.mp4": _tiny4,
    "truncated60.mp4": _truncated60,
    "truncated_nomoov.mp4": _truncated_nomoov,
    "vfr20.mp4": _vfr20,
}
