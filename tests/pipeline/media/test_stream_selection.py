"""The sound that is read belongs to the picture that is read, and nothing is left unread without a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ffmpeg import ffmpeg, pattern, tone
from heard import decoded

from avcues.errors import AvcuesError
from avcues.pipeline.media.reading import Reading


@pytest.fixture(scope="module")
def two_programmes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first programme has the larger picture and sounds 440 Hz, but its sound comes last in the file."""
    return ffmpeg(
        *(*pattern("320x240"), *pattern("160x120"), *tone(880), *tone(440)),
        *("-map", "0", "-map", "1", "-map", "2", "-map", "3", "-c:v", "mpeg2video", "-c:a", "mp2"),
        *("-program", "program_num=1:st=0:st=3", "-program", "program_num=2:st=1:st=2"),
        out=tmp_path_factory.mktemp("media") / "two.ts",
    )


def test_sound_belongs_to_the_programme_of_the_picture(two_programmes: Path) -> None:
    decoded_clip = decoded(two_programmes)
    assert decoded_clip.media.metadata.video is not None and decoded_clip.media.metadata.video.width == 320
    assert decoded_clip.frequency(0.5, 2.5) == pytest.approx(440, abs=2)
    (note,) = decoded_clip.media.notes
    assert note.startswith("not read: ") and "(video)" in note and "(audio)" in note


def test_the_other_programme_is_read_by_its_number(two_programmes: Path) -> None:
    with_small_picture = next(number for number in range(4) if number != 0 and _is_video(two_programmes, number))
    decoded_clip = decoded(two_programmes, video_stream=with_small_picture)
    assert decoded_clip.media.metadata.video is not None and decoded_clip.media.metadata.video.width == 160
    assert decoded_clip.frequency(0.5, 2.5) == pytest.approx(880, abs=2)


def _is_video(path: Path, number: int) -> bool:
    try:
        return bool(decoded(path, video_stream=number).starts)
    except AvcuesError:
        return False


@pytest.fixture(scope="module")
def two_languages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    languages = ("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=fra")
    return ffmpeg(
        *(*pattern(), *tone(440), *tone(880), "-map", "0", "-map", "1", "-map", "2", "-c:v", "mpeg4", *languages),
        out=tmp_path_factory.mktemp("media") / "two.mkv",
    )


@pytest.mark.parametrize(("requested", "hz"), [(None, 440), ("fra", 880), ("FRA", 880), ("eng", 440), ("2", 880)])
def test_a_track_is_chosen_by_number_or_language(two_languages: Path, requested: str | None, hz: int) -> None:
    decoded_clip = decoded(two_languages, audio_stream=requested)
    assert decoded_clip.frequency(0.5, 2.5) == pytest.approx(hz, abs=2)
    assert decoded_clip.media.metadata.audio is not None
    assert (decoded_clip.media.metadata.audio.streams, decoded_clip.media.metadata.audio.language) == (
        ((1,), "eng") if hz == 440 else ((2,), "fra")
    )


def test_mix_is_the_mean_of_all_tracks(two_languages: Path) -> None:
    first, second = (
        decoded(two_languages, audio_stream="eng").samples,
        decoded(two_languages, audio_stream="fra").samples,
    )
    decoded_clip = decoded(two_languages, audio_stream="mix")
    np.testing.assert_allclose(decoded_clip.samples, (first + second) / 2, atol=1e-6)
    assert decoded_clip.media.metadata.audio is not None and decoded_clip.media.metadata.audio.streams == (1, 2)


@pytest.mark.parametrize("requested", ["deu", "0", "7"])
def test_a_track_that_is_not_there_is_named(two_languages: Path, requested: str) -> None:
    with pytest.raises(AvcuesError, match=rf"no audio stream {requested}; it has stream 1 \(audio, eng\), stream 2"):
        decoded(two_languages, audio_stream=requested)


@pytest.mark.parametrize("suffix", [".mov", ".mxf"])
def test_mono_tracks_are_channels(tmp_path: Path, suffix: str) -> None:
    silence = ("-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono:d=3")
    path = ffmpeg(
        *(*pattern("720x576"), *silence, *tone(440, rate=48000), "-map", "0", "-map", "1", "-map", "2"),
        *("-c:v", "mpeg2video", "-c:a", "pcm_s16le"),
        out=tmp_path / f"clip{suffix}",
    )
    decoded_clip = decoded(path)
    assert decoded_clip.frequency(0.5, 2.5) == pytest.approx(440, abs=2)
    assert np.abs(decoded_clip.samples).max() == pytest.approx(0.0625, rel=0.02)  # half of ffmpeg's sine of an eighth
    assert "2 audio streams are read as channels of one sound" in decoded_clip.media.notes


@pytest.mark.parametrize("size", ["320x240", "32x32"])
def test_a_programme_goes_on_under_other_numbers(tmp_path: Path, size: str) -> None:
    def piece(name: str, pid: int, hz: int, offset_s: float) -> Path:
        return ffmpeg(
            *(*pattern(size, 4), *tone(hz, 4), "-c:v", "mpeg2video", "-b:v", "4M", "-c:a", "mp2", "-b:a", "64k"),
            *("-mpegts_start_pid", str(pid), "-output_ts_offset", str(offset_s), "-mpegts_service_id", "7"),
            out=tmp_path / name,
        )

    first, second = piece("a.ts", 0x100, 440, 0), piece("b.ts", 0x200, 880, 4.04)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    decoded_clip = decoded(joined)
    np.testing.assert_allclose(decoded_clip.starts, np.arange(200) / 25, atol=1e-4)
    assert decoded_clip.media.notes == ["the programme continues under other stream numbers, which were read"]
    assert decoded_clip.frequency(1, 3) == pytest.approx(440, abs=2)
    assert decoded_clip.frequency(5, 7) == pytest.approx(880, abs=2)


@pytest.mark.parametrize(
    "wrong", [{"downmix": "loud"}, {"picture": "nice"}, {"bars": "cut"}, {"video_stream": -1}, {"audio_stream": "a b"}]
)
def test_choices_that_do_not_exist_are_refused(wrong: dict) -> None:
    with pytest.raises(AvcuesError, match=next(iter(wrong))):
        Reading(**wrong)
