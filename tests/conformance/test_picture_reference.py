"""Networks see in anamorphic, interlaced, HDR, letterboxed and mirrored video what they see in the same plain video.

Clips are coded without loss: a fine quantiser alone (`-qp 8`) changes the largest of 365 probabilities in 2 of 28
windows, in which it leads the second by 0.003. So scenes are compared where the first leads by more than `LEAD`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from clips import Extracted, extract
from ffmpeg import ffmpeg

from avcues.models_cache.cache import WEIGHTS_DIR_VARIABLE
from avcues.pipeline.media.reading import Reading

LOSSLESS = ("-an", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0")
NETWORKS: dict[str, Any] = {
    "features": ("scenes", "expressions", "color"),
    "options": {
        "scenes": {"variant": "squeezenet11"},
        "expressions": {"variant": "mini_xception", "detector": "yunet"},
    },
}
MOODS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
WINDOW = "fps=50,crop=960:720:'abs(mod(n*8,640)-320)':0,scale=768:576,setsar=1"
HDR10 = (
    *("-vf", "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt2020:t=smpte2084:m=bt2020nc:r=tv:npl=203"),
    *("-pix_fmt", "yuv420p10le", "-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "smpte2084"),
)
# Each form of the picture, and the plain picture that a player turns it into: options of ffmpeg.
FORMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "anamorphic": (("-vf", "scale=720:576,setsar=64/45"), ("-vf", "scale=1024:576,setsar=1")),
    "interlaced": (
        ("-vf", f"{WINDOW},interlace=scan=tff:lowpass=0", "-flags", "+ildct+ilme", "-x264opts", "tff=1"),
        ("-vf", f"{WINDOW},framestep=2"),
    ),
    "HDR10": (HDR10, ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")),
    "letterbox": (("-vf", "crop=1280:536,pad=1280:720:0:92"), ("-vf", "crop=1280:536")),
    "mirrored": (("-vf", "hflip"), ()),
}
LEAD = 0.02


@pytest.fixture(scope="module", autouse=True)
def weights() -> None:
    if not (Path(os.environ.get(WEIGHTS_DIR_VARIABLE, "")) / "squeezenet11_places365.safetensors").exists():
        pytest.skip("../shared/weights has no network of Places365")


def clip(source: Path, out: Path, options: tuple[str, ...]) -> Path:
    return ffmpeg("-ss", "1", "-t", "14", "-i", str(source), *LOSSLESS, *options, out=out)


def with_mirror(source: Path, out: Path) -> Path:
    """The same packets, to be shown mirrored."""
    with av.open(str(source)) as reader, av.open(str(out), "w") as writer:
        stream = writer.add_stream_from_template(reader.streams.video[0])
        stream.set_display_rotation(0, hflip=True)
        for packet in reader.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                writer.mux(packet)
    return out


def probabilities(found: Extracted, rows: int) -> np.ndarray:
    """(rows, 365)."""
    table = found.table("scenes")
    names = [c for c in table.column_names if c not in ("video_id", "window", "start", "end", "top1", "indoor")]
    return np.stack([found.column("scenes", name)[:rows] for name in names], axis=1)


def agreement(found: Extracted, plain: Extracted) -> tuple[float, int, float]:
    """Share of decided windows with the same scene, difference in faces, total variation of expressions."""
    rows = min(found.result.windows, plain.result.windows)
    scenes, scenes_plain = (probabilities(e, rows) for e in (found, plain))
    second, first = np.sort(scenes_plain, axis=1)[:, -2:].T
    decided = first - second > LEAD
    assert decided.sum() > rows / 2
    same = np.mean((scenes.argmax(axis=1) == scenes_plain.argmax(axis=1))[decided])
    faces = [e.column("expressions", "faces")[:rows].sum() for e in (found, plain)]
    odds = [np.stack([e.column("expressions", m)[:rows] for m in MOODS], axis=1) for e in (found, plain)]
    return float(same), int(abs(faces[0] - faces[1])), float(np.nanmean(np.abs(odds[0] - odds[1]).sum(axis=1) / 2))


@pytest.mark.parametrize("form", FORMS)
def test_networks_see_what_a_viewer_sees(media: Callable[[str], Path], tmp_path: Path, form: str) -> None:
    if form == "HDR10" and b" zscale " not in subprocess.run(["ffmpeg", "-filters"], capture_output=True).stdout:
        pytest.skip("this ffmpeg has no zscale")
    source = media("real60.mp4")
    path, reference = (clip(source, tmp_path / f"{i}.mkv", options) for i, options in enumerate(FORMS[form]))
    if form == "mirrored":
        path = with_mirror(path, tmp_path / "0.mp4")
    plain = extract(reference, tmp_path / "plain", **NETWORKS)
    reading = Reading(bars="crop" if form == "letterbox" else "keep")
    shown = extract(path, tmp_path / "shown", **NETWORKS, reading=reading)
    scenes, faces, moods = agreement(shown, plain)
    assert scenes >= 0.95
    assert faces <= 1
    assert moods <= 0.07
    shift = shown.column("color", "saturation_mean") - plain.column("color", "saturation_mean")
    assert abs(np.mean(shift)) < 0.05
    assert np.std(shift) < 0.02
    coded = tmp_path / "0.mkv"  # without the matrix, which both readings follow
    before = extract(coded, tmp_path / "coded", **NETWORKS, reading=Reading(picture="coded"))
    assert agreement(before, plain)[2] > 1.5 * moods
