"""Networks see in anamorphic, interlaced and HDR video what they see in the same video with plain frames."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import Extracted, extract
from ffmpeg import ffmpeg

from avcues.models_cache.cache import WEIGHTS_DIR_VARIABLE
from avcues.pipeline.media.reading import Reading

BEST = ("-an", "-c:v", "libx264", "-preset", "veryfast", "-qp", "8")
NETWORKS: dict[str, Any] = {
    "features": ("scenes", "expressions"),
    "options": {
        "scenes": {"variant": "squeezenet11"},
        "expressions": {"variant": "mini_xception", "detector": "yunet"},
    },
}
MOODS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
WINDOW = "fps=50,crop=960:720:'abs(mod(n*8,640)-320)':0,scale=768:576,setsar=1"
FIELDS = ("-flags", "+ildct+ilme", "-x264opts", "tff=1")


@pytest.fixture(scope="module", autouse=True)
def weights() -> None:
    if not (Path(os.environ.get(WEIGHTS_DIR_VARIABLE, "")) / "squeezenet11_places365.safetensors").exists():
        pytest.skip("../shared/weights has no network of Places365")


def clip(source: Path, out: Path, filters: str, *options: str) -> Path:
    return ffmpeg("-ss", "1", "-t", "14", "-i", str(source), *BEST, *options, "-vf", filters, out=out)


def agreement(found: Extracted, plain: Extracted) -> tuple[float, int, float]:
    """Share of windows with the same scene, difference in the number of faces, total variation of expressions."""
    rows = min(found.result.windows, plain.result.windows)
    same = np.mean(found.column("scenes", "top1")[:rows] == plain.column("scenes", "top1")[:rows])
    faces = [e.column("expressions", "faces")[:rows].sum() for e in (found, plain)]
    odds = [np.stack([e.column("expressions", m)[:rows] for m in MOODS], axis=1) for e in (found, plain)]
    return float(same), int(abs(faces[0] - faces[1])), float(np.nanmean(np.abs(odds[0] - odds[1]).sum(axis=1) / 2))


@pytest.mark.parametrize("form", ["anamorphic", "interlaced"])
def test_networks_see_what_a_viewer_sees(media: Callable[[str], Path], tmp_path: Path, form: str) -> None:
    source = media("real60.mp4")
    if form == "anamorphic":
        path = clip(source, tmp_path / "clip.mkv", "scale=720:576,setsar=64/45")
        reference = clip(source, tmp_path / "plain.mkv", "scale=1024:576,setsar=1")
    else:
        path = clip(source, tmp_path / "clip.mkv", f"{WINDOW},interlace=scan=tff:lowpass=0", *FIELDS)
        reference = clip(source, tmp_path / "plain.mkv", f"{WINDOW},framestep=2")
    plain = extract(reference, tmp_path / "plain", **NETWORKS)
    scenes, faces, moods = agreement(extract(path, tmp_path / "display", **NETWORKS), plain)
    coded = extract(path, tmp_path / "coded", **NETWORKS, reading=Reading(picture="coded"))
    scenes_before, _, moods_before = agreement(coded, plain)
    assert scenes >= (0.9 if form == "anamorphic" else 0.85)  # of 28 windows; a re-encode alone moves one
    assert faces <= 1
    assert moods <= 0.09  # of 28 windows; over 30 s it is 0.06
    assert moods < 0.6 * moods_before
    assert form == "anamorphic" or scenes > scenes_before + 0.2
