"""Every visual value is of the picture that a viewer sees: its shape, its fields, its orientation, its edges."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from clips import extract
from ffmpeg import ffmpeg, pattern
from oriented import EIGHT, corners, seen, still_clip

from avcues.pipeline.extraction.center_crop import CenterCrop
from avcues.pipeline.extraction.full_frame import FullFrame
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.orientation import Orientation
from avcues.pipeline.media.picture.bars import Box
from avcues.pipeline.media.reading import Reading
from avcues.pipeline.report.thumbnails import _scaled

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "1")
# Else the muxer writes random numbers, in which the bytes of an element may be found.
FIXED_IDS = ("-write_crc32", "0", "-fflags", "+bitexact")


def displayed(path: Path, **reading: object) -> tuple[list[np.ndarray], Media]:
    """What frame extractors see of each frame."""
    with Media.open(path, Reading(**reading)) as media:  # type: ignore[arg-type]
        converter = media.picture.converter()
        frames = [f for f in media.decode(video=True, audio=False) if isinstance(f, VideoFrame)]
        return [converter.upright(frame.frame).copy() for frame in frames], media


def difference(image: np.ndarray, reference: np.ndarray) -> float:
    """Mean over pixels, in levels."""
    return float(np.abs(image.astype(int) - reference).mean())


@pytest.mark.parametrize("vflip", [False, True])
@pytest.mark.parametrize("hflip", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_orientations(tmp_path: Path, degrees: int, hflip: bool, vflip: bool) -> None:
    """PyAV turns counter-clockwise, then mirrors; numpy does the same to the picture that was coded."""
    coded = corners((96, 64))
    expected = seen(coded, degrees, hflip=hflip, vflip=vflip)
    images, media = displayed(still_clip(tmp_path / "clip.mp4", coded, degrees, hflip=hflip, vflip=vflip))
    assert images[0].shape == expected.shape
    assert difference(images[0], expected) < 6
    assert (media.frames.rotation, media.frames.mirrored) == _as_mirror_then_turn(degrees, hflip, vflip)


def _as_mirror_then_turn(degrees: int, hflip: bool, vflip: bool) -> tuple[int, bool]:
    mirrored = hflip != vflip
    turn = degrees + 180 * vflip
    return (-turn if mirrored else turn) % 360 if mirrored else turn % 360, mirrored


@pytest.mark.parametrize(("degrees", "hflip", "vflip"), EIGHT)
def test_orientations_of_clips_and_thumbnails(tmp_path: Path, degrees: int, hflip: bool, vflip: bool) -> None:
    """Everything that scales frames by itself turns them, too."""
    coded = corners((384, 256))
    expected = seen(coded, degrees, hflip=hflip, vflip=vflip)
    height, width = expected.shape[:2]
    middle = expected[(height - 256) // 2 :, (width - 256) // 2 :][16:240, 16:240]
    with Media.open(still_clip(tmp_path / "clip.mp4", coded, degrees, hflip=hflip, vflip=vflip)) as media:
        picture = next(item for item in media.decode(video=True, audio=False) if isinstance(item, VideoFrame))
        crop = CenterCrop(256, 224, media.picture)(picture.frame)
        whole = FullFrame(media.picture)(picture.frame)
        small = _scaled(picture, media.picture, media.picture.converter())
    assert difference(crop, middle) < 6
    assert difference(whole, expected) < 6
    assert (
        difference(small, cv2.resize(np.ascontiguousarray(expected), small.shape[1::-1], interpolation=cv2.INTER_AREA))
        < 8
    )


def test_a_plain_picture_passes_untouched(tmp_path: Path) -> None:
    path = ffmpeg(*pattern("320x240", 1), *X264, "-colorspace", "bt709", out=tmp_path / "clip.mp4")
    with Media.open(path) as media, av.open(str(path)) as reference:
        frames = [f.frame for f in media.decode(video=True, audio=False) if isinstance(f, VideoFrame)]
        for frame, expected_frame in zip(frames, reference.decode(video=0), strict=True):
            assert np.array_equal(frame.to_ndarray(), expected_frame.to_ndarray())
    assert (media.picture.applied, media.picture.notes, media.notes) == ({}, [], [])


def test_pixels_are_square(tmp_path: Path) -> None:
    path = ffmpeg(*pattern("720x576", 1), *X264, "-vf", "setsar=64/45", out=tmp_path / "clip.mp4")
    images, media = displayed(path)
    assert images[0].shape == (576, 1024, 3)
    assert media.picture.notes == ["anamorphic: pixels are made square, 720 x 576 to 1024 x 576"]
    reference = ffmpeg(
        "-i", str(path), "-vf", "scale=1024:576:flags=bilinear,setsar=1", *X264, out=tmp_path / "ref.mp4"
    )
    assert difference(images[5], displayed(reference)[0][5]) < 2
    coded, media = displayed(path, picture="coded")
    assert coded[0].shape == (576, 720, 3)
    assert media.picture.applied == {}


def test_the_shape_and_the_size_are_recorded(tmp_path: Path) -> None:
    path = ffmpeg(*pattern("720x576", 2), *X264, "-vf", "setsar=64/45", out=tmp_path / "clip.mp4")
    extracted = extract(path, tmp_path, features=("color",))
    source = json.loads(pq.read_schema(tmp_path / "color" / "clip.parquet").metadata[b"avcues"])["source"]
    assert source["picture"] == {"pixels": "720 x 576 to 1024 x 576"}
    assert source["video"]["sample_aspect_ratio"] == "64/45"
    assert {"color_transfer", "color_primaries", "field_order"} <= source["video"].keys()
    assert extracted.result.notes == ("anamorphic: pixels are made square, 720 x 576 to 1024 x 576",)


PAN = "nullsrc=s=720x96:r=50:d=4,geq=lum='128+100*sin((X+8*N)/9)*gt(Y,24)':cb=128:cr=128,split=6,vstack=6"


@pytest.fixture(scope="module")
def pan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty progressive frames a second of stripes that move by 8 pixels a frame."""
    return ffmpeg("-f", "lavfi", "-i", PAN, *X264, out=tmp_path_factory.mktemp("pan") / "pan.mp4")


