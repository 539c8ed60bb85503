"""Sound at one rate, in time, and mixed as players do, whatever the file does."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import RATE_HZ, Clip, extract
from ffmpeg import ffmpeg, tone
from heard import Decoded, decoded

from avcues.pipeline.media import reading
from avcues.pipeline.media.reading import Reading


def flatness(measured: Decoded, start_s: float, end_s: float) -> float:
    """Geometric over arithmetic mean of the power spectrum: near 0 for a tone."""
    stretch = measured.samples[round(start_s * measured.rate_hz) : round(end_s * measured.rate_hz)]
    power = np.abs(np.fft.rfft(stretch * np.hanning(len(stretch)))) ** 2 + 1e-20
    return float(np.exp(np.log(power).mean()) / power.mean())


@pytest.mark.parametrize(
    ("suffix", "codec", "rates"),
    [
        (".mp3", "libmp3lame", (44100, 48000)),
        (".mp3", "libmp3lame", (48000, 32000)),
        (".aac", "aac", (24000, 48000)),
        (".aac", "aac", (48000, 44100)),
        (".ts", "mp2", (48000, 32000)),
        (".ts", "aac", (44100, 48000)),
        (".ts", "aac", (24000, 48000)),
        (".ts", "aac", (48000, 16000)),
    ],
)
def test_a_rate_that_changes_in_mid_stream(tmp_path: Path, suffix: str, codec: str, rates: tuple[int, int]) -> None:
    pieces = []
    for i, rate in enumerate(rates):
        offset = ("-output_ts_offset", str(3 * i)) if suffix == ".ts" else ()
        pieces.append(ffmpeg(*tone(440, 3, rate), "-c:a", codec, *offset, out=tmp_path / f"{i}{suffix}").read_bytes())
    path = tmp_path / f"clip{suffix}"
    path.write_bytes(b"".join(pieces))
    measured = decoded(path)
    assert measured.seconds == pytest.approx(6, abs=0.15)
    assert measured.frequency(0.5, 2.5) == pytest.approx(440, abs=1)
    assert measured.frequency(3.5, 5.5) == pytest.approx(440, abs=1)
    assert flatness(measured, 3.5, 5.5) < 10 * max(flatness(measured, 0.5, 2.5), 1e-7)


def surround(path: Path, layout: str, only: str) -> Path:
    """A tone in one channel of surround sound."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE_HZ, layout=layout)
        names = [channel.name for channel in av.AudioLayout(layout).channels]
        samples = np.zeros((len(names), RATE_HZ), np.int16)
        samples[names.index(only)] = 20000 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)
        frame = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1).copy(), format="s16", layout=layout)
        frame.sample_rate, frame.pts = RATE_HZ, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("layout", "only", "share"),
    [
        ("5.1", "FC", 0.7071 / 2.4142),
        ("5.1", "FL", 0.5 / 2.4142),
        ("5.1", "BR", 0.3536 / 2.4142),
        ("5.1(side)", "SL", 0.3536 / 2.4142),
        ("5.1", "LFE", 0.0),
        ("7.1", "FC", 0.7071 / 3.1213),
        ("7.1", "SL", 0.3536 / 3.1213),
        ("quad", "FL", 0.5 / 1.7071),
    ],
)
def test_surround_sound_is_mixed_by_the_standard(tmp_path: Path, layout: str, only: str, share: float) -> None:
    path = surround(tmp_path / "clip.wav", layout, only)
    level = 20000 / 32768
    assert np.abs(decoded(path).samples).max() == pytest.approx(level * share, abs=1e-4)
    mean = np.abs(decoded(path, downmix="mean").samples).max()
    assert mean == pytest.approx(level / len(av.AudioLayout(layout).channels), abs=1e-4)


@pytest.mark.parametrize("layout", ["5.1", "7.1"])
def test_the_standard_downmix_is_that_of_ffmpeg(tmp_path: Path, layout: str) -> None:
    """Its resampler mixes to stereo by the same table, and to integers normalised; mono is the mean of that."""
    names = [channel.name for channel in av.AudioLayout(layout).channels]
    inputs = "|".join(f"sin({300 + 100 * i}*2*PI*t)/3" for i in range(len(names)))
    source = ("-f", "lavfi", "-i", f"aevalsrc={inputs}:c={layout}:s=48000:d=1")
    path = ffmpeg(*source, "-c:a", "pcm_s16le", out=tmp_path / "clip.wav")
    stereo = ffmpeg("-i", str(path), "-ac", "2", out=tmp_path / "stereo.wav")
    np.testing.assert_allclose(decoded(path).samples, decoded(stereo).samples, atol=3 / 32768)


def test_a_layout_that_changes_in_mid_stream_is_said(tmp_path: Path) -> None:
    pieces = [
        ffmpeg(*tone(440, 1, 48000), "-ac", str(count), out=tmp_path / f"{count}.ac3").read_bytes() for count in (6, 2)
    ]
    (tmp_path / "clip.ac3").write_bytes(b"".join(pieces))
    note = "the layout of channels changes (5.1(side), stereo): the level of their mix may jump"
    assert note in decoded(tmp_path / "clip.ac3").media.notes
    assert not any("layout" in line for line in decoded(tmp_path / "2.ac3").media.notes)


