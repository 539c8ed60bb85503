"""Streams that are complete are not called damaged; truncated ones are, with the seconds that are lost."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import Clip, click, extract, steady_frames
from flash_and_beep import flash_and_beep

from avcues.pipeline.media.container import Media
from avcues.pipeline.media.frames import VideoFrame


def decode(path: Path) -> tuple[Media, list[VideoFrame]]:
    with Media.open(path) as media:
        return media, [item for item in media.decode(video=True, audio=True) if isinstance(item, VideoFrame)]


@pytest.mark.parametrize(
    ("suffix", "video", "audio"),
    [
        *(("mov", "libx264", audio) for audio in ("pcm_s16le", "pcm_s24le", "pcm_alaw", "alac", "adpcm_ima_qt")),
        *(("avi", "mpeg4", audio) for audio in ("pcm_s16le", "libmp3lame", "aac", "ac3")),
        ("mkv", "libx264", "aac"),
        ("mp4", "libx264", "aac"),
    ],
)
def test_a_complete_file_is_not_damaged(suffix: str, video: str, audio: str, tmp_path: Path) -> None:
    media, frames = decode(flash_and_beep(tmp_path / f"clip.{suffix}", video, audio))
    assert not media.damage
    assert media.lost_s == 0
    assert len(frames) == 150


def test_an_avi_that_ends_with_a_repeated_frame_is_complete(tmp_path: Path) -> None:
    """The picture is filled up to the length of MP3 with a repeated frame, which is counted and takes no bytes."""
    media, frames = decode(flash_and_beep(tmp_path / "clip.avi", "mpeg4", "mp3"))
    assert media.metadata.video is not None
    assert (media.metadata.video.packets_promised, len(frames)) == (151, 150)
    assert not media.damage


@pytest.mark.parametrize(
    ("suffix", "audio", "options"),
    [
        ("mov", "pcm_s16le", {"movflags": "faststart"}),
        ("mp4", "aac", {"movflags": "faststart"}),
        ("avi", "mp3", {}),
        ("avi", "pcm_s16le", {}),
        ("mkv", "aac", {}),
    ],
)
def test_half_a_file_is_damaged_and_says_how_much_is_lost(
    suffix: str, audio: str, options: dict[str, str], tmp_path: Path
) -> None:
    path = flash_and_beep(tmp_path / f"clip.{suffix}", "mpeg4", audio, options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    media, frames = decode(path)
    assert media.damage.video_packets_missing == pytest.approx(150 - len(frames), abs=2)
    assert media.damage.audio_packets_missing > 50
    end = frames[-1].start + frames[-1].duration
    assert float(media.lost_s) == pytest.approx(float(6 - end), abs=0.3)
    assert media.lost_s > 1


def test_the_record_of_a_truncated_file_says_how_many_seconds_are_lost(
    media: Callable[[str], Path], tmp_path: Path
) -> None:
    assert extract(media("truncated60.mp4"), tmp_path, features=("color",)).result.lost_s == pytest.approx(31, abs=0.1)
    assert extract(media("tiny4.mp4"), tmp_path, features=("color",)).result.lost_s == 0


def test_empty_packets_repeat_the_frame_before(tmp_path: Path) -> None:
    """As Theora stores them; here in a codec that can be encoded, with the third and the last two frames empty."""
    path = tmp_path / "repeats.nut"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        packets = []
        for i, level in enumerate((50, 120, 120, 200, 200, 200)):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 5)
            packets += stream.encode(frame.reformat(format="yuv420p"))
        for i, packet in enumerate(packets + stream.encode(None)):
            if i in (2, 4, 5):
                empty = av.Packet(0)
                empty.pts, empty.dts, empty.duration = packet.pts, packet.dts, packet.duration
                empty.time_base, empty.stream = packet.time_base, stream
                packet = empty
            container.mux(packet)
    media, frames = decode(path)
    assert not media.damage
    assert [frame.start for frame in frames] == [Fraction(i, 5) for i in range(6)]
    assert frames[-1].start + frames[-1].duration == Fraction(6, 5)
    levels = [frame.frame.to_ndarray(format="gray").mean() for frame in frames]
    np.testing.assert_allclose(levels, [levels[0], *levels[1:2] * 2, *levels[3:4] * 3])
    assert len(set(np.round(levels))) == 3


def cut_edit_lists(path: Path, milliseconds: int) -> None:
    """Lets every track of an MP4 or MOV file end earlier, by its edit list."""
    data = bytearray(path.read_bytes())
    at = 0
    tracks = 0
    while (at := data.find(b"elst", at + 1)) > 0:
        (entries,) = struct.unpack_from(">I", data, at + 8)
        struct.pack_into(">I", data, at + 12 * entries, milliseconds)
        tracks += 1
    assert tracks == 2
    path.write_bytes(data)


@pytest.mark.parametrize(("suffix", "audio"), [(".mov", "pcm_s16le"), (".mp4", "aac")])
def test_the_end_of_an_edit_list_is_honoured(suffix: str, audio: str, tmp_path: Path) -> None:
    """The last frame begins before the end of the edit list and would last beyond it, into a ninth window."""
    clip = Clip(steady_frames(6, flash=(3.4, 3.8), fps=5), sounds=[click(6, at=1.25)], audio_codec=audio)
    path = clip.write(tmp_path / f"clip{suffix}")
    cut_edit_lists(path, 3945)
    extracted = extract(path, tmp_path, features=("color",))
    assert extracted.result.windows == 8
    assert extracted.result.damage == {}
    assert extracted.result.lost_s == 0