def interlaced(pan: Path, out: Path, *, flagged: bool) -> Path:
    flags = ("-flags", "+ildct+ilme", "-x264opts", "tff=1") if flagged else ("-x264-params", "interlaced=0")
    weave = "interlace=scan=tff:lowpass=0" + ("" if flagged else ",setfield=prog")
    return ffmpeg("-i", str(pan), "-vf", weave, *X264, *flags, out=out)


@pytest.mark.parametrize("flagged", [True, False])
def test_fields_are_joined(pan: Path, tmp_path: Path, flagged: bool) -> None:
    """Against every second frame of the progressive source, whose rows are all of one time."""
    path = interlaced(pan, tmp_path / "clip.mkv", flagged=flagged)
    progressive = displayed(pan)[0][::2]
    joined, media = displayed(path)
    combed, _ = displayed(path, picture="coded")
    assert len(joined) == len(combed) == len(progressive)
    errors = [difference(a, b) for a, b in zip(joined[5:-5], progressive[5:-5], strict=True)]
    combs = [difference(a, b) for a, b in zip(combed[5:-5], progressive[5:-5], strict=True)]
    assert np.median(errors) < 0.35 * np.median(combs)
    assert media.picture.applied == {"fields": "bwdif"}
    assert len(media.picture.notes) == 1 and "bwdif" in media.picture.notes[0]


def test_joined_fields_keep_their_times(pan: Path, tmp_path: Path) -> None:
    path = interlaced(pan, tmp_path / "clip.mkv", flagged=True)
    times = []
    for picture in ("display", "coded"):
        with Media.open(path, Reading(picture=picture)) as media:  # type: ignore[arg-type]
            decoded = [f for f in media.decode(video=True, audio=False) if isinstance(f, VideoFrame)]
            times.append([(f.pts, f.start, f.duration) for f in decoded])
    assert times[0] == times[1]


def test_progressive_frames_that_are_flagged_stay_as_they_are(pan: Path, tmp_path: Path) -> None:
    path = ffmpeg(
        "-i", str(pan), "-r", "25", *X264, "-flags", "+ildct+ilme", "-x264opts", "tff=1", out=tmp_path / "c.mkv"
    )
    images, media = displayed(path)
    assert all(np.array_equal(a, b) for a, b in zip(images, displayed(path, picture="coded")[0], strict=True))
    assert media.picture.applied == {}
    assert media.picture.notes == ["flagged as interlaced, but its frames are progressive: they are left as they are"]


