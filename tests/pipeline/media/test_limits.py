"""Headers that claim absurd sizes or rates: one line, at once, before memory is allocated, and an option to go on."""

from __future__ import annotations

import resource
import struct
import time
import zlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import measurements
from command import avcues

from avcues.pipeline.errors import MediaError
from avcues.pipeline.extraction.video import measure_video, process_video
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.frames import AudioBlock
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store.video_input import VideoInput


def png_of_claimed_size(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, and whose data are those of very few lines."""
    body = zlib.compress(b"\0" * (1 + 3 * 64))
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def video_of_png(path: Path, width: int, height: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "rgb24"
        for i in range(2):
            packet = av.Packet(png_of_claimed_size(width, height))
            packet.pts = packet.dts = i
            packet.duration, packet.time_base, packet.stream = 1, Fraction(1), stream
            container.mux(packet)
    return path


def wav_of_claimed_rate(path: Path, rate_hz: int, channels: int = 1) -> Path:
    sound = b"\0\1" * channels * 20_000
    form = struct.pack("<HHIIHH", 1, channels, rate_hz, rate_hz * 2 * channels, 2 * channels, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(sound)) + sound
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def peak_of_opening(path: Path) -> int:
    """Bytes by which the process grew at most while a file was refused."""
    peak_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MediaError, match="trust_headers=True") as caught:
        Media.open(path)
    assert "\n" not in str(caught.value)
    return 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak_before)


@pytest.mark.parametrize(("width", "height"), [(16_384, 16_384), (60_000, 2_000)])
def test_an_oversized_picture_is_refused_before_it_is_allocated(width: int, height: int, tmp_path: Path) -> None:
    path = video_of_png(tmp_path / "bomb.mov", width, height)
    with pytest.raises(MediaError, match=rf"claims pictures of {width} x {height} pixels; expected at most 67,108,864"):
        Media.open(path)
    assert peak_of_opening(path) < width * height


def test_a_picture_that_ffmpeg_cannot_decode_does_not_ask_for_trust_again(tmp_path: Path) -> None:
    path = video_of_png(tmp_path / "bomb.mov", 16_384, 16_384)
    with pytest.raises(MediaError, match="FFmpeg cannot decode pictures of 16384 x 16384 pixels"):
        Media.open(path, trust_headers=True)


def test_a_picture_size_that_grows_in_mid_stream_is_damage_not_memory(tmp_path: Path) -> None:
    path = tmp_path / "grows.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "rgb24"
        image = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        (intact_packet,) = stream.encode(image)
        for i, content in enumerate((bytes(intact_packet), png_of_claimed_size(16_384, 16_384), bytes(intact_packet))):
            packet = av.Packet(content)
            packet.pts = packet.dts = i
            packet.duration, packet.time_base, packet.stream = 1, Fraction(1), stream
            container.mux(packet)
    with Media.open(path) as media:
        assert len(list(media.decode(video=True, audio=False))) == 2
        assert media.damage.video_packets_undecodable == 1


@pytest.mark.parametrize(
    ("rate_hz", "channels", "message"),
    [
        (1, 1, "claims 1 audio samples per second; expected 1,000 to 768,000"),
        (10, 1, "claims 10 audio samples per second"),
        (4_000_000, 1, "claims 4,000,000 audio samples per second"),
        (48_000, 200, "claims 200 audio channels; expected at most 64"),
    ],
)
def test_absurd_sound_fails_at_once_in_one_line(rate_hz: int, channels: int, message: str, tmp_path: Path) -> None:
    path = wav_of_claimed_rate(tmp_path / "odd.wav", rate_hz, channels)
    measured = measurements(Settings(features=("emobase",)))
    started = time.perf_counter()
    result = process_video(VideoInput("odd", str(path)), measured, tmp_path / "out")
    assert time.perf_counter() - started < 10
    assert result.state == "failed"
    assert result.error is not None
    assert message in result.error
    assert "`trust_headers=True`" in result.error
    assert "\n" not in result.error


def test_trusted_headers_are_decoded(tmp_path: Path) -> None:
    path = wav_of_claimed_rate(tmp_path / "slow.wav", 900)
    with Media.open(path, trust_headers=True) as media:
        assert (
            sum(b.channels.shape[1] for b in media.decode(video=False, audio=True) if isinstance(b, AudioBlock))
            == 20_000
        )
    with Media.open(video_of_png(tmp_path / "wide.mov", 60_000, 2_000), trust_headers=True) as media:
        assert media.metadata.video is not None
        assert (media.metadata.video.width, media.metadata.video.height) == (60_000, 2_000)
    measured = replace(measurements(Settings(features=("emobase",))), trust_headers=True)
    assert "emobase" in measure_video(VideoInput("slow", str(path)), measured)


def test_the_command_names_the_option_that_decodes_the_file(tmp_path: Path) -> None:
    path = wav_of_claimed_rate(tmp_path / "slow.wav", 900)
    command = ("extract", path, "-o", tmp_path / "out", "--features", "rhythm", "--workers", 0)
    refused = avcues(*command)
    assert refused.returncode == 1
    assert "slow.wav: claims 900 audio samples per second" in refused.stderr
    assert "--trust-headers" in refused.stderr
    assert avcues(*command, "--trust-headers").returncode == 0
