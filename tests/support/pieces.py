"""Many short clips of real video and sound, cut out of a long one."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SIZE = (320, 180)
RATE_HZ = 48000


def cut(source: Path, folder: Path, count: int, seconds: float = 1.0) -> list[Path]:
    """Writes clips that begin at different moments of the source, as small MPEG-4 files with sound."""
    frames, samples = _decode(source)
    folder.mkdir(parents=True, exist_ok=True)
    length = round(seconds * 25)
    starts = np.linspace(0, len(frames) - length, count).astype(int)
    paths = []
    for number, start in enumerate(starts):
        path = folder / f"piece{number:04d}.mp4"
        sound = samples[start * RATE_HZ // 25 :][: round(seconds * RATE_HZ)]
        write(path, frames[start : start + length], sound)
        paths.append(path)
    return paths


def write(path: Path, frames: np.ndarray, samples: np.ndarray) -> None:
    """Muxes frames (T, H, W, 3) at 25 fps and mono 16-bit samples."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        audio = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        sound = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="s16", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
        container.mux(audio.encode(sound))
        container.mux(audio.encode(None))


def plain(path: Path, colour: tuple[int, int, int]) -> Path:
    """A second of one colour, with silence."""
    frames = np.broadcast_to(np.array(colour, np.uint8), (25, SIZE[1], SIZE[0], 3))
    write(path, np.ascontiguousarray(frames), np.zeros(RATE_HZ, np.int16))
    return path


def _decode(source: Path) -> tuple[np.ndarray, np.ndarray]:
    with av.open(str(source)) as container:
        frames = [
            frame.reformat(width=SIZE[0], height=SIZE[1], format="rgb24").to_ndarray()
            for frame in container.decode(video=0)
        ]
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    with av.open(str(source)) as container:
        sound = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return np.stack(frames), np.concatenate(sound)
