"""rhythm, computed in blocks, against librosa on the whole track at once."""

from __future__ import annotations

from fractions import Fraction

import librosa
import numpy as np
import pytest
import soxr

from avcues.extractors.rhythm import (
    CONTRAST_FLOOR,
    CONTRAST_TOP_HZ,
    FRAMES_PER_SECOND,
    HOP_LENGTH,
    N_FFT,
    RATE_HZ,
    SILENCE_RMS,
    Rhythm,
)
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.downmix import downmix
from avcues.pipeline.media.frames import AudioBlock

TIMING = {"sr": RATE_HZ, "hop_length": HOP_LENGTH}


@pytest.fixture(scope="module")
def track(media) -> np.ndarray:
    with Media.open(media("real60.mp4")) as opened:
        blocks = [s.channels for s in opened.decode(video=False, audio=True) if isinstance(s, AudioBlock)]
    return soxr.resample(downmix(blocks), 48000, RATE_HZ)[: 60 * RATE_HZ]


@pytest.fixture(scope="module")
def ours(track: np.ndarray) -> dict[str, np.ndarray]:
    rhythm = Rhythm()
    stream = rhythm.start_audio(RATE_HZ, Fraction(1, 2), 120)
    for start in range(0, len(track), 5000):
        stream.write(track[start : start + 5000])
    return dict(stream.finish(120)["rhythm"])


def windows(frames: np.ndarray) -> np.ndarray:
    return frames[..., :3000].reshape(*frames.shape[:-1], 120, 25)


def test_frame_features_equal_librosas(track: np.ndarray, ours: dict[str, np.ndarray]) -> None:
    spectrum = np.abs(librosa.stft(track, n_fft=N_FFT, hop_length=HOP_LENGTH))
    feature = librosa.feature
    frequencies = librosa.fft_frequencies(sr=RATE_HZ, n_fft=N_FFT)
    below = frequencies <= CONTRAST_TOP_HZ
    audible = np.maximum(spectrum[below], CONTRAST_FLOOR)
    contrast = feature.spectral_contrast(S=audible, sr=RATE_HZ, freq=frequencies[below])
    chroma = feature.chroma_stft(S=spectrum**2, sr=RATE_HZ, n_fft=N_FFT, tuning=0.0)
    references = {
        "rms_mean": feature.rms(y=track, frame_length=N_FFT, hop_length=HOP_LENGTH)[0],
        "centroid_mean": feature.spectral_centroid(S=spectrum, sr=RATE_HZ)[0],
        "rolloff_mean": feature.spectral_rolloff(S=spectrum, sr=RATE_HZ)[0],
        "flatness_mean": feature.spectral_flatness(S=spectrum)[0],
        **{f"chroma_{i:02d}": row for i, row in enumerate(chroma)},
        **{f"tonnetz_{i}": row for i, row in enumerate(feature.tonnetz(chroma=chroma, sr=RATE_HZ))},
        **{f"contrast_{i}": row for i, row in enumerate(contrast)},
    }
    silent = references["rms_mean"] < SILENCE_RMS
    assert 0 < silent.mean() < 0.2
    for name, frames in references.items():
        if name != "rms_mean" and not name.startswith("contrast"):
            frames = np.where(silent, np.nan, frames)
        np.testing.assert_allclose(ours[name], np.nanmean(windows(frames), axis=-1), rtol=2e-4, atol=1e-5, err_msg=name)


