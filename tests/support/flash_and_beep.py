"""A clip in any container whose picture flashes while its sound beeps, and where both are found when it is decoded."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from avcues.pipeline.extraction.track import Track
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.downmix import downmix
from avcues.pipeline.media.frames import Damage, VideoFrame

SECONDS = 6
EVENTS_S = (2.0, 4.0)
_LASTS_S = 0.2
_FPS, _RATE_HZ = 25, 48000


def _in_an_event(seconds: np.ndarray) -> np.ndarray:
    return np.any([(event <= seconds) & (seconds < event + _LASTS_S) for event in EVENTS_S], axis=0)


def flash_and_beep(
    path: Path, video_codec: str, audio_codec: str, *, sparse: bool = False, options: dict[str, str] | None = None
) -> Path:
    """Writes a clip of `SECONDS` with a flash and a beep of 0.2 s at each of `EVENTS_S`.

    Args:
        sparse: The sound between the beeps is not stored.
        options: Options of the muxer.
    """
    container_format = "mpegts" if path.suffix == ".m2ts" else None
    with av.open(str(path), "w", format=container_format, options=options or {}) as container:
        video = container.add_stream(video_codec, rate=_FPS)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        audio = container.add_stream(audio_codec, rate=_RATE_HZ, layout="mono")
        packets = []
        for i, lit in enumerate(_in_an_event(np.arange(SECONDS * _FPS) / _FPS)):
            image = np.full((240, 320, 3), 235 if lit else 16, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, _FPS)
            packets += video.encode(frame)
        packets += video.encode(None)
        seconds = np.arange(SECONDS * _RATE_HZ) / _RATE_HZ
        tone = np.where(_in_an_event(seconds), 0.5 * np.sin(2 * np.pi * 1000 * seconds), 0)
        packets += _encoded(audio, (tone * 32767).astype(np.int16))
        if sparse:
            packets = [p for p in packets if p.stream is video or _near_an_event(float(p.pts * p.time_base))]
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            container.mux(packet)
    return path


def _near_an_event(seconds: float) -> bool:
    return seconds < 0.5 or any(event - 0.1 < seconds < event + 0.4 for event in EVENTS_S)


def _encoded(stream: av.AudioStream, samples: np.ndarray) -> list[av.Packet]:
    context = stream.codec_context
    frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = _RATE_HZ, 0, Fraction(1, _RATE_HZ)
    blocks = av.AudioResampler(
        format=context.format.name, layout="mono", rate=_RATE_HZ, frame_size=context.frame_size or 1024
    )
    packets = [packet for part in (frame, None) for block in blocks.resample(part) for packet in stream.encode(block)]
    return packets + stream.encode(None)


def store_audio_later(source: Path, target: Path, apart_s: float) -> Path:
    """Moves the audio packets of a transport stream so much later in the file, without changing their time stamps."""
    data = source.read_bytes()
    packets = [data[i : i + 188] for i in range(0, len(data), 188)]
    with av.open(str(source)) as container:
        audio_id = container.streams.audio[0].id
    place = [
        i / len(packets) * SECONDS + (apart_s if ((packet[1] & 31) << 8 | packet[2]) == audio_id else 0)
        for i, packet in enumerate(packets)
    ]
    order = sorted(range(len(packets)), key=lambda i: (place[i], i))
    target.write_bytes(b"".join(packets[i] for i in order))
    return target


def flashes_and_beeps(path: Path) -> tuple[list[float], list[float], Damage]:
    """Where the picture turns white and the sound sets in, in seconds, and what was lost while decoding."""
    with Media.open(path) as media:
        track, sound, flashes, lit = Track(media.audio_rate_hz, media.damage), [], [], False
        for item in media.decode(video=True, audio=True):
            if isinstance(item, VideoFrame):
                was_lit, lit = lit, item.frame.to_ndarray(format="gray").mean() > 128
                flashes += [float(item.start)] if lit and not was_lit else []
            else:
                sound += list(track.place(item))
        sound += list(track.finish())
        loud = np.flatnonzero(np.abs(downmix(sound)) > 0.15)
        onsets = loud[np.diff(loud, prepend=-media.audio_rate_hz) > 0.3 * media.audio_rate_hz]
        return flashes, (onsets / media.audio_rate_hz).tolist(), media.damage
