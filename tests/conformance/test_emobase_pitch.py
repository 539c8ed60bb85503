"""emobase's pitch against openSMILE at 16 kHz, and against sounds whose pitch is known."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from fractions import Fraction
from pathlib import Path

import librosa
import numpy as np
import opensmile
import pytest
import soxr

from avcues.extractors.emobase import COLUMN_NAMES, PITCH_COLUMNS, Emobase, EmobaseSettings
from avcues.extractors.opensmile_stream import to_int16

GLIDE_HZ = (120, 280)
TEXT = "We were away a year ago, when all the yellow roses were in bloom. Are you really going home now? " * 2
CONF = r"""
\{\cm[set{?}:path]}
[functL1:cFunctionals]
frameMode = fixed
frameSize = 0.5
frameStep = 0.5
frameCenterSpecial = left
"""


def measure(sound: np.ndarray, rate_hz: int, **options: int | str) -> dict[str, np.ndarray]:
    """emobase of sound in blocks of odd length, in whole windows."""
    windows = len(sound) * 2 // rate_hz
    stream = Emobase(EmobaseSettings(rate_hz=rate_hz, **options)).start_audio(rate_hz, Fraction(1, 2), windows)
    for start in range(0, len(sound), 7777):
        stream.write(sound[start : start + 7777].astype(np.float32))
    return dict(stream.finish(windows)["emobase"])


def plain_opensmile(sound: np.ndarray, rate_hz: int, folder: Path) -> dict[str, np.ndarray]:
    """opensmile-python in one pass."""
    conf = folder / "reference.conf"
    conf.write_text(CONF)
    installed = Path(opensmile.__file__).parent / "core" / "config" / "emobase" / "emobase.conf"
    smile = opensmile.Smile(str(conf), "func", options={"set": str(installed)})
    samples = to_int16(np.pad(sound, (0, round(0.06 * rate_hz))).astype(np.float32)) / np.float32(32768)
    return {name: values.to_numpy() for name, values in smile.process_signal(samples, rate_hz).items()}


def glide(rate_hz: int) -> tuple[np.ndarray, np.ndarray]:
    """15 s of ten harmonics, and the mean pitch of each window."""
    time = np.arange(15 * rate_hz) / rate_hz
    hz = np.interp(time, (0, 15), GLIDE_HZ)
    phase = 2 * np.pi * np.cumsum(hz) / rate_hz
    sound = sum(np.sin(k * phase) / k for k in range(1, 11))
    return 0.3 * sound / np.abs(sound).max(), hz.reshape(30, -1).mean(axis=1)


def within_5_percent(measured: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean(np.abs(measured / truth - 1) <= 0.05))


def test_there_are_76_columns_of_pitch() -> None:
    assert len(PITCH_COLUMNS) == 76
    assert {name.partition("_sma")[0] for name in PITCH_COLUMNS} == {"F0", "F0env"}


@pytest.mark.parametrize("rate_hz", [48000, 44100])
def test_pitch_equals_opensmile_at_16_khz_and_all_else_at_the_rate_of_the_track(rate_hz: int, tmp_path: Path) -> None:
    sound = glide(rate_hz)[0] + np.random.default_rng(0).normal(0, 0.01, 15 * rate_hz)
    sound[4 * rate_hz : 6 * rate_hz] = 0
    low = soxr.resample(sound.astype(np.float32), rate_hz, 16000, quality="HQ")
    at_track, at_16_khz = (plain_opensmile(x, hz, tmp_path) for x, hz in ((sound, rate_hz), (low, 16000)))
    computed, as_opensmile = measure(sound, rate_hz), measure(sound, rate_hz, pitch_rate_hz="track")
    assert tuple(computed) == COLUMN_NAMES
    for name in COLUMN_NAMES:
        reference = at_16_khz if name in PITCH_COLUMNS else at_track
        np.testing.assert_array_equal(computed[name], reference[name], err_msg=name)
        np.testing.assert_array_equal(as_opensmile[name], at_track[name], err_msg=name)


@pytest.mark.parametrize("rate_hz", [48000, 44100])
def test_a_glide_is_followed(rate_hz: int) -> None:
    sound, truth = glide(rate_hz)
    assert within_5_percent(measure(sound, rate_hz)["F0_sma_amean"], truth) >= 0.9
    # What the default is for: openSMILE's own pitch at the rates of music.
    assert within_5_percent(measure(sound, rate_hz, pitch_rate_hz="track")["F0_sma_amean"], truth) < 0.2


def test_pitch_of_speech_is_that_of_another_tracker() -> None:
    """In windows that are voiced throughout and whose pitch moves by less than a third, which the 40 ms show."""
    computed, tracked = [], []
    for voice in speech():
        voice = voice[: len(voice) // 24000 * 24000]
        columns = measure(voice, 48000)
        low = soxr.resample(voice, 48000, 16000)
        hz, _, _ = librosa.pyin(low, fmin=60, fmax=500, sr=16000, frame_length=1024, hop_length=160, center=True)
        windows = hz[: len(voice) // 480].reshape(-1, 50)
        for k, of_window in enumerate(windows):
            voiced = of_window[np.isfinite(of_window)]
            steady = len(voiced) > 25 and voiced.max() < 1.3 * voiced.min()
            if steady and columns["F0_sma_min"][k] > 0:
                computed.append(columns["F0_sma_quartile2"][k])
                tracked.append(np.median(voiced))
    assert len(computed) >= 10
    assert within_5_percent(np.array(computed), np.array(tracked)) >= 0.9


def speech() -> list[np.ndarray]:
    """Two voices of espeak-ng, or without it vowels with a known melody, at 48 kHz."""
    if shutil.which("espeak-ng"):
        voices = [("en+f3", "60"), ("en+f4", "80")]
        spoken = (
            subprocess.run(["espeak-ng", "-v", v, "-p", p, "--stdout", TEXT], check=True, capture_output=True).stdout
            for v, p in voices
        )
        return [_at_48_khz(file) for file in spoken]
    time = np.arange(12 * 48000) / 48000
    vowels = []
    for low in (160, 220):
        hz = low * (1.2 + 0.15 * np.sin(2 * np.pi * 0.4 * time))
        pulses = np.diff(np.floor(np.cumsum(hz) / 48000), prepend=0)
        for formant in (700, 1200, 2600):
            ring = np.exp(-np.arange(960) / 240) * np.cos(2 * np.pi * formant * np.arange(960) / 48000)
            pulses = pulses + 0.5 * np.convolve(pulses, ring)[: len(pulses)]
        vowels.append((0.3 * pulses / np.abs(pulses).max()).astype(np.float32))
    return vowels


def _at_48_khz(file: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(file)) as header:
        rate_hz = header.getframerate()
    samples = np.frombuffer(file[44:], np.int16).astype(np.float32) / 32768
    return soxr.resample(samples, rate_hz, 48000)
