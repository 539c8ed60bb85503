"""The sound of the sound check."""

from __future__ import annotations

import io
import wave
from functools import cache

import numpy as np

_RATE_HZ = 44_100
_TONE_S, _PAUSE_S, _FADE_S = 0.25, 0.45, 0.02
_LEVEL = 0.3


@cache
def tones_wav(count: int) -> bytes:
    """A WAV file with `count` tones of different pitches, one after the other."""
    time = np.arange(round(_TONE_S * _RATE_HZ)) / _RATE_HZ
    fade = np.clip(np.minimum(time, _TONE_S - time) / _FADE_S, 0, 1)
    pause = np.zeros(round(_PAUSE_S * _RATE_HZ))
    parts = [pause]
    for i in range(count):
        parts += [_LEVEL * fade * np.sin(2 * np.pi * (440 + 110 * (i % 3)) * time), pause]
    samples = np.round(np.concatenate(parts) * 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(_RATE_HZ)
        out.writeframes(samples.tobytes())
    return file.getvalue()
