"""Shots against PySceneDetect on the same file, and against the joins that are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import scenedetect
from clips import extract

SETTINGS = {
    "adaptive": lambda: scenedetect.AdaptiveDetector(min_scene_len=0.25),
    "content": lambda: scenedetect.ContentDetector(min_scene_len=0.25),
}


@pytest.mark.parametrize("detector", SETTINGS)
@pytest.mark.parametrize("name", ["real60.mp4", "vfr20.mp4", "rot90_12.mp4", "noaudio20.mp4", "tiny4.mp4"])
def test_shots_equal_pyscenedetect(media: Callable[[str], Path], tmp_path: Path, name: str, detector: str) -> None:
    extracted = extract(media(name), tmp_path, features=("shots",), options={"shots": {"detector": detector}})
    reference = scenedetect.detect(str(media(name)), SETTINGS[detector](), start_in_scene=True)
    starts = [round(start.seconds, 3) for start, _ in reference]
    assert [round(start, 3) for start in extracted.column("shots", "start")] == starts


def test_every_true_join_is_found_within_a_frame(real60, media: Callable[[str], Path]) -> None:
    truth = json.loads(media("real60.truth.json").read_text())["cuts_s"]
    starts = real60.column("shots", "start")
    for join in truth:
        assert min(abs(starts - join)) <= 0.04 + 1e-9, join


def test_frames_of_all_shots_are_all_frames(real60) -> None:
    assert real60.column("shots", "frames").sum() == 1500
