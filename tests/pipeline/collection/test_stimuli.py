"""Stimuli begin at avcues' t = 0, and hold only what their setup shows."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from collecting import FPS_25, PLANE, QUIET, design, numbered_clip
from ffmpeg import ffmpeg
from oriented import EIGHT, corners, seen, still_clip

from avcues.pipeline.collection.design import read_design
from avcues.pipeline.collection.stimuli import Clip, prepare
from avcues.pipeline.errors import InputError, MediaError
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.frames import VideoFrame

SETUPS = "av=picture+sound v=picture a=sound"


def prepared(tmp_path: Path, setups: str = SETUPS) -> tuple[dict[str, Clip], list[str], Path]:
    study = tmp_path / "study"
    study.mkdir(exist_ok=True)
    assignment = 'rule = "every setup"\nratings_per_cell = 1'
    (study / "study.toml").write_text(
        design(tmp_path / "clips", setups=setups, assignment=assignment, rest=PLANE + QUIET)
    )
    lines: list[str] = []
    index = prepare(study, read_design(study), lines.append)
    return dict(index.clips), lines, study / "stimuli"


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    return folder


def starts(path: Path) -> list[float]:
    with Media.open(path) as media:
        return [float(item.start) for item in media.decode(video=True, audio=False) if isinstance(item, VideoFrame)]


def test_what_a_setup_does_not_show_is_not_in_its_file(clips: Path, tmp_path: Path) -> None:
    numbered_clip(clips / "a.mp4", FPS_25, beeps=(1,), seconds=5)
    index, lines, folder = prepared(tmp_path)
    kinds = {}
    for key, file in index["a"].files.items():
        with av.open(str(folder / file.name)) as container:
            kinds[key] = {stream.type for stream in container.streams}
    assert kinds == {"picture+sound": {"video", "audio"}, "picture": {"video"}, "sound": {"audio"}}
    assert all(line.endswith("copied") for line in lines)
    assert starts(folder / "picture/a.mp4") == starts(clips / "a.mp4")
    _, second, _ = prepared(tmp_path)
    assert second == []
    numbered_clip(clips / "a.mp4", FPS_25[:50], beeps=(1,), seconds=2)
    changed, second, _ = prepared(tmp_path)
    assert len(second) == 3
    assert changed["a"].fingerprint != index["a"].fingerprint


def test_a_picture_that_begins_late_begins_black(clips: Path, tmp_path: Path) -> None:
    late = [Fraction(3, 2) + time for time in FPS_25[:50]]
    numbered_clip(clips / "late.mp4", late, beeps=(1,), seconds=4)
    index, lines, folder = prepared(tmp_path)
    assert lines == [
        "picture+sound/late.mp4: encoded",
        "picture/late.mp4: encoded",
        "sound/late.mp4: copied",
    ]
    assert starts(folder / "picture/late.mp4") == pytest.approx([0, *map(float, late)], abs=0.001)
    assert index["late"].files["picture"].duration_s == pytest.approx(3.5, abs=0.05)


@pytest.mark.parametrize("name", ["rot90_12.mp4", "vfr20.mp4"])
def test_real_clips_keep_their_times_in_another_container(
    name: str, clips: Path, tmp_path: Path, media: Callable[[str], Path]
) -> None:
    with av.open(str(media(name))) as source, av.open(str(clips / "clip.ts"), "w") as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None and packet.pts * packet.time_base < 3:
                packet.stream = streams[packet.stream_index]
                target.mux(packet)
    index, lines, folder = prepared(tmp_path, "v=picture")
    assert lines == ["picture/clip.mp4: encoded"]
    assert starts(folder / "picture/clip.mp4") == pytest.approx(starts(clips / "clip.ts"), abs=0.002)
    assert index["clip"].files["picture"].kind == "video/mp4"


def test_missing_streams_and_transcripts_are_named(clips: Path, tmp_path: Path, media: Callable[[str], Path]) -> None:
    numbered_clip(clips / "silent.mp4", FPS_25[:10])
    with pytest.raises(MediaError, match=r"silent.mp4: has no sound, which a setup shows"):
        prepared(tmp_path)
    with pytest.raises(InputError, match=r"no transcript beside silent.mp4"):
        prepared(tmp_path, "t=text+picture")
    (clips / "silent.vtt").write_text("WEBVTT\n\n00:00.100 --> 00:00.300\nHello\n")
    index, _, _ = prepared(tmp_path, "t=text+picture")
    assert [line.text for line in index["silent"].transcript] == ["Hello"]
    (clips / "noise.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(MediaError, match=r"noise\.mp4"):
        prepared(tmp_path, "v=picture")


@pytest.mark.parametrize(("degrees", "hflip", "vflip"), EIGHT)
def test_raters_see_the_picture_that_is_measured(
    clips: Path, tmp_path: Path, degrees: int, hflip: bool, vflip: bool
) -> None:
    """Turned pictures are copied with their display matrix; mirrored ones, which not all browsers show, are encoded."""
    coded = corners((96, 64))
    still_clip(clips / "a.mp4", coded, degrees, hflip=hflip, vflip=vflip)
    _, lines, folder = prepared(tmp_path, "v=picture")
    assert lines == [f"picture/a.mp4: {'encoded' if hflip else 'copied'}"]
    with Media.open(folder / "picture/a.mp4") as media:
        frame = next(item.frame for item in media.decode(video=True, audio=False) if isinstance(item, VideoFrame))
        assert media.frames.mirrored is False
        shown = media.picture.converter().upright(frame)
    expected = seen(coded, degrees, hflip=hflip, vflip=vflip)
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).mean() < 6


def test_fields_are_joined_for_raters_too(clips: Path, tmp_path: Path) -> None:
    source = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=50:duration=1", "-vf", "tinterlace=interleave_top")
    ffmpeg(*source, "-c:v", "libx264", "-flags", "+ildct+ilme", "-pix_fmt", "yuv420p", out=clips / "a.mp4")
    _, lines, _ = prepared(tmp_path, "v=picture")
    assert lines == ["picture/a.mp4: encoded"]
