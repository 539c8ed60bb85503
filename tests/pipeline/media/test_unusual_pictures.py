"""Pictures that change in mid-stream, or that no flat screen shows as they are stored: shown right, or said."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest
from clips import extract
from ffmpeg import ffmpeg, pattern
from oriented import corners, still_clip

from avcues.pipeline.extraction.full_frame import FullFrame
from avcues.pipeline.media.container import Media
from avcues.pipeline.media.frames import VideoFrame
from avcues.pipeline.media.picture.tone import ColorEncoding, to_sdr
from avcues.pipeline.media.reading import Reading

MPEG2 = ("-c:v", "mpeg2video", "-q:v", "1", "-bf", "0")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "1", "-bf", "0")
SDR = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
SAMPLE_ENTRY = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1")
SKIN = "color=0xB07050:size=160x120:rate=25:duration=1,format=yuv420p"
PQ = ("-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "smpte2084")


def displayed(path: Path, **reading: object) -> tuple[list[np.ndarray], list[str]]:
    """What frame extractors see of each frame, and the notes."""
    with Media.open(path, Reading(**reading)) as media:  # type: ignore[arg-type]
        converter = media.picture.converter()
        frames = [f for f in media.decode(video=True, audio=False) if isinstance(f, VideoFrame)]
        return [converter.upright(frame.frame).copy() for frame in frames], media.picture.notes


@pytest.mark.parametrize(
    ("first_options", "second_options", "expected_note"),
    [
        ((*MPEG2, "-aspect", "4:3"), (*MPEG2, "-aspect", "16:9"), "the shape of pixels changed in mid-stream"),
        (X264, ("-vf", "scale=320:240", *X264), "the size of the picture changed in mid-stream"),
        ((*X264, *SDR), (*X264, *PQ), "colours changed in mid-stream"),
        ((*X264, *PQ), (*X264, *SDR), "colours changed in mid-stream"),
    ],
)
def test_what_changes_in_mid_stream(
    first_options: tuple[str, ...], second_options: tuple[str, ...], expected_note: str, tmp_path: Path
) -> None:
    """Each half looks as it does in a file of its own, and the change is said."""
    halves = [
        ffmpeg(*pattern("160x120", 1), *options, out=tmp_path / f"{i}.ts")
        for i, options in enumerate((first_options, second_options))
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(half.read_bytes() for half in halves))
    images, notes = displayed(path)
    assert len([note for note in notes if note.startswith(expected_note)]) == 1
    for i, half in ((3, halves[0]), (-3, halves[1])):
        expected, _ = displayed(half)
        assert {image.shape for image in expected} == {images[i].shape}
        distances = [np.abs(images[i].astype(int) - image).mean() for image in expected]
        assert np.argmin(distances) == i % len(expected)
        assert min(distances) < 8  # the edges of saturated bars


@pytest.mark.parametrize("colors", [("-colorspace", "ycgco"), PQ, SDR], ids=["YCgCo", "PQ", "SDR"])
def test_colors_stay_where_the_shape_of_pixels_changes(colors: tuple[str, ...], tmp_path: Path) -> None:
    """The filter that scales to the first shape neither refuses a matrix nor converts levels."""
    halves = [
        ffmpeg("-f", "lavfi", "-i", SKIN, "-vf", f"setsar={sar}", *X264, *colors, out=tmp_path / f"{i}.ts")
        for i, sar in enumerate(("1", "4/3"))
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(half.read_bytes() for half in halves))
    images, _ = displayed(path)
    np.testing.assert_allclose(images[-3].mean((0, 1)), images[3].mean((0, 1)), atol=0.5)


def test_full_frames_keep_their_size_where_the_orientation_changes(tmp_path: Path) -> None:
    shapes = []
    with Media.open(still_clip(tmp_path / "0.mp4", corners((96, 64)))) as media:
        scale = FullFrame(media.picture)
        for degrees in (0, 90):
            with Media.open(still_clip(tmp_path / f"{degrees}.mp4", corners((96, 64)), degrees)) as turned:
                first = next(f for f in turned.decode(video=True, audio=False) if isinstance(f, VideoFrame))
                shapes.append(scale(first.frame).shape)
    assert shapes == [(64, 96, 3)] * 2


def test_bars_are_cropped_where_the_size_of_the_picture_stays(tmp_path: Path) -> None:
    pieces = []
    for i, size in enumerate(("320:240", "160:120")):
        padded = f"scale={size},pad=iw:ih*3/2:0:ih/4"
        pieces.append(ffmpeg(*pattern("320x240", 1), "-vf", padded, *X264, out=tmp_path / f"{i}.ts"))
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(piece.read_bytes() for piece in pieces))
    images, notes = displayed(path, bars="crop")
    assert (images[3].shape[:2], images[-3].shape[:2]) == ((240, 320), (180, 160))
    assert any("changed in mid-stream" in note for note in notes)


@pytest.mark.parametrize(
    ("name", "options", "note"),
    [
        ("sbs.mp4", (*X264, "-x264-params", "frame-packing=3"), "stereoscopic: the pictures of both eyes"),
        ("log.mp4", (*X264, *SDR[:4], "-color_trc", "log100"), "the transfer log100 is not converted"),
        ("alpha.webm", ("-vf", "format=yuva420p", "-c:v", "libvpx-vp9", "-cpu-used", "8"), "transparency is not read"),
        ("opaque.gif", (), None),
        ("nearly.mp4", ("-vf", "setsar=226/225", *X264), None),
    ],
)
def test_what_is_not_shown_is_said(name: str, options: tuple[str, ...], note: str | None, tmp_path: Path) -> None:
    _, notes = displayed(ffmpeg(*pattern("160x120", 0.4), *options, out=tmp_path / name))
    assert len(notes) == (note is not None)
    assert note is None or notes[0].startswith(note)


def with_box(source: Path, out: Path, parents: tuple[bytes, ...], box: bytes) -> Path:
    """Appends a box to the last of nested boxes of an MP4 file whose index is at its end."""
    content = bytearray(source.read_bytes())
    sizes, end = [], 0
    for name in parents:
        end = content.index(name, end) + 4
        sizes.append(end - 8)
    last = sizes[-1] + int.from_bytes(content[sizes[-1] : sizes[-1] + 4], "big")
    for place in sizes:
        size = int.from_bytes(content[place : place + 4], "big") + len(box)
        content[place : place + 4] = size.to_bytes(4, "big")
    out.write_bytes(bytes(content[:last]) + box + bytes(content[last:]))
    return out


def test_a_spherical_picture_is_said(tmp_path: Path) -> None:
    """By the box of Google's Spherical Video V1."""
    xml = b"""<?xml version="1.0"?><rdf:SphericalVideo><GSpherical:Spherical>true</GSpherical:Spherical>
        <GSpherical:Stitched>true</GSpherical:Stitched><GSpherical:StitchingSoftware>x</GSpherical:StitchingSoftware>
        <GSpherical:ProjectionType>equirectangular</GSpherical:ProjectionType></rdf:SphericalVideo>"""
    payload = bytes.fromhex("ffcc8263f8554a938814587a02521fdd") + xml
    source = ffmpeg(*pattern("160x120", 0.4), *X264, out=tmp_path / "flat.mp4")
    box = struct.pack(">I4s", 8 + len(payload), b"uuid") + payload
    (note,) = displayed(with_box(source, tmp_path / "clip.mp4", (b"moov", b"trak"), box))[1]
    assert note.startswith("spherical: measured as it is stored (equirectangular)")


