"""Time stamps become seconds from t = 0, and edit lists cut the last frame."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import pytest

from avcues.pipeline.media.stream_clock import StreamClock

ORIGIN = Fraction(1, 3)


def clock(*, duration: int | None = None, container_format: str = "mov,mp4,m4a") -> StreamClock:
    stream = SimpleNamespace(time_base=Fraction(1, 1000), start_time=100, duration=duration)
    return StreamClock(stream, ORIGIN, container_format)


@pytest.mark.parametrize("pts", [-5, 0, 333, 10**9])
def test_seconds_are_exact(pts: int) -> None:
    assert clock().seconds(pts) == Fraction(pts, 1000) - ORIGIN


def test_a_frame_ends_with_the_edit_list() -> None:
    assert clock(duration=1000).length(1080, 40) == Fraction(20, 1000)
    assert clock(duration=1000).length(1000, 40) == Fraction(40, 1000)
    assert clock(duration=1000).length(1200, 40) == Fraction(40, 1000)


def test_less_than_a_tick_of_the_movies_clock_is_rounding() -> None:
    assert clock(duration=1000).length(1061, 40) == Fraction(40, 1000)


@pytest.mark.parametrize("changes", [{"container_format": "matroska,webm"}, {"duration": None}])
def test_without_an_edit_list_frames_keep_their_length(changes: dict) -> None:
    assert clock(**{"duration": 1000, **changes}).length(1080, 40) == Fraction(40, 1000)
