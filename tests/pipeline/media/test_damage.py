"""What decoders conceal, lose or cannot read is counted, and a file in good order has none of it."""

from __future__ import annotations

import random
from pathlib import Path

import av
import pytest
from ffmpeg import ffmpeg, pattern, tone
from heard import decoded

from avcues.pipeline.errors import MediaError


def with_flipped_bits(path: Path, flips: int) -> Path:
    """A copy with single bits wrong, apart from its first and last tenth."""
    content, choose = bytearray(path.read_bytes()), random.Random(1)
    for _ in range(flips):
        content[choose.randrange(len(content) // 10, len(content) * 9 // 10)] ^= 1 << choose.randrange(8)
    damaged = path.with_stem("damaged")
    damaged.write_bytes(content)
    return damaged


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_concealed_bit_errors_are_counted(tmp_path: Path, suffix: str) -> None:
    codec = ("-c:v", "libx264", "-g", "25", "-preset", "ultrafast")
    intact = ffmpeg(*pattern("320x240", 6), *codec, out=tmp_path / f"clip{suffix}")
    assert decoded(intact).damage == {}
    decoded_clip = decoded(with_flipped_bits(intact, 12))
    assert decoded_clip.damage.get("video_frames_corrupt", 0) >= 2
    assert decoded_clip.damage.get("video_frames_after_corrupt", 0) > decoded_clip.damage["video_frames_corrupt"]


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg2video"])
def test_frames_that_a_decoder_does_not_return_are_counted(tmp_path: Path, codec: str) -> None:
    quiet = ("-x265-params", "log-level=error:keyint=25") if codec == "libx265" else ("-g", "25")
    intact = ffmpeg(*pattern("320x240", 6), "-c:v", codec, *quiet, out=tmp_path / "clip.mkv")
    assert decoded(intact).damage == {}
    # Without its key frames, a decoder has nothing to begin from until the next one.
    with av.open(str(intact)) as source:
        packets = [packet for packet in source.demux(video=0) if packet.size]
    keys = [i for i, packet in enumerate(packets) if packet.is_keyframe]
    content = bytearray(intact.read_bytes())
    start = content.find(bytes(packets[keys[2]])[:64])
    content[start : start + packets[keys[2]].size] = bytes(packets[keys[2]].size)
    damaged = tmp_path / "damaged.mkv"
    damaged.write_bytes(content)
    decoded_clip = decoded(damaged)
    counted = sum(decoded_clip.damage.get(kind, 0) for kind in ("video_frames_missing", "video_packets_undecodable"))
    assert counted == 150 - len(decoded_clip.starts) or decoded_clip.damage.get("video_frames_corrupt")
    assert decoded_clip.damage


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_fields_and_reordered_frames_are_not_missing(tmp_path: Path, codec: str, interlaced: bool) -> None:
    flags = ("-flags", "+ildct+ilme", "-top", "1") if interlaced else ()
    path = ffmpeg(*pattern("320x240", 4), "-c:v", codec, "-bf", "2", *flags, out=tmp_path / "clip.ts")
    assert decoded(path).damage == {}


def test_an_encrypted_file_says_so(tmp_path: Path) -> None:
    key = ("-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb", "-encryption_kid", "a7e61c373e219033c21091fa607bf3b8")
    path = ffmpeg(
        *(*pattern(), *tone(440), "-c:v", "libx264", "-c:a", "aac", "-encryption_scheme", "cenc-aes-ctr", *key),
        out=tmp_path / "clip.mp4",
    )
    with pytest.raises(MediaError, match="is encrypted; decrypt it first"):
        decoded(path)


def scrambled(path: Path, *, share: float) -> Path:
    """A copy of a transport stream of which the last share of packets with content is marked and unreadable."""
    content, choose = bytearray(path.read_bytes()), random.Random(1)
    for start in range(round(len(content) / 188 * (1 - share)) * 188, len(content), 188):
        stream, adaptation = (content[start + 1] & 0x1F) << 8 | content[start + 2], content[start + 3] >> 4
        if stream in (0x100, 0x101) and adaptation & 1:
            content[start + 3] |= 0x80
            first = start + 4 + (1 + content[start + 4] if adaptation & 2 else 0)
            content[first : start + 188] = choose.randbytes(start + 188 - first)
    locked = path.with_stem("scrambled")
    locked.write_bytes(content)
    return locked


def test_a_scrambled_broadcast_says_so(tmp_path: Path) -> None:
    clear = ffmpeg(*pattern(), *tone(440), "-c:v", "libx264", "-c:a", "aac", out=tmp_path / "clip.ts")
    assert "packets_encrypted" not in decoded(clear).damage
    with pytest.raises(MediaError, match="is encrypted; decrypt it first"):
        decoded(scrambled(clear, share=1))
    decoded_clip = decoded(scrambled(clear, share=0.3))
    assert decoded_clip.damage["packets_encrypted"] > 10
    assert "a part of the file is encrypted and was not decoded" in decoded_clip.media.notes
    assert len(decoded_clip.starts) > 30


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("clip.mjpeg", ("mjpeg",), "25"),
        ("clip.hevc", ("libx265", "-x265-params", "no-vui-timing-info=1:log-level=none"), "25"),
        ("clip.h263", ("h263",), "29.97"),
        ("clip.h261", ("h261",), "29.97"),
    ],
)
def test_a_raw_stream_says_which_rate_is_assumed(name: str, codec: tuple[str, ...], rate: str, tmp_path: Path) -> None:
    decoded_clip = decoded(ffmpeg(*pattern("352x288", rate=15), "-c:v", *codec, out=tmp_path / name))
    assert decoded_clip.media.notes == [f"the stream states no frame rate: {rate} a second is assumed"]
    assert decoded_clip.end_s == pytest.approx(45 / float(rate), abs=0.05)


def test_a_raw_stream_that_states_its_rate_is_believed(tmp_path: Path) -> None:
    decoded_clip = decoded(ffmpeg(*pattern(rate=30), "-c:v", "libx264", out=tmp_path / "clip.h264"))
    assert decoded_clip.media.notes == []
    assert decoded_clip.end_s == pytest.approx(3, abs=0.1)