def test_progressive_video_of_an_interlaced_size_is_left_alone(pan: Path, tmp_path: Path) -> None:
    path = ffmpeg("-i", str(pan), "-r", "25", *X264, out=tmp_path / "clip.mp4")
    _, media = displayed(path)
    assert (media.picture.applied, media.picture.notes) == ({}, [])
    assert media.picture.fields.samples is None, "other places of the file were looked at for nothing"


def joined(folder: Path, *pieces: Path) -> Path:
    """One file of several of the same form, one after the other."""
    listed = folder / "pieces.txt"
    listed.write_text("".join(f"file '{piece}'\n" for piece in pieces))
    return ffmpeg("-f", "concat", "-safe", "0", "-i", str(listed), "-c", "copy", out=folder / "joined.mkv")


def test_fields_that_begin_in_mid_stream_are_joined_from_there_on(pan: Path, tmp_path: Path) -> None:
    progressive = ffmpeg("-stream_loop", "2", "-i", str(pan), "-r", "25", *X264, out=tmp_path / "progressive.mkv")
    woven = interlaced(pan, tmp_path / "woven.mkv", flagged=False)
    path = joined(tmp_path, progressive, woven, woven, woven, woven)
    images, media = displayed(path)
    (note,) = media.picture.notes
    since = float(note.split("from ")[1].split(" s on")[0])
    assert 12 <= since < 22, note
    expected = displayed(pan)[0][::2]
    last = [difference(image, reference) for image, reference in zip(images[-60:-5], expected[-60:-5], strict=True)]
    assert np.median(last) < 0.35 * np.median(
        [difference(a, b) for a, b in zip(displayed(path, picture="coded")[0][-60:-5], expected[-60:-5], strict=True)]
    )


def test_film_in_fields_is_said_wherever_it_begins(pan: Path, tmp_path: Path) -> None:
    frames = ("-stream_loop", "4", "-r")
    in_fields = ("-vf", "telecine=pattern=23", *X264)
    telecine = ffmpeg(*frames, "24", "-i", str(pan), "-t", "20", *in_fields, out=tmp_path / "telecine.mkv")
    progressive = ffmpeg(*frames, "30", "-i", str(pan), "-t", "2", *X264, out=tmp_path / "progressive.mkv")
    for path in (telecine, joined(tmp_path, progressive, telecine)):
        assert [note for note in displayed(path)[1].picture.notes if "telecine" in note]
    assert not displayed(progressive)[1].picture.notes


def test_transparent_video_is_shown_on_black(tmp_path: Path) -> None:
    image = np.full((48, 64, 4), 200, np.uint8)
    image[:, :32, 3] = 0
    image[:, 32:, 3] = 255
    path = tmp_path / "clip.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("qtrle", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "argb"
        for i in range(4):
            frame = av.VideoFrame.from_ndarray(image, format="rgba").reformat(format="argb")
            frame.pts, frame.time_base = i, Fraction(1, 4)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    images, media = displayed(path)
    assert images[0][:, :30].max() <= 1
    assert abs(int(images[0][:, 34:].min()) - 200) <= 1
    assert media.picture.notes == ["transparent: shown on black"]
    assert displayed(path, picture="coded")[0][0][:, :30].min() >= 199


def with_matroska_cropping(source: Path, out: Path, sides: dict[int, int]) -> Path:
    """Adds PixelCrop elements to the one video track, by rewriting the sizes of the elements around it."""
    content = source.read_bytes()

    def vint(position: int) -> tuple[int, int]:
        length = 9 - content[position].bit_length()
        value = content[position] & ((1 << (8 - length)) - 1)
        for byte in content[position + 1 : position + length]:
            value = value << 8 | byte
        return value, length

    added = b"".join(bytes([0x54, identifier, 0x81, pixels]) for identifier, pixels in sides.items())
    video = content.index(b"\xe0", content.rindex(b"\x16\x54\xae\x6b", 0, 2000))
    while vint(video + 1)[0] > 80:
        video = content.index(b"\xe0", video + 1)
    places = [content.index(b"\x18\x53\x80\x67") + 4, content.rindex(b"\x16\x54\xae\x6b", 0, 2000) + 4]
    places += [content.index(b"\xae", places[-1] + 1) + 1, video + 1]
    changed = bytearray(content)
    for place in places:
        value, length = vint(place)
        size = value + len(added)
        changed[place : place + length] = (size | 1 << (7 * length)).to_bytes(length, "big")
    end = video + 1 + vint(video + 1)[1] + vint(video + 1)[0]
    out.write_bytes(bytes(changed[:end]) + added + bytes(changed[end:]))
    return out