def test_onsets_tempo_and_beats_equal_librosas(track: np.ndarray, ours: dict[str, np.ndarray]) -> None:
    mel = librosa.feature.melspectrogram(y=track, n_fft=N_FFT, **TIMING)
    envelope = librosa.onset.onset_strength(S=librosa.power_to_db(mel, top_db=None), **TIMING)[:3000]
    np.testing.assert_allclose(ours["onset_strength_mean"], windows(envelope).mean(axis=-1), rtol=1e-4, atol=1e-4)
    onsets = librosa.onset.onset_detect(onset_envelope=envelope, **TIMING)
    assert ours["onset_count"].tolist() == np.bincount(onsets // 25, minlength=120).tolist()
    tempo = librosa.feature.tempo(onset_envelope=envelope, aggregate=None, **TIMING)
    np.testing.assert_allclose(ours["tempo_bpm"], tempo[12:3000:25], rtol=1e-5)
    _, beats = librosa.beat.beat_track(onset_envelope=envelope, **TIMING)
    assert ours["beat_count"].tolist() == np.bincount(beats // 25, minlength=120).tolist()


def test_clicks_at_two_hertz_are_120_beats_a_minute() -> None:
    track = np.zeros(20 * RATE_HZ, np.float32)
    for beat in range(40):
        track[beat * RATE_HZ // 2 + 2000 :][:200] = 0.5
    stream = Rhythm().start_audio(RATE_HZ, Fraction(1, 2), 40)
    stream.write(track)
    columns = stream.finish(40)["rhythm"]
    np.testing.assert_allclose(columns["tempo_bpm"][8:-8], 120, rtol=0.02)
    assert columns["onset_count"][4:-4].tolist() == [1] * 32
    np.testing.assert_allclose(columns["pulse_clarity"][8:-8], 1, atol=0.01)


def measured(track: np.ndarray, rate_hz: int = RATE_HZ) -> dict[str, np.ndarray]:
    """The columns of 20 s of sound, without the 4 s at each end whose surroundings reach beyond the track."""
    if rate_hz != RATE_HZ:
        track = soxr.resample(track, rate_hz, RATE_HZ)
    stream = Rhythm().start_audio(RATE_HZ, Fraction(1, 2), 40)
    stream.write(track.astype(np.float32))
    return {name: values[8:-8] for name, values in stream.finish(40)["rhythm"].items()}


def clicks(bpm: float, jitter: float = 0) -> np.ndarray:
    """20 s of clicks, each displaced by normal noise with a standard deviation of `jitter` periods."""
    track, period = np.zeros(20 * RATE_HZ), 60 / bpm
    beats = np.arange(int(20 / period)) + 0.5
    for beat in beats + np.random.default_rng(0).normal(0, jitter, len(beats)):
        start = round(max(0, beat) * period * RATE_HZ)
        track[start : start + 200] = 0.5
    return track


def noise(rate_hz: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, 20 * rate_hz)


def test_the_clearest_pulse_is_the_most_regular_one() -> None:
    clarity = [measured(clicks(120, jitter))["pulse_clarity"].mean() for jitter in (0, 0.02, 0.05, 0.1, 0.2, 0.5)]
    assert clarity == sorted(clarity, reverse=True)
    assert clarity[0] > 0.99
    assert clarity[-1] < 0.25
    assert 0.1 < measured(noise(RATE_HZ))["pulse_clarity"].mean() < 0.25


@pytest.mark.parametrize("bpm", [40, 90, 180, 280])
def test_regular_pulses_of_any_tempo_are_equally_clear(bpm: float) -> None:
    np.testing.assert_allclose(measured(clicks(bpm))["pulse_clarity"], 1, atol=0.02)


@pytest.mark.parametrize("rate_hz", [48000, 44100, 32000])
def test_contrast_does_not_depend_on_the_rate_of_the_recording(rate_hz: int) -> None:
    for band in range(7):
        native = measured(noise(RATE_HZ))[f"contrast_{band}"].mean()
        assert measured(noise(rate_hz), rate_hz)[f"contrast_{band}"].mean() == pytest.approx(native, abs=0.5)


def test_contrast_of_a_band_that_a_codec_left_half_empty_is_that_of_its_16_bit_version() -> None:
    lowpass = librosa.istft(librosa.stft(noise(RATE_HZ)) * (librosa.fft_frequencies(sr=RATE_HZ) < 4800)[:, None])
    rounded = np.round(lowpass * 2**15) / 2**15
    computed = measured(lowpass)["contrast_5"] - measured(rounded)["contrast_5"]
    plain = [librosa.feature.spectral_contrast(y=y.astype(np.float32), sr=RATE_HZ)[5] for y in (lowpass, rounded)]
    assert np.abs(computed).max() < 1
    assert np.abs(plain[0] - plain[1]).mean() > 5


def test_silence_has_no_tempo() -> None:
    stream = Rhythm().start_audio(RATE_HZ, Fraction(1, 2), 20)
    stream.write(np.zeros(10 * RATE_HZ, np.float32))
    columns = stream.finish(20)["rhythm"]
    assert np.isnan(columns["tempo_bpm"]).all()
    assert columns["beat_count"].sum() == 0
    assert FRAMES_PER_SECOND == 50


def test_silence_has_no_spectral_shape_and_does_not_count_in_means() -> None:
    track = np.zeros(4 * RATE_HZ, np.float32)
    track[RATE_HZ * 5 // 4 : RATE_HZ * 11 // 4] = noise(RATE_HZ)[: RATE_HZ * 3 // 2]
    stream = Rhythm().start_audio(RATE_HZ, Fraction(1, 2), 8)
    stream.write(track)
    shape = stream.finish(8)["rhythm"]
    for name in ("centroid_mean", "centroid_std", "rolloff_mean", "flatness_mean", "chroma_00", "tonnetz_5"):
        assert np.isnan(shape[name][[0, 1, 6, 7]]).all(), name
        assert np.isfinite(shape[name][2:6]).all(), name
    # Half of the first window with sound is silent. The mean over all of its frames would be half as high.
    assert shape["centroid_mean"][2] == pytest.approx(shape["centroid_mean"][3], rel=0.05)
    assert not shape["contrast_3"][[0, 7]].any()


def test_flatness_of_white_noise_is_what_its_description_says() -> None:
    assert measured(noise(RATE_HZ))["flatness_mean"].mean() == pytest.approx(0.56, abs=0.01)
    for rate_hz in (44100, 48000):
        assert measured(noise(rate_hz), rate_hz)["flatness_mean"].mean() == pytest.approx(0.4, abs=0.03)
