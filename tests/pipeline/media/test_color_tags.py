"""Which matrix turns coded video into RGB: that of the tag, without one as players choose, and the table says which."""

from __future__ import annotations

import io
import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
from clips import extract
from rich.console import Console

from avcues.pipeline.cli.display import Display
from avcues.pipeline.media.reading import Reading
from avcues.pipeline.runtime.observer import RunPlan

CODED = (100, 90, 200)
"""Y, Cb and Cr of every pixel."""
KR_KB = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}


def value_of(matrix: str) -> float:
    """max(R, G, B) / 255 of `CODED` in limited range, by the definition of the matrix."""
    luma, blue, red = (CODED[0] - 16) / 219, (CODED[1] - 128) / 224, (CODED[2] - 128) / 224
    kr, kb = KR_KB[matrix]
    r, b = luma + 2 * (1 - kr) * red, luma + 2 * (1 - kb) * blue
    return max(r, (luma - kr * r - kb * b) / (1 - kr - kb), b)


def clip_of_one_color(path: Path, matrix: int | None, size: tuple[int, int] = (1280, 720)) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=4, options={"preset": "ultrafast", "qp": "1"})
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        if matrix is not None:
            stream.codec_context.colorspace, stream.codec_context.color_range = matrix, 1
        for i in range(4):
            frame = av.VideoFrame(*size, "yuv420p")
            for plane, level in zip(frame.planes, CODED, strict=True):
                plane.update(bytes([level]) * plane.buffer_size)
            frame.pts, frame.time_base = i, Fraction(1, 4)
            if matrix is not None:
                frame.colorspace, frame.color_range = matrix, 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("tag", "name", "color_range", "used"),
    [(1, "bt709", "limited", "bt709"), (6, "smpte170m", "limited", "bt601"), (None, "untagged", "untagged", "bt709")],
)
def test_the_tagged_matrix_is_used_and_recorded(
    tag: int | None, name: str, color_range: str, used: str, tmp_path: Path
) -> None:
    extracted = extract(clip_of_one_color(tmp_path / "clip.mp4", tag), tmp_path, features=("color",))
    np.testing.assert_allclose(extracted.column("color", "value_mean"), value_of(used), atol=0.01)
    assert abs(value_of("bt601") - value_of("bt709")) > 0.04
    source = json.loads(pq.read_schema(tmp_path / "color" / "clip.parquet").metadata[b"avcues"])["source"]
    assert (source["video"]["color_matrix"], source["video"]["color_range"]) == (name, color_range)
    assert bool(extracted.result.notes) == (tag is None)


@pytest.mark.parametrize(
    ("size", "used"),
    [
        ((640, 360), "bt601"),
        ((720, 576), "bt601"),
        ((1280, 544), "bt709"),
        ((1920, 800), "bt709"),
        ((960, 720), "bt709"),
    ],
)
def test_untagged_video_is_read_as_players_do(size: tuple[int, int], used: str, tmp_path: Path) -> None:
    extracted = extract(clip_of_one_color(tmp_path / "clip.mp4", None, size), tmp_path, features=("color",))
    np.testing.assert_allclose(extracted.column("color", "value_mean"), value_of(used), atol=0.01)
    assert bool(extracted.result.notes) == (used == "bt709")


@pytest.mark.parametrize("tag", [8, 10, 11, 12, 13, 14])
def test_a_matrix_that_the_scaler_does_not_know_costs_no_video(tag: int, tmp_path: Path) -> None:
    path = clip_of_one_color(tmp_path / "clip.mp4", tag, (320, 240))
    for picture in ("display", "coded"):
        extracted = extract(path, tmp_path / picture, features=("color",), reading=Reading(picture=picture))
        assert np.isfinite(extracted.column("color", "value_mean")).all()
        assert len(extracted.result.notes) == 1


def test_the_note_is_printed_once(tmp_path: Path) -> None:
    result = extract(clip_of_one_color(tmp_path / "clip.mp4", None), tmp_path, features=("color",)).result
    display = Display(Console(file=(printed := io.StringIO()), width=200))
    with display:
        display.on_plan(RunPlan(videos=2, problems=(), networks=(), left_out={}))
        display.on_result(result)
        display.on_result(result)
    assert printed.getvalue().count("without a colour matrix tag") == 1