def test_a_clean_aperture_is_honoured(tmp_path: Path) -> None:
    """The box `clap` of a sample entry."""
    source = ffmpeg(*pattern("160x120", 0.4), *X264, out=tmp_path / "whole.mp4")
    box = struct.pack(">I4s8I", 40, b"clap", 120, 1, 80, 1, 0, 1, 0, 1)
    images, notes = displayed(with_box(source, tmp_path / "clip.mp4", SAMPLE_ENTRY, box))
    assert notes == ["cropped as the container says: 20 left, 20 right, 20 top, 20 bottom"]
    assert np.abs(images[3].astype(int) - displayed(source)[0][3][20:-20, 20:-20]).mean() < 1


def test_the_colours_of_dolby_vision_alone(tmp_path: Path) -> None:
    """Profile 5, IPT of PQ in full range without a tag, encoded here by the inverse of its published matrices."""
    nit = np.array([[50, 50, 50], [150, 20, 10], [10, 80, 20], [15, 20, 120]], float)  # BT.2020
    rgb_from_lms = np.array([[3.06441879, -2.16597676, 0.10155818], [-0.65612108, 1.78554118, -0.12943749]])
    rgb_from_lms = np.vstack([rgb_from_lms, [0.01736321, -0.04725154, 1.03004253]])
    crosstalk = (np.full((3, 3), -349) + np.eye(3) * (17081 + 349)) / 16384
    lms_from_ipt = np.array([[8192, 799, 1681], [8192, -933, 1091], [8192, 267, -5545]]) / 8192
    ipt = pq(nit @ np.linalg.inv(rgb_from_lms @ crosstalk).T) @ np.linalg.inv(lms_from_ipt).T
    codes = np.round((ipt + np.array([0, 0.5, 0.5])) * 1023).astype(np.uint16)
    path = tmp_path / "ipt.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"qp": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 16, "yuv444p10le"
        for i in range(4):
            frame = av.VideoFrame(64, 16, "yuv444p10le")
            for plane, levels in zip(frame.planes, codes.T, strict=True):
                plane.update(np.repeat(np.repeat(levels, 16)[None], 16, axis=0).tobytes())
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    record = struct.pack(">BBH", 1, 0, 5 << 9 | 6 << 3 | 0b101) + bytes(20)  # profile, level, RPU and base layer
    box = struct.pack(">I4s", 8 + len(record), b"dvcC") + record
    images, (note,) = displayed(with_box(path, tmp_path / "clip.mp4", SAMPLE_ENTRY, box))
    assert note.startswith("Dolby Vision without its dynamic metadata")
    expected = 255 * to_sdr(pq(nit), ColorEncoding("smpte2084", "bt2020"))
    np.testing.assert_allclose(images[1][8, 8::16], expected, atol=5)


