"""Networks see in anamorphic, interlaced, HDR, barred and mirrored video what they see in the same plain video.

Clips are coded without loss: a fine quantiser alone (`-qp 8`) changes the largest of 365 probabilities in 2 of 28
windows, in which it leads the second by 0.003. So scenes are compared where the first leads by more than `LEAD`. Where
nothing depends on neighbouring frames, clips hold the frames of the half-second grid alone.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import Extracted, extract
from ffmpeg import ffmpeg
from hlg import hlg_of
from oriented import with_matrix

from avcues.extractors.compute import Compute
from avcues.models_cache import WeightsError
from avcues.models_cache.cache import WEIGHTS_DIR_VARIABLE, WeightsFinder
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
LEAD = 0.02
GRID = "fps=2"
WINDOW = "fps=50,crop=960:720:'abs(mod(n*8,640)-320)':0,scale=768:576,setsar=1"
TO_2020 = "zscale=t=linear{},format=gbrpf32le,zscale=p=bt2020:t={}:m=bt2020nc:r=tv{},format=yuv420p10le"
BT709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
BT2020 = ("-colorspace", "bt2020nc", "-color_primaries", "bt2020")
PLAIN = ("-vf", GRID, *BT709)
# Each form of the picture, and the plain picture that a player turns it into: options of ffmpeg.
FORMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "anamorphic": (("-vf", f"{GRID},scale=720:576,setsar=64/45"), ("-vf", f"{GRID},scale=1024:576,setsar=1")),
    "interlaced": (
        ("-vf", f"{WINDOW},interlace=scan=tff:lowpass=0", "-flags", "+ildct+ilme", "-x264opts", "tff=1"),
        ("-vf", f"{WINDOW},framestep=2"),
    ),
    "HDR10": (
        ("-vf", f"{GRID},{TO_2020.format(':npl=203', 'smpte2084', ':npl=203')}", *BT2020, "-color_trc", "smpte2084"),
        PLAIN,
    ),
    "HLG": (PLAIN, PLAIN),
    "BT.2020": (("-vf", f"{GRID},{TO_2020.format('', 'bt709', '')}", *BT2020, "-color_trc", "bt709"), PLAIN),
    "letterbox": (("-vf", f"{GRID},crop=1280:536,pad=1280:720:0:92"), ("-vf", f"{GRID},crop=1280:536")),
    "pillarbox": (("-vf", f"{GRID},crop=960:720,pad=1280:720:160:0"), ("-vf", f"{GRID},crop=960:720")),
    "9:16": (("-vf", f"{GRID},crop=404:720,pad=1280:720:438:0"), ("-vf", f"{GRID},crop=404:720")),
    "mirrored": (("-vf", f"{GRID},hflip", *BT709), PLAIN),
}
BARRED = ("letterbox", "pillarbox", "9:16")
SHOTS = ((10, 60), (337, 387), (400, 450), (489, 539), (595, 645), (710, 760), (840, 890), (1400, 1450))
"""First frame, and the one after the last, of stretches of the test minute that show one shot each."""


@pytest.fixture(scope="module", autouse=True)
def weights() -> None:
    if not (Path(os.environ.get(WEIGHTS_DIR_VARIABLE, "")) / "squeezenet11_places365.safetensors").exists():
        pytest.skip("../shared/weights has no network of Places365")


@pytest.fixture(scope="module")
def plain(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[str, ...]], Any]:
    """The plain picture that was made with these options, and its tables, each made once."""
    folder = tmp_path_factory.mktemp("plain")

    @cache
    def make_clip(options: tuple[str, ...]) -> tuple[Path, Extracted]:
        path = clip(media("real60.mp4"), folder / f"{len(list(folder.glob('*.mkv')))}.mkv", options)
        return path, extract(path, folder / path.stem, **NETWORKS)

    return make_clip


def clip(source: Path, out: Path, options: tuple[str, ...]) -> Path:
    return ffmpeg("-ss", "1", "-t", "14", "-i", str(source), *LOSSLESS, *options, out=out)


def probabilities(extracted: Extracted, rows: int) -> np.ndarray:
    """(rows, 365)."""
    table = extracted.table("scenes")
    names = [c for c in table.column_names if c not in ("video_id", "window", "start", "end", "top1", "indoor")]
    return np.stack([extracted.column("scenes", name)[:rows] for name in names], axis=1)


def agreement(extracted: Extracted, plain: Extracted) -> tuple[float, int, float]:
    """Share of decided windows with the same scene, difference in faces, total variation of expressions."""
    rows = min(extracted.result.windows, plain.result.windows)
    scenes, scenes_plain = (probabilities(e, rows) for e in (extracted, plain))
    second, first = np.sort(scenes_plain, axis=1)[:, -2:].T
    decided = first - second > LEAD
    assert decided.sum() > rows / 2
    equal_top1 = np.mean((scenes.argmax(axis=1) == scenes_plain.argmax(axis=1))[decided])
    faces = [e.column("expressions", "faces")[:rows].sum() for e in (extracted, plain)]
    odds = [np.stack([e.column("expressions", m)[:rows] for m in MOODS], axis=1) for e in (extracted, plain)]
    return (
        float(equal_top1),
        int(abs(faces[0] - faces[1])),
        float(np.nanmean(np.abs(odds[0] - odds[1]).sum(axis=1) / 2)),
    )


def saturation_shift(extracted: Extracted, plain: Extracted) -> np.ndarray:
    return extracted.column("color", "saturation_mean") - plain.column("color", "saturation_mean")


def in_form(form: str, source: Path, plain_clip: Path, folder: Path) -> Path:
    """The clip in a form that is not the plain one."""
    if form in ("HDR10", "BT.2020"):
        filters = subprocess.run(["ffmpeg", "-filters"], capture_output=True).stdout
        if b" zscale " not in filters:
            pytest.skip("this ffmpeg has no zscale")
    if form == "HLG":
        return hlg_of(plain_clip, folder / "hlg.mkv", quantiser=0)
    coded = clip(source, folder / "form.mkv", FORMS[form][0])
    return with_matrix(coded, folder / "form.mp4", hflip=True) if form == "mirrored" else coded


@pytest.mark.parametrize("form", FORMS)
def test_networks_see_what_a_viewer_sees(
    media: Callable[[str], Path], plain: Callable[[tuple[str, ...]], Any], tmp_path: Path, form: str
) -> None:
    plain_clip, reference = plain(FORMS[form][1])
    path = in_form(form, media("real60.mp4"), plain_clip, tmp_path)
    reading = Reading(bars="crop" if form in BARRED else "keep")
    displayed = extract(path, tmp_path / "shown", **NETWORKS, reading=reading)
    scenes, faces, moods = agreement(displayed, reference)
    assert scenes >= 0.95
    assert faces <= 1
    assert moods <= 0.07
    shift = saturation_shift(displayed, reference)
    assert abs(np.mean(shift)) < 0.05
    assert np.std(shift) < 0.02
    # Both readings follow the matrix, so that only its packets are the picture as coded.
    coded = extract(path.with_suffix(".mkv"), tmp_path / "coded", **NETWORKS, reading=Reading(picture="coded"))
    scenes_before, _, moods_before = agreement(coded, reference)
    shift_before = abs(np.mean(saturation_shift(coded, reference)))
    assert moods_before > 1.5 * moods or scenes_before < scenes - 0.1 or shift_before > 0.05


def test_actions_are_those_of_square_pixels(media: Callable[[str], Path], tmp_path: Path) -> None:
    """Eight shots of two seconds; I3D is asked in 8 bits, which takes a quarter of the time."""
    try:
        WeightsFinder().resolve("actions/i3d_rgb_scratch")
    except WeightsError as error:
        pytest.skip(str(error))
    chosen = "+".join(f"between(n,{first},{end - 1})" for first, end in SHOTS)
    actions: dict[str, Any] = {"features": ("actions",), "options": {"actions": {"variant": "i3d_rgb_scratch"}}}
    int8, top1 = Compute(device="cpu", precision="int8"), {}
    for name, shape in {"anamorphic": "scale=720:576,setsar=64/45", "plain": "scale=1024:576,setsar=1"}.items():
        filters = f"select='{chosen}',setpts=N/25/TB,{shape}"
        path = ffmpeg("-i", str(media("real60.mp4")), *LOSSLESS, "-vf", filters, out=tmp_path / f"{name}.mkv")
        for picture in ("display", "coded") if name == "anamorphic" else ("display",):
            out = tmp_path / f"{name}_{picture}"
            extracted = extract(path, out, **actions, compute=int8, reading=Reading(picture=picture))
            top1[name, picture] = extracted.column("actions", "top1")
            assert len(top1[name, picture]) == len(SHOTS)
    plain = top1["plain", "display"]
    equal_top1 = {picture: int((top1["anamorphic", picture] == plain).sum()) for picture in ("display", "coded")}
    assert equal_top1["display"] >= 7
    assert equal_top1["coded"] < equal_top1["display"]
