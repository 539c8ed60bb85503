"""Stream metadata, damage, and files that are no media."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import CHEAP, Clip, Extracted, click, extract, measurements, steady_frames

from avcues.pipeline.errors import MediaError
from avcues.pipeline.extraction.video import process_video
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.downmix import downmix
from avcues.pipeline.media.frames import AudioBlock, Damage, FrameStatistics, VideoFrame
from avcues.pipeline.media.timestamps import MonotonicFrameFilter
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store.video_input import VideoInput


def test_stream_metadata(media: Callable[[str], Path]) -> None:
    with Media.open(media("real60.mp4")) as opened:
        metadata = opened.metadata
    assert metadata.video is not None
    assert metadata.audio is not None
    assert (metadata.video.codec, metadata.video.width, metadata.video.height) == ("h264", 1280, 720)
    assert (metadata.audio.codec, metadata.audio.rate_hz, metadata.audio.channels) == ("aac", 48000, 2)
    assert metadata.duration_s == pytest.approx(60, abs=0.01)


def test_frames_tell_rotation_and_intervals(media: Callable[[str], Path]) -> None:
    times = {}
    for name in ("rot90_12.mp4", "vfr20.mp4", "tiny4.mp4"):
        with Media.open(media(name)) as opened:
            count = sum(1 for _ in opened.decode(video=True, audio=False))
            assert opened.frames.count == count
            times[name] = opened.frames
    assert (times["rot90_12.mp4"].rotation, times["tiny4.mp4"].rotation) == (90, 0)
    assert times["tiny4.mp4"].shortest_interval_s == times["tiny4.mp4"].longest_interval_s == 0.04
    assert times["vfr20.mp4"].longest_interval_s > 1.5 * times["vfr20.mp4"].shortest_interval_s


def test_frames_carry_exact_times(media: Callable[[str], Path]) -> None:
    with Media.open(media("tiny4.mp4")) as opened:
        pictures = [p for p in opened.decode(video=True, audio=False) if isinstance(p, VideoFrame)]
    assert [p.start for p in pictures] == [Fraction(i, 25) for i in range(100)]
    assert pictures[-1].start + pictures[-1].duration == 4


def test_mono_is_the_plain_mean_of_the_channels(media: Callable[[str], Path]) -> None:
    path = media("tiny4.mp4")
    with av.open(str(path)) as container:
        stereo = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)
    with Media.open(path) as opened:
        mono = downmix(s.channels for s in opened.decode(video=False, audio=True) if isinstance(s, AudioBlock))
    assert stereo.shape[0] == 2
    np.testing.assert_allclose(mono, stereo.mean(axis=0).clip(-1, 1), atol=1e-7)


def test_truncated_file_gives_what_can_be_had(media: Callable[[str], Path], tmp_path: Path) -> None:
    path = media("truncated60.mp4")
    with av.open(str(path)) as container:
        announced = {stream.type: stream.frames for stream in container.streams}
        packet_counts = Counter(packet.stream.type for packet in container.demux() if packet.size)
    extracted = extract(path, tmp_path, features=("color", "emobase"))
    assert extracted.result.damage == {
        "video_packets_undecodable": 1,  # the one that is cut
        "video_packets_missing": announced["video"] - packet_counts["video"],
        "audio_packets_missing": announced["audio"] - packet_counts["audio"],
    }
    assert 20 * 2 < extracted.result.windows < 40 * 2
    assert extracted.table("color").num_rows == extracted.result.windows


def test_bad_packets_in_the_middle_do_not_end_the_video(media: Callable[[str], Path], tmp_path: Path) -> None:
    data = bytearray(media("real60.mp4").read_bytes())
    damaged = tmp_path / "damaged.mp4"
    middle = len(data) // 2
    data[middle : middle + 20_000] = np.random.default_rng(0).bytes(20_000)
    damaged.write_bytes(data)
    extracted = extract(damaged, tmp_path, features=("color",))
    assert extracted.result.windows == 120
    assert extracted.table("color")["value_mean"].null_count == 0
    assert sum(extracted.result.damage.values()) > 0


def test_sound_only(media: Callable[[str], Path], tmp_path: Path) -> None:
    extracted = extract(media("audioonly60.m4a"), tmp_path, features=CHEAP)
    assert extracted.result.windows == 120
    assert extracted.table("shots").num_rows == 0
    assert extracted.table("color")["value_mean"].null_count == 120
    assert extracted.table("emobase")["F0_sma_amean"].null_count == 0
    assert not extracted.column("timeline", "on_screen").any()


def test_picture_only(media: Callable[[str], Path], tmp_path: Path) -> None:
    extracted = extract(media("noaudio20.mp4"), tmp_path, features=CHEAP)
    assert extracted.table("color")["value_mean"].null_count == 0
    for table, column in (("emobase", "F0_sma_amean"), ("rhythm", "tempo_bpm"), ("rhythm", "beat_count")):
        assert extracted.table(table)[column].null_count == extracted.result.windows
    assert not extracted.column("timeline", "audio_coverage").any()


def test_cover_art_is_not_a_video(tmp_path: Path) -> None:

    plain = Clip(sounds=[click(3, at=1.25)], audio_codec="flac").write(tmp_path / "plain.flac")
    covered = tmp_path / "covered.flac"
    with av.open(str(plain)) as source, av.open(str(covered), "w") as target:
        sound = target.add_stream_from_template(source.streams.audio[0])
        cover = target.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        image = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        packets = cover.encode(image) + cover.encode(None)
        for packet in packets:
            target.mux(packet)
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = sound
                target.mux(packet)
    with Media.open(covered) as opened:
        assert opened.metadata.video is None
        assert opened.metadata.audio is not None


def test_a_colon_in_the_name_is_no_protocol(tmp_path: Path) -> None:
    path = Clip(steady_frames(1, flash=(0, 0))).write(tmp_path / "clip.mov")
    strange = path.rename(tmp_path / "http: a clip.mov")
    with Media.open(strange) as opened:
        assert opened.metadata.video is not None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.mp4", b"", "is empty"),
        ("text.mp4", b"These are words, not moving pictures.\n" * 50, "not a media file"),
        ("random.mp4", np.random.default_rng(0).bytes(100_000), "not a media file|neither|nothing in it"),
        ("missing.mp4", None, "no such file"),
    ],
)
def test_no_media(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MediaError, match=message) as caught, Media.open(path):
        pass
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_and_a_file_without_its_index_are_no_media(media: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="is a folder"):
        Media.open(tmp_path)
    with pytest.raises(MediaError, match="cut off"):
        Media.open(media("truncated_nomoov.mp4"))


def joined_broadcast(tmp_path: Path, *clips: Clip) -> Path:
    joined = tmp_path / "joined.ts"
    with joined.open("wb") as file:
        for i, clip in enumerate(clips):
            clip.video_codec, clip.audio_codec = "mpeg4", "mp2"
            file.write(clip.write(tmp_path / f"{i}.ts").read_bytes())
    return joined


def flashes(extracted: Extracted) -> list[int]:
    return np.flatnonzero(extracted.column("color", "value_mean") > 0.5).tolist()


@pytest.mark.parametrize("first_start", [100, 0])
def test_a_broadcast_clock_that_restarts_is_bridged(tmp_path: Path, first_start: int) -> None:
    start = first_start
    first = Clip(steady_frames(6, flash=(start + 1.4, start + 1.9), start=start), sounds=[click(6, start + 2, start)])
    second = Clip(steady_frames(6, flash=(2.4, 2.9)), sounds=[click(6, at=1.25)])
    third = Clip(steady_frames(6, flash=(3.4, 3.9)), sounds=[click(6, at=1.25)])
    extracted = extract(joined_broadcast(tmp_path, first, second, third), tmp_path, features=("color",))
    assert extracted.result.damage == {"clock_restarts": 2}
    assert 36 <= extracted.result.windows <= 37
    # Joined streams meet within a frame or two of where they were cut.
    assert len(flashes(extracted)) in (3, 4)
    assert flashes(extracted)[0] == 3
    assert extracted.table("color")["value_mean"].null_count <= 1


def test_a_gap_in_all_streams_of_a_broadcast_is_kept(tmp_path: Path) -> None:
    """Three minutes that were not received: sound is null, and the last picture stays, as in players."""
    start = 186
    first_clip = Clip(steady_frames(6, flash=(1.4, 1.9)), sounds=[click(6, at=2.25)])
    second_clip = Clip(
        steady_frames(6, flash=(start + 2.4, start + 2.9), start=start), sounds=[click(6, start + 1.25, start)]
    )
    extracted = extract(joined_broadcast(tmp_path, first_clip, second_clip), tmp_path, features=("color", "emobase"))
    assert extracted.result.damage == {"clock_gaps": 1}
    assert extracted.result.windows == 384
    assert flashes(extracted) == [3, 2 * start + 5]
    coverage = extracted.column("timeline", "audio_coverage")
    assert coverage[13 : 2 * start - 1].max() == 0
    assert coverage[2 * start + 1 : 380].min() == 1
    intensity = extracted.column("emobase", "pcm_intensity_sma_max")
    assert np.isnan(intensity[13 : 2 * start - 1]).all()
    assert np.flatnonzero(np.nan_to_num(intensity) > 0.1 * np.nanmax(intensity))[-1] == 2 * start + 2


def test_a_long_pause_of_one_stream_is_no_restart(tmp_path: Path) -> None:
    frames = steady_frames(26, flash=(22.4, 22.9))
    clip = Clip(frames, sounds=[click(3, at=1.25), click(4, at=23.25, start=20)])
    extracted = extract(joined_broadcast(tmp_path, clip), tmp_path, features=("color", "emobase"))
    assert "clock_restarts" not in extracted.result.damage
    assert flashes(extracted) == [45]
    intensity = np.nan_to_num(extracted.column("emobase", "pcm_intensity_sma_max"))
    assert np.flatnonzero(intensity > 0.1 * intensity.max()).tolist() == [2, 46]


@pytest.mark.parametrize(("suffix", "codec"), [(".avi", "mpeg4"), (".avi", "libx264"), (".m2v", "mpeg2video")])
def test_containers_without_presentation_times_show_every_frame_in_time(
    tmp_path: Path, suffix: str, codec: str
) -> None:

    frames = steady_frames(4, flash=(1.4, 1.88), fps=25)
    path = tmp_path / f"clip{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.max_b_frames = 2
        for i, (_, level) in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), format="rgb24")
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    extracted = extract(path, tmp_path, features=("color",))
    assert extracted.result.windows == 8
    assert extracted.result.damage == {}
    assert flashes(extracted) == [3]
    assert extracted.table("color")["value_mean"].null_count == 0
    assert extracted.column("shots", "frames").sum() == 100


def test_sound_that_leads_by_a_codecs_priming_does_not_shift_the_picture(tmp_path: Path) -> None:
    clip = Clip(steady_frames(4, flash=(1.5, 2.0)), sounds=[click(4, at=2.75)])
    extracted = extract(joined_broadcast(tmp_path, clip), tmp_path, features=("color", "emobase"))
    assert flashes(extracted) == [3]
    assert extracted.column("timeline", "pts")[0] == 0
    assert int(np.nanargmax(extracted.column("emobase", "pcm_intensity_sma_max"))) == 5


def test_a_feature_of_a_stream_that_is_not_there_can_be_added_later(
    media: Callable[[str], Path], tmp_path: Path
) -> None:
    for name, features in (("audioonly60.m4a", ("emobase", "color")), ("noaudio20.mp4", ("color", "emobase"))):
        for upto in (1, 2):
            extracted = extract(media(name), tmp_path, features=features[:upto])
        assert extracted.table(features[1])[4].null_count == extracted.result.windows


def test_failures_leave_no_opensmile_behind(tmp_path: Path) -> None:
    import threading

    header = Clip(sounds=[click(1, at=0.5)]).write(tmp_path / "full.wav").read_bytes()[:78]
    (tmp_path / "header.wav").write_bytes(header)
    settings = Settings(features=("emobase",))
    for _ in range(3):
        video = VideoInput("header", str(tmp_path / "header.wav"))
        assert process_video(video, measurements(settings), tmp_path).state == "failed"
    assert not [thread for thread in threading.enumerate() if thread.name == "opensmile"]


def test_another_file_of_the_same_name_and_size_is_made_anew(tmp_path: Path) -> None:
    path = Clip(sounds=[click(4, at=1.25)]).write(tmp_path / "clip.wav")
    size = path.stat().st_size
    extract(path, tmp_path, features=("emobase",))
    Clip(sounds=[click(4, at=3.25)]).write(path)
    assert path.stat().st_size == size
    extracted = extract(path, tmp_path, features=("emobase",))
    assert extracted.result.reused == ()
    assert int(np.nanargmax(extracted.column("emobase", "pcm_intensity_sma_max"))) == 6


def test_a_frame_with_a_broken_time_stamp_costs_only_itself(media: Callable[[str], Path]) -> None:
    with Media.open(media("tiny4.mp4")) as opened:
        intact_frames = [p for p in opened.decode(video=True, audio=False) if isinstance(p, VideoFrame)]
        line = MonotonicFrameFilter(damage := Damage(), FrameStatistics())
        broken = replace(intact_frames[50], start=Fraction(1000))
        passed = [p for g in (*intact_frames[:50], broken, *intact_frames[51:]) for p in line.push(g)] + list(
            line.finish()
        )
    assert passed == [*intact_frames[:50], *intact_frames[51:]]
    assert damage.frames_unplaceable == 1
