"""Speech whose every word has a known time, by espeak-ng, alone or over music."""

from __future__ import annotations

import ctypes
import ctypes.util
from dataclasses import dataclass
from functools import cache
from itertools import count

import numpy as np
import pytest
import soxr
from clips import RATE_HZ

_ESPEAK_HZ = 22050
_RETRIEVAL, _RATE, _UTF8 = 1, 1, 1
_LAST, _WORD = 0, 1


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True)
class Spoken:
    """Mono sound at RATE_HZ, and its words with their starts and ends in seconds."""

    samples: np.ndarray
    words: tuple[tuple[str, float, float], ...]


@cache
def _library() -> ctypes.CDLL:
    name = ctypes.util.find_library("espeak-ng")
    if name is None:
        pytest.skip("espeak-ng is not installed on this machine")
    library = ctypes.CDLL(name)
    assert library.espeak_Initialize(_RETRIEVAL, 200, None, 0) == _ESPEAK_HZ
    library.espeak_SetVoiceByName(b"en-us")
    return library


@cache
def speak(text: str, words_per_minute: int = 160) -> Spoken:
    """A text spoken at a speed."""
    library = _library()
    pieces: list[np.ndarray] = []
    events: list[tuple[int, int, int]] = []

    def take(samples: object, length: int, of_piece: object) -> int:
        if samples and length:
            pieces.append(np.ctypeslib.as_array(samples, (length,)).copy())
        for number in count():
            event = of_piece[number]
            if event.type == _LAST:
                break
            events.append((event.type, event.text_position, event.sample))
        return 0

    callback = _Callback(take)
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetParameter(_RATE, words_per_minute, 0)
    content = text.encode()
    library.espeak_Synth(content, len(content) + 1, 0, 1, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    samples = soxr.resample(np.concatenate(pieces).astype(np.float32) / 32768, _ESPEAK_HZ, RATE_HZ)
    starts = [(position, sample) for kind, position, sample in events if kind == _WORD]
    ends = [sample for _, sample in starts[1:]] + [sum(map(len, pieces))]
    words = tuple(
        (text[position - 1 :].split()[0].strip(".,?!"), sample / _ESPEAK_HZ, end / _ESPEAK_HZ)
        for (position, sample), end in zip(starts, ends, strict=True)
    )
    return Spoken(samples.astype(np.float32), words)


def music(seconds: float) -> np.ndarray:
    """Four chords that change every second, with a beat: mono at RATE_HZ, 0.1 root mean square."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    chords = ((220, 277.2, 329.6), (174.6, 220, 261.6), (261.6, 329.6, 392), (196, 246.9, 293.7))
    bar = (time.astype(int) % 4)[None]
    tones = sum(np.sin(2 * np.pi * k * np.array(chords)[bar[0], i] * time) / k for i in range(3) for k in (1, 2, 3))
    beat = np.random.default_rng(0).normal(0, 1, len(time)) * np.exp(-30 * (time % 0.5))
    sound = tones * np.exp(-1.5 * (time % 1)) + beat
    return (0.1 * sound / np.sqrt(np.mean(sound**2))).astype(np.float32)


def over(speech: np.ndarray, background: np.ndarray, ratio_db: float) -> np.ndarray:
    """Speech with a background whose energy lies this far below the speech's."""
    level = np.sqrt(np.mean(speech**2) / np.mean(background**2)) * 10 ** (-ratio_db / 20)
    return speech + background[: len(speech)] * level