def test_the_choice_of_a_downmix_is_recorded_and_changes_what_is_up_to_date(tmp_path: Path) -> None:
    path = surround(tmp_path / "clip.wav", "5.1", "FC")
    first = extract(path, tmp_path / "out", features=("emobase",))
    second = extract(path, tmp_path / "out", features=("emobase",))
    mean_mix = extract(path, tmp_path / "out", features=("emobase",), reading=Reading(downmix="mean"))
    assert "emobase" in first.result.computed
    assert "emobase" in second.result.reused
    assert "emobase" in mean_mix.result.computed


def test_tables_of_another_version_of_reading_sound_are_made_again(
    media: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = ("emobase", "color")
    extract(media("tiny4.mp4"), tmp_path, features=features)
    monkeypatch.setattr(reading, "SOUND_VERSION", reading.SOUND_VERSION + 1)
    second = extract(media("tiny4.mp4"), tmp_path, features=features)
    assert "emobase" in second.result.computed
    assert "color" in second.result.reused


CLICK_S = 1.5


def click_in(path: Path, *codec: str) -> Path:
    clicks = "aevalsrc='0.9*sin(2*PI*2000*t)*between(t,1.5,1.504)':s=44100:d=3"
    return ffmpeg("-f", "lavfi", "-i", clicks, *codec, out=path)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("clip.wma", ("-c:a", "wmav2")),
        ("clip.mp3", ("-c:a", "libmp3lame", "-write_xing", "0", "-id3v2_version", "0")),
        ("xing.mp3", ("-c:a", "libmp3lame")),
        ("clip.mp2", ("-c:a", "mp2")),
        ("clip.latm", ("-c:a", "aac")),
        ("clip.ac3", ("-c:a", "ac3")),
        ("clip.eac3", ("-c:a", "eac3")),
        ("clip.dts", ("-c:a", "dca", "-strict", "-2")),
        ("clip.spx", ("-c:a", "libspeex", "-ar", "16000")),
        ("clip.aac", ("-c:a", "aac")),
        ("clip.m4a", ("-c:a", "aac")),
        ("clip.opus", ("-c:a", "libopus")),
        ("clip.ogg", ("-c:a", "libvorbis")),
        ("clip.flac", ()),
    ],
)
def test_sound_alone_is_in_time(tmp_path: Path, name: str, codec: tuple[str, ...]) -> None:
    measured = decoded(click_in(tmp_path / name, *codec))
    envelope = np.abs(measured.samples)
    centre = (envelope**2 * np.arange(len(envelope))).sum() / (envelope**2).sum() / measured.rate_hz
    assert centre == pytest.approx(CLICK_S + 0.002, abs=0.004)
    states_delay = name in ("xing.mp3", "clip.m4a", "clip.opus", "clip.ogg", "clip.flac")
    assert any("adds before the content" in note for note in measured.media.notes) != states_delay


@pytest.mark.parametrize(
    ("name", "codec", "late_ms"),
    [
        ("clip.ts", "aac", 23),
        ("clip.mka", "libmp3lame", 25),
        ("clip.wav", "libmp3lame", 25),
        ("clip.ts", "mp2", 11),
        ("clip.mka", "ac3", 6),
        ("clip.ts", "libopus", 6),
        ("clip.flv", "nellymoser", 3),
    ],
)
def test_sound_alone_that_may_be_late_is_said(tmp_path: Path, name: str, codec: str, late_ms: int) -> None:
    measured = decoded(click_in(tmp_path / name, "-c:a", codec, *(("-ar", "48000") if codec == "libopus" else ())))
    energy = measured.samples.astype(float) ** 2
    centre = (energy * np.arange(len(energy))).sum() / energy.sum() / measured.rate_hz
    assert centre - CLICK_S - 0.002 == pytest.approx(late_ms / 1000, abs=0.004)
    (note,) = measured.media.notes
    assert note.startswith(f"sound may be late by {late_ms} ms")


def stereo(path: Path, left: np.ndarray, right: np.ndarray, rate: int = 48000) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=rate, layout="stereo")
        samples = np.round(np.stack([left, right], axis=1).reshape(1, -1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = rate, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def noise(seconds: float, rate: int = 48000) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * rate)).clip(-1, 1)


def test_what_moves_values_without_a_trace_is_said(tmp_path: Path) -> None:
    sound = noise(2)
    cases = {
        "antiphase": (stereo(tmp_path / "antiphase.wav", sound, -sound), "in antiphase: 100% of the sound cancels"),
        "offset": (stereo(tmp_path / "offset.wav", sound + 0.02, sound + 0.02), "constant offset of 0.020"),
        "low": (stereo(tmp_path / "low.wav", noise(2, 8000), noise(2, 8000), 8000), "nothing above 4 kHz"),
    }
    for path, expected in cases.values():
        (note,) = extract(path, tmp_path / "out", features=("emobase",)).result.notes
        assert expected in note
    plain = stereo(tmp_path / "plain.wav", sound, noise(2)[::-1])
    assert extract(plain, tmp_path / "out", features=("emobase",)).result.notes == ()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_one_picture_beside_sound_is_on_screen_as_long_as_the_sound(tmp_path: Path, suffix: str) -> None:
    clip = Clip([(Fraction(0), 200)], sounds=[(Fraction(0), noise(3))], audio_codec="aac")
    measured = extract(clip.write(tmp_path / f"clip{suffix}"), tmp_path, features=("color",))
    assert measured.column("timeline", "on_screen")[:6].all()
    np.testing.assert_allclose(measured.column("color", "value_mean")[:6], 200 / 255, atol=0.02)