@pytest.mark.parametrize(
    ("sides", "rows", "columns", "note"),
    [
        ({0xBB: 4, 0xCC: 16}, slice(4, None), slice(16, None), "16 left, 0 right, 4 top, 0 bottom"),
        ({0xAA: 8, 0xDD: 32}, slice(None, -8), slice(None, -32), "0 left, 32 right, 0 top, 8 bottom"),
    ],
)
def test_cropping_of_the_container_is_honoured(
    tmp_path: Path, sides: dict[int, int], rows: slice, columns: slice, note: str
) -> None:
    source = ffmpeg(*pattern("320x240", 1), *X264, *FIXED_IDS, out=tmp_path / "whole.mkv")
    images, media = displayed(with_matroska_cropping(source, tmp_path / "clip.mkv", sides))
    expected = displayed(source)[0][3][rows, columns]
    assert images[0].shape == expected.shape
    assert difference(images[3], expected) < 0.5
    assert media.picture.notes == [f"cropped as the container says: {note}"]


@pytest.mark.parametrize(
    ("pad", "box"),
    [
        ("scale=320:134,pad=320:180:0:23", (0, 23, 320, 134)),
        ("scale=240:180,pad=320:180:40:0", (40, 0, 240, 180)),
        ("scale=102:180,pad=320:180:109:0", (109, 0, 102, 180)),
        ("scale=320:180", (0, 0, 320, 180)),
    ],
)
def test_bars_are_found_written_and_cropped(tmp_path: Path, pad: str, box: tuple[int, int, int, int]) -> None:
    path = ffmpeg(*pattern("640x360", 3), *X264, "-vf", f"{pad},setsar=1", out=tmp_path / "clip.mp4")
    extracted = extract(path, tmp_path / "keep", features=("lighting",))
    sides = [extracted.column("timeline", f"active_{side}") for side in ("left", "top", "width", "height")]
    np.testing.assert_allclose([side[0] for side in sides], box, atol=2)
    assert all((side == side[0]).all() for side in sides)
    has_bars = box != (0, 0, 320, 180)
    assert any("black bars" in note for note in extracted.result.notes) == has_bars
    cropped = extract(path, tmp_path / "crop", features=("lighting",), reading=Reading(bars="crop"))
    shadow = [e.column("lighting", "shadow_proportion").mean() for e in (extracted, cropped)]
    inside = extract(
        ffmpeg(*pattern("640x360", 3), *X264, "-vf", f"{pad.split(',')[0]},setsar=1", out=tmp_path / "inside.mp4"),
        tmp_path / "inside",
        features=("lighting",),
    )
    truth = inside.column("lighting", "shadow_proportion").mean()
    assert abs(shadow[1] - truth) < 0.02
    assert (shadow[0] - truth > 0.1) == has_bars


def test_a_black_file_has_no_bars(tmp_path: Path) -> None:
    path = ffmpeg("-f", "lavfi", "-i", "color=black:s=320x180:d=2", *X264, out=tmp_path / "clip.mp4")
    extracted = extract(path, tmp_path, features=("color",), reading=Reading(bars="crop"))
    assert extracted.column("timeline", "active_width")[0] == 320


def test_a_box_follows_shape_and_orientation() -> None:
    box = Box(10, 20, 60, 30)
    assert box.as_displayed(Fraction(2), Orientation(), (100, 80)) == (Box(20, 20, 120, 30), (200, 80))
    assert box.as_displayed(Fraction(1), Orientation(True, False, True), (100, 80)) == (Box(20, 30, 30, 60), (80, 100))
