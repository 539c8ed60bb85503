"""Time stamps as containers really have them: flash and beep stay together, whatever the container and its clock do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from clips import extract
from flash_and_beep import EVENTS_S, SECONDS, flash_and_beep, flashes_and_beeps, store_audio_later

from avcues.pipeline.media.container import Media
from avcues.pipeline.media.frames import AudioBlock, Damage, FrameStatistics, VideoFrame
from avcues.pipeline.media.timestamps import MonotonicFrameFilter, TimestampUnwrapper

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
    first_pts = (1 << 33) - wrap_after_s * 90_000
    wrapped = tmp_path / "wrapped.ts"
    with (
        av.open(str(broadcast)) as source,
        av.open(str(wrapped), "w", format="mpegts", options={"mpegts_copyts": "1"}) as target,
    ):
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.dts, packet.pts = packet.dts + first_pts, packet.pts + first_pts
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    check(wrapped)


def test_one_stamp_that_is_far_ahead_is_no_gap() -> None:
    unwrapper, shifted = TimestampUnwrapper(), []
    for second in (0, 1, 2, 2000, 4, 5):
        packet = SimpleNamespace(dts=second, pts=second, duration=1, time_base=Fraction(1), stream_index=0)
        assert not unwrapper.shift(packet)
        shifted.append(packet.dts)
    assert shifted == [0, 1, 2, 2000, 4, 5]
    assert unwrapper.gaps == 0


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


def late_picture(path: Path, video_codec: str, audio_codec: str, size: tuple[int, int] = (64, 48)) -> Path:
    """A file of 4 s of picture from 10 s on, and of 14 s of sound from 0 s on that is stored after it."""
    with av.open(str(path), "w", options={"max_interleave_delta": "1"}) as container:
        video = container.add_stream(video_codec, rate=25)
        (video.width, video.height), video.pix_fmt = size, "yuv420p"
        audio = container.add_stream(audio_codec, rate=48000, layout="mono")
        packets = []
        for i in range(100):
            frame = av.VideoFrame.from_ndarray(np.zeros((*size[::-1], 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = 250 + i, Fraction(1, 25)
            packets += video.encode(frame.reformat(format="yuv420p"))
        packets += video.encode(None)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 14 * 48000), np.int16), format="s16", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = 48000, 0, Fraction(1, 48000)
        resampler = av.AudioResampler(
            format=audio.codec_context.format.name,
            layout="mono",
            rate=48000,
            frame_size=audio.codec_context.frame_size or 1024,
        )
        blocks = [block for part in (sound, None) for block in resampler.resample(part)]
        packets += [packet for block in (*blocks, None) for packet in audio.encode(block)]
        for packet in packets:
            container.mux(packet)
    return path


def first_starts(path: Path) -> tuple[dict[type, Fraction], Damage]:
    first: dict[type, Fraction] = {}
    with Media.open(path) as media:
        for item in media.decode(video=True, audio=True):
            assert item.start is not None
            first.setdefault(type(item), item.start)
        return first, media.damage


def test_sound_that_begins_before_the_wrap_of_the_clock_leads_the_picture(tmp_path: Path) -> None:
    """The encoder's delay puts the first stamp of the sound below zero, which 33 bits store as 26.5 hours."""
    first, damage = first_starts(late_picture(tmp_path / "clip.ts", "mpeg2video", "mp2"))
    assert not damage
    assert 0 <= first[AudioBlock] < Fraction(1, 20)
    assert abs(first[VideoFrame] - 10) < Fraction(1, 20)


def test_sound_before_the_start_that_headers_claim_is_counted(tmp_path: Path) -> None:
    """Behind 11 MB of picture, FFmpeg does not see when the sound begins before it has to decode."""
    first, damage = first_starts(late_picture(tmp_path / "clip.mkv", "rawvideo", "pcm_s16le", size=(320, 240)))
    assert first[VideoFrame] == 0
    assert first[AudioBlock] == -10
    assert damage.audio_blocks_before_start == pytest.approx(9.5 * 48000 / 1024, abs=2)
    assert damage.audio_blocks_before_start


def test_of_several_frames_with_one_time_stamp_the_last_is_shown(tmp_path: Path) -> None:
    first = next(iter(decoded_frames(flash_and_beep(tmp_path / "clip.mp4", "mpeg4", "aac"))))
    times = [Fraction(0), Fraction(1), Fraction(1), Fraction(1), Fraction(2), Fraction(2)]
    frames = [replace(first, pts=i, start=start) for i, start in enumerate(times)]
    in_order = MonotonicFrameFilter(damage := Damage(), statistics := FrameStatistics())
    passed = [frame for pushed in frames for frame in in_order.push(pushed)] + list(in_order.finish())
    assert [frame.pts for frame in passed] == [0, 3, 5]
    assert not damage
    assert (statistics.count, statistics.shortest_interval_s, statistics.longest_interval_s) == (3, 1, 1)


def decoded_frames(path: Path) -> list[VideoFrame]:
    with Media.open(path) as media:
        return [item for item in media.decode(video=True, audio=False) if isinstance(item, VideoFrame)]


def test_a_file_with_frames_of_one_time_stamp_shows_the_last(tmp_path: Path) -> None:
    """Matroska takes several frames at one time; here black, then white, from 1 s on."""
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for time_s, level in ((0, 0), (0.5, 0), (1, 0), (1, 255), (1.5, 0)):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), format="rgb24")
            for packet in stream.encode(frame.reformat(format="yuvj420p")):
                packet.pts = packet.dts = round(1000 * time_s)
                packet.duration, packet.time_base = 500, Fraction(1, 1000)
                container.mux(packet)
    extracted = extract(path, tmp_path, features=("color",))
    assert extracted.result.damage == {}
    assert np.round(extracted.column("color", "value_mean"), 2).tolist() == [0, 0, 1, 0]
