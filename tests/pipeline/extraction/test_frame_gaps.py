"""Stretches without frames or sound are said, once, with their length; what is as it should be is not mentioned."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from clips import Clip, click, extract

FEATURES = ("lighting", "rhythm")


def notes(clip: Clip, folder: Path) -> tuple[str, ...]:
    return extract(clip.write(folder / "clip.mkv"), folder / "out", features=FEATURES).result.notes


def frames(*stretches: tuple[float, float], every: float = 0.04) -> list[tuple[Fraction, int]]:
    """Gray frames from each start to each end."""
    counts = [(Fraction(str(start)), round((end - start) / every)) for start, end in stretches]
    return [(start + i * Fraction(str(every)), 40 + i % 7) for start, count in counts for i in range(count)]


@pytest.mark.parametrize(
    ("stretches", "said"),
    [
        ([(0, 2), (2.6, 6)], "no new frame for 0.6 s (longest: 0.6 s, from 2.0 s on), lost or left out"),
        ([(0, 1), (1.2, 2), (17, 20)], "no new frame for 15.2 s in 2 places (longest: 15.0 s, from 2.0 s on)"),
    ],
)
def test_gaps_between_frames_are_said(tmp_path: Path, stretches: list[tuple[float, float]], said: str) -> None:
    (note,) = notes(Clip(frames(*stretches)), tmp_path)
    assert note.startswith(said)


@pytest.mark.parametrize("every", [0.04, 0.5, 2.0, 10.0])  # the last: one still frame
def test_steady_frames_are_not_mentioned_however_slow(tmp_path: Path, every: float) -> None:
    assert notes(Clip(frames((0, 10), every=every), last_frame=Fraction(str(every))), tmp_path) == ()


def test_single_frames_that_an_encoder_left_out_are_not_mentioned(tmp_path: Path) -> None:
    assert notes(Clip([frame for i, frame in enumerate(frames((0, 6))) if i % 60 != 30]), tmp_path) == ()


def test_holes_in_the_sound_are_said(tmp_path: Path) -> None:
    sounds = [click(2, 1), click(3, 4, start=3.5), click(2, 8, start=7)]
    (note,) = notes(Clip(sounds=sounds), tmp_path)
    assert note.startswith("no sound for 2.0 s in 2 places before its end")
