"""openSMILE's feature sets against opensmile-python itself: bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import opensmile
import pytest

from avcues.extractors import registry
from avcues.extractors.opensmile_stream import to_int16
from avcues.pipeline.extraction.track import Track
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.downmix import downmix
from avcues.pipeline.media.frames import AudioBlock
from avcues.pipeline.runtime.api import extract

# The plain way to get windows out of an installed feature set, without our buffers and our streaming.
WINDOWS = r"""
frameMode = fixed
frameSize = \cm[winSec{0.5}:s]
frameStep = \cm[winSec]
frameCenterSpecial = left
"""
REFERENCES = {  # feature: openSMILE's set, its configuration, our configuration, options
    "emobase": (
        opensmile.FeatureSet.emobase,
        "emobase/emobase.conf",
        r"\{\cm[set{?}:path]}" + "\n[functL1:cFunctionals]" + WINDOWS,
    ),
    "egemaps": (opensmile.FeatureSet.eGeMAPSv02, "egemaps/v02/eGeMAPSv02.conf", r"\{\cm[set{?}:path]}"),
    "compare_2016": (opensmile.FeatureSet.ComParE_2016, "compare/ComParE_2016.conf", r"\{\cm[set{?}:path]}"),
}


@pytest.fixture(scope="module")
def sound(media) -> np.ndarray:
    """The test video's track as float, padded as the last window needs it."""
    with Media.open(media("real60.mp4")) as opened:
        track = Track(opened.audio_rate_hz, opened.damage)
        blocks = [
            b for s in opened.decode(video=False, audio=True) if isinstance(s, AudioBlock) for b in track.place(s)
        ]
        samples = to_int16(downmix([*blocks, *track.finish()]))
    padded = np.zeros(round((60 + 0.06) * 48000), np.float32)
    padded[: len(samples)] = samples / np.float32(32768)
    return padded


@pytest.fixture(scope="module")
def tables(media) -> dict:
    options = {"emobase": {"pitch_rate_hz": "track"}}  # for pitch at 16 kHz, see test_emobase_pitch.py
    return dict(extract(media("real60.mp4"), features=list(REFERENCES), options=options))


@pytest.mark.parametrize("feature", REFERENCES)
def test_names_and_order_are_opensmiles(feature: str) -> None:
    smile = opensmile.Smile(REFERENCES[feature][0], opensmile.FeatureLevel.Functionals)
    assert [column.name for column in registry.create(feature).tables[0].columns] == smile.feature_names


@pytest.mark.parametrize("feature", REFERENCES)
def test_values_equal_one_pass_of_opensmile_bit_for_bit(feature: str, sound, tables, tmp_path: Path) -> None:
    _, installed, text = REFERENCES[feature]
    conf, windows = tmp_path / "reference.conf", tmp_path / "windows.conf"
    conf.write_text(text)
    windows.write_text(WINDOWS)
    options = {"set": str(Path(opensmile.__file__).parent / "core" / "config" / installed)}
    if feature != "emobase":
        options["frameModeFunctionalsConf"] = str(windows)
    smile = opensmile.Smile(str(conf), "func", options=options)
    reference = smile.process_signal(sound, 48000).to_numpy()
    names = tables[feature].column_names[4:]
    assert reference.shape == (120, len(names))
    assert names == list(smile.column_names)
    computed = np.stack([tables[feature][name].to_numpy() for name in names], axis=1)
    np.testing.assert_array_equal(computed, reference)


def test_intensity_and_loudness_are_of_the_first_two_samples_of_a_frame() -> None:
    """What the meaning of these columns says, of openSMILE itself."""
    sound = np.random.default_rng(0).normal(0, 0.1, 48000).astype(np.float32)
    smile = opensmile.Smile(opensmile.FeatureSet.emobase, opensmile.FeatureLevel.LowLevelDescriptors)
    reference = smile.process_signal(sound, 48000)
    window, starts = np.hamming(1200), np.arange(0, 48000 - 1200, 480)
    intensity = (window[0] * sound[starts] ** 2 + window[1] * sound[starts + 1] ** 2) / window.sum()
    for name, of_frames in (("intensity", intensity), ("loudness", (intensity / 1e-6) ** 0.3)):
        smoothed = np.convolve(of_frames, np.ones(3) / 3, "valid")
        np.testing.assert_allclose(reference[f"pcm_{name}_sma"].to_numpy()[1:90], smoothed[:89], rtol=2e-3)
