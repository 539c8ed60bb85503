"""Files that were joined byte by byte are read to their end, on one clock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ffmpeg import ffmpeg, pattern, tone
from heard import decoded

CODECS = {
    "mp4": ("-c:v", "mpeg4", "-c:a", "aac"),
    "mov": ("-c:v", "mpeg4", "-c:a", "pcm_s16le"),
    "flv": (),
    "wmv": (),
    "webm": ("-c:v", "libvpx", "-c:a", "libvorbis", "-deadline", "realtime"),
    "mkv": ("-c:v", "mpeg4", "-c:a", "flac"),
    "ogv": ("-c:v", "libtheora", "-c:a", "libvorbis"),
    "avi": ("-c:v", "mpeg4", "-c:a", "pcm_s16le"),
    "ts": ("-c:v", "mpeg2video", "-c:a", "mp2"),
    "wav": (),
    "flac": (),
}
SOUND_ALONE = ("wav", "flac")


def joined(folder: Path, suffix: str) -> Path:
    """Two seconds of 440 Hz and two of 880 Hz, each with a picture where the container has room for one."""
    pieces = []
    for i, hz in enumerate((440, 880)):
        picture = () if suffix in SOUND_ALONE else pattern(seconds=2)
        pieces.append(ffmpeg(*picture, *tone(hz, 2), *CODECS[suffix], out=folder / f"{i}.{suffix}").read_bytes())
    path = folder / f"joined.{suffix}"
    path.write_bytes(b"".join(pieces))
    return path


@pytest.mark.parametrize("suffix", CODECS)
def test_joined_files_are_read_to_the_end(tmp_path: Path, suffix: str) -> None:
    decoded_clip = decoded(joined(tmp_path, suffix))
    assert decoded_clip.seconds == pytest.approx(4, abs=0.1)
    assert decoded_clip.frequency(0.5, 1.5) == pytest.approx(440, abs=3)
    assert decoded_clip.frequency(2.5, 3.5) == pytest.approx(880, abs=3)
    if suffix not in SOUND_ALONE:
        assert len(decoded_clip.starts) == 100
        assert decoded_clip.end_s == pytest.approx(4, abs=0.1)
        np.testing.assert_allclose(np.diff(decoded_clip.starts)[5:45], 0.04, atol=0.002)
    if suffix not in ("avi", "ts"):  # their own readers go on
        assert "a second file is appended to this one, and was read" in decoded_clip.media.notes


def test_a_second_file_that_cannot_be_read_is_counted_in_bytes(tmp_path: Path) -> None:
    path = ffmpeg(*tone(440, 2), out=tmp_path / "clip.wav")
    path.write_bytes(path.read_bytes() + b"RIFF" + b"\x01" * 5000)
    decoded_clip = decoded(path)
    assert decoded_clip.seconds == 2
    assert decoded_clip.damage == {"bytes_not_read": 5004}


def test_a_whole_file_has_nothing_after_its_end(tmp_path: Path) -> None:
    decoded_clip = decoded(ffmpeg(*pattern(seconds=2), *tone(440, 2), *CODECS["mp4"], out=tmp_path / "clip.mp4"))
    assert (decoded_clip.damage, decoded_clip.media.notes) == ({}, [])