def pq(nit: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084, literally."""
    y = (nit.clip(0) / 10000) ** (2610 / 16384)
    return np.asarray(((3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 4096 * 128))


def test_a_change_is_in_the_records(tmp_path: Path) -> None:
    halves = [
        ffmpeg(*pattern("160x120", 1), *MPEG2, "-aspect", a, out=tmp_path / f"{a[0]}.ts") for a in ("4:3", "16:9")
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(half.read_bytes() for half in halves))
    result = extract(path, tmp_path / "out", features=("color", "lighting")).result
    assert any("the shape of pixels changed in mid-stream, at 0.9" in note for note in result.notes)


@pytest.mark.parametrize("pixel_format", ["yuv422p10le", "yuv444p10le", "yuv420p12le"])
def test_brightness_does_not_depend_on_the_number_of_bits(pixel_format: str, tmp_path: Path) -> None:
    codec = ("-c:v", "ffv1", "-pix_fmt", pixel_format, *SDR)
    brown = ("-f", "lavfi", "-i", "color=0x907050:s=320x240:d=0.1")
    (image, *_), notes = displayed(ffmpeg(*brown, *codec, out=tmp_path / "clip.mkv"))
    exact = ("-sws_flags", "bicubic+accurate_rnd+full_chroma_int", "-pix_fmt", "rgb24", "-f", "rawvideo")
    pixels = ffmpeg("-i", str(tmp_path / "clip.mkv"), "-frames:v", "1", *exact, out=tmp_path / "raw").read_bytes()
    expected = np.frombuffer(pixels, np.uint8).reshape(image.shape)
    assert abs(image.mean() - expected.mean()) < 0.9
    assert notes == []
