"""Time stamps as containers really have them: flash and beep stay together, whatever the container and its clock do."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from flash_and_beep import EVENTS_S, SECONDS, flash_and_beep, flashes_and_beeps, store_audio_later

from pipeline.media.container import Media
from pipeline.media.frames import VideoFrame

TOLERANCE_S = 0.020


def check(path: Path, *, pieces: int = 1, restarts: int = 0) -> None:
    """Every flash and every beep of a file is where it belongs, and each flash with its beep."""
    expected = [piece * SECONDS + event for piece in range(pieces) for event in EVENTS_S]
    flashes, beeps, damage = flashes_and_beeps(path)
    assert len(flashes) == len(beeps) == len(expected)
    np.testing.assert_allclose(beeps, flashes, atol=TOLERANCE_S)
    np.testing.assert_allclose(flashes, expected, atol=0.041)
    assert damage.clock_restarts == restarts


@pytest.mark.parametrize(
    ("suffix", "video", "audio"),
    [
        ("mp4", "libx264", "aac"),
        ("mov", "libx264", "pcm_s16le"),
        ("mkv", "libx264", "flac"),
        ("ts", "libx264", "aac"),
        ("ts", "mpeg2video", "mp2"),
        ("m2ts", "libx264", "ac3"),
        ("flv", "libx264", "aac"),
        ("avi", "mpeg4", "mp3"),
        ("webm", "libvpx", "libopus"),
        ("ogv", "libvpx", "libopus"),
        ("ogg", "libvpx", "flac"),
        ("mpg", "mpeg2video", "mp2"),
        ("vob", "mpeg2video", "ac3"),
        ("nut", "mpeg4", "mp3"),
        ("3gp", "mpeg4", "aac"),
        ("mxf", "mpeg2video", "pcm_s16le"),
    ],
)
def test_flash_and_beep_meet_in_every_container(suffix: str, video: str, audio: str, tmp_path: Path) -> None:
    check(flash_and_beep(tmp_path / f"clip.{suffix}", video, audio))


@pytest.fixture(scope="module")
def broadcast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return flash_and_beep(tmp_path_factory.mktemp("broadcast") / "clip.ts", "libx264", "aac")


@pytest.mark.parametrize("apart_s", [0, 0.3, 0.7, 1.5, 3])
def test_how_far_apart_streams_lie_in_the_file_tells_nothing(apart_s: float, broadcast: Path, tmp_path: Path) -> None:
    check(store_audio_later(broadcast, tmp_path / "late.ts", apart_s))


@pytest.mark.parametrize("apart_s", [0, 0.7, 1.5])
def test_a_clock_that_restarts_is_bridged_and_its_streams_stay_together(
    apart_s: float, broadcast: Path, tmp_path: Path
) -> None:
    piece = store_audio_later(broadcast, tmp_path / "piece.ts", apart_s).read_bytes()
    (tmp_path / "joined.ts").write_bytes(piece * 3)
    check(tmp_path / "joined.ts", pieces=3, restarts=2)


@pytest.mark.parametrize("wrap_after_s", [1, 3])
def test_a_stamp_of_33_bits_that_wraps_is_no_restart(wrap_after_s: int, broadcast: Path, tmp_path: Path) -> None:
    ahead = (1 << 33) - wrap_after_s * 90_000
    wrapped = tmp_path / "wrapped.ts"
    with (
        av.open(str(broadcast)) as source,
        av.open(str(wrapped), "w", format="mpegts", options={"mpegts_copyts": "1"}) as target,
    ):
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.dts, packet.pts = packet.dts + ahead, packet.pts + ahead
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    check(wrapped)


def test_sparse_audio_is_no_restart(tmp_path: Path) -> None:
    """A beep every two seconds, nothing stored in between."""
    check(flash_and_beep(tmp_path / "sparse.ts", "mpeg2video", "mp2", sparse=True))


def test_a_remuxed_recording_keeps_its_time(media: Callable[[str], Path], tmp_path: Path) -> None:
    """H.264 and AAC of an MP4 file, moved into a transport stream without coding them again."""
    remuxed = tmp_path / "b.ts"
    with av.open(str(media("real60.mp4"))) as source, av.open(str(remuxed), "w", format="mpegts") as target:
        video, audio = source.streams.video[0], source.streams.audio[0]
        to_video, to_audio = (target.add_stream_from_template(stream) for stream in (video, audio))
        annex_b = av.bitstream.BitStreamFilterContext("h264_mp4toannexb", video, to_video)
        for packet in source.demux(video, audio):
            if packet.dts is None or packet.dts * packet.time_base > 8:
                continue
            for filtered in annex_b.filter(packet) if packet.stream is video else [packet]:
                filtered.stream = to_video if packet.stream is video else to_audio
                target.mux(filtered)
    first: dict[type, Fraction] = {}
    with Media.open(remuxed) as opened:
        for item in opened.decode(video=True, audio=True):
            assert item.start is not None
            first.setdefault(type(item), item.start)
        assert opened.damage.clock_restarts == 0
    assert first[VideoFrame] == 0
    assert abs(next(start for kind, start in first.items() if kind is not VideoFrame)) < Fraction(1, 20)
