"""Conversion to the samples that openSMILE takes, rates that it cannot take, and where its configurations lie."""

from __future__ import annotations

import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from avcues.errors import AvcuesError
from avcues.extractors import opensmile_stream, registry
from avcues.extractors.egemaps import Egemaps
from avcues.extractors.emobase import Emobase, EmobaseSettings
from avcues.extractors.opensmile_stream import OpenSmileExtractor, to_int16

SETS = ("emobase", "egemaps", "compare_2016")


def make(name: str) -> OpenSmileExtractor:
    extractor = registry.create(name)
    assert isinstance(extractor, OpenSmileExtractor)
    return extractor


def test_full_scale_is_clipped_not_wrapped() -> None:
    samples = np.array([-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, -2.0], np.float32)
    assert to_int16(samples).tolist() == [-32768, -16384, 0, 16384, 32767, 32767, -32768]


@pytest.mark.parametrize("rate_hz", [22050, 11025, 4000])
def test_rates_whose_hop_is_no_whole_number_of_samples_are_refused(rate_hz: int) -> None:
    with pytest.raises(AvcuesError, match="use `audio_rate=48000`"):
        Emobase(EmobaseSettings(rate_hz=rate_hz))


def test_native_rate_is_taken_from_the_track() -> None:
    assert Emobase(EmobaseSettings(rate_hz="native")).rate_hz is None


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("rate_hz", [8000, 44100])
def test_every_window_of_silence_and_of_any_rate_has_finite_values(name: str, rate_hz: int) -> None:
    extractor = make(name)
    stream = extractor.start_audio(rate_hz, Fraction(1, 2), 3)
    stream.write(np.zeros(rate_hz + 7, np.float32))
    columns = stream.finish(3)[name]
    assert list(columns) == [column.name for column in extractor.tables[0].columns]
    assert all(len(values) == 3 and np.isfinite(values).all() for values in columns.values())


@pytest.mark.parametrize("name", SETS)
def test_installed_under_a_path_that_is_not_ascii(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, 24000).astype(np.float32)

    def measure() -> list[float]:
        stream = make(name).start_audio(48000, Fraction(1, 2), 1)
        stream.write(sound)
        return [float(values[0]) for values in stream.finish(1)[name].values()]

    expected = measure()
    here = tmp_path / "Müsik"
    shutil.copytree(Path(opensmile_stream.__file__).with_name("opensmile_conf"), here / "opensmile_conf")
    monkeypatch.setattr(opensmile_stream, "__file__", str(here / "opensmile_stream.py"))
    assert measure() == expected


def test_sound_pressure_level_is_that_of_the_mean_square() -> None:
    sine = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48000) / 48000).astype(np.float32)
    stream = Egemaps().start_audio(48000, Fraction(1, 2), 2)
    stream.write(sine)
    level = stream.finish(2)["egemaps"]["equivalentSoundLevel_dBp"]
    np.testing.assert_allclose(level, 10 * np.log10(0.125), atol=0.3)


_INTERRUPTED = """
import os, signal, threading
from fractions import Fraction
import numpy as np
from avcues.extractors.compare_2016 import Compare2016

stream = Compare2016().start_audio(48000, Fraction(1, 2), 20)
stream.write(np.zeros(48000 * 8, np.float32))
threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    stream.finish(18)
except KeyboardInterrupt:
    stream.abort()
    print("interrupted")
"""


def test_an_interrupt_while_opensmile_works_frees_nothing_that_it_uses() -> None:
    """Which would end the process by SIGSEGV or SIGABRT; what is left of eight seconds takes a quarter of a second."""
    done = subprocess.run([sys.executable, "-c", _INTERRUPTED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr
