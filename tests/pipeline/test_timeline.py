"""Pace: time since the last cut, and cuts around a moment, against counting them one by one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from avcues.pipeline.timeline import Grid, Shot, cuts_around, shot_of_windows, since_cut

GRID = Grid(Fraction(1, 2))
STARTS = [Fraction(1, 4), Fraction(1), Fraction("2.04"), Fraction("7.1"), Fraction(20), Fraction("20.5")]
END = Fraction(25)
WINDOWS = 52  # the last two after the end of the picture
SHOTS = [Shot(start, end, 1) for start, end in zip(STARTS, [*STARTS[1:], END], strict=True)]


def test_time_since_the_cut_is_that_of_the_shot_on_screen() -> None:
    seconds = since_cut(SHOTS, shot_of_windows(SHOTS, GRID, WINDOWS), GRID)
    for window, actual in enumerate(seconds):
        time = Fraction(window, 2)
        begun = [start for start in STARTS if start <= time < END]
        assert np.isnan(actual) if not begun else actual == float(time - begun[-1]), time
    assert np.isnan(seconds[0]) and np.isnan(seconds[-2:]).all()
    assert seconds[2] == 0  # a shot that begins with the window


def test_cuts_of_ten_seconds_are_those_five_seconds_before_and_after() -> None:
    counted = cuts_around(SHOTS, GRID, WINDOWS)
    for window, actual in enumerate(counted):
        time = Fraction(window, 2)
        assert actual == sum(time - 5 <= start < time + 5 for start in STARTS[1:]), time
    assert counted.max() == 3
    assert cuts_around([], GRID, 3).tolist() == [0, 0, 0]
