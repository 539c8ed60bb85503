"""When an instant of a clip was on screen, and where the pointer was then."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from avcues.pipeline.collection.design.rating import Axis, Plane, TimeSlider
from avcues.pipeline.collection.export.flags import stalled_s
from avcues.pipeline.collection.export.lag import lag_s, point_path
from avcues.pipeline.collection.export.samples import sample_ratings
from avcues.pipeline.collection.export.trace import parse_events

PLANE = Plane(kind="plane", x=Axis(name="valence"), y=Axis(name="arousal", low=0, high=10))
SLIDER = TimeSlider(kind="slider", axis=Axis(name="tension", low=0, high=1))


def frame(ms: float, seconds: float, shown: float | None = None) -> list[object]:
    return ["f", ms, ms if shown is None else shown, seconds, 1]


def test_an_instant_is_reached_while_its_frame_is_on_screen_also_after_a_stall() -> None:
    frames = (frame(1000, 0), frame(1040, 0.04), frame(3080, 0.08), frame(3120, 0.12))
    trace = parse_events([["m", 900, 0.5, 0.5], *frames])
    reached = trace.page_ms(np.array([0, 0.02, 0.04, 0.07, 0.08, 0.1, 0.2]))
    assert list(reached) == [1000, 1020, 1040, 1070, 3080, 3100, 3200]
    # In a frame that was shown for less than its time, nothing is reached after the next one appeared.
    hurried = parse_events([frame(1000, 0), frame(1010, 0.04), frame(1050, 0.08)])
    assert list(hurried.page_ms(np.array([0.03, 0.04]))) == [1010, 1010]


def test_samples_are_where_the_pointer_was() -> None:
    events = [["m", 990, 0.5, 0.5], *(frame(1000 + i * 40, i / 25) for i in range(50))]
    events += [["m", 1499, 1, 0.25], ["m", 1501, 0, 1], ["m", 2600, 0.5, 0]]
    times, values = sample_ratings(parse_events(events), PLANE, 2.0, Fraction(1, 2))
    assert list(times) == [0, 0.5, 1, 1.5]
    assert list(values["valence"]) == [0, 1, -1, -1]
    assert list(values["arousal"]) == [5, 2.5, 10, 10]


def test_sound_alone_follows_the_clock_of_the_clip() -> None:
    clock = [["c", 1000, 0], ["c", 1100, 0.1], ["c", 1600, 0.1], ["c", 2000, 0.5]]  # stalled for half a second
    trace = parse_events([["m", 950, None, 0.2], *clock, ["m", 1500, None, 0.9]])
    assert list(trace.page_ms(np.array([0, 0.05, 0.1, 0.3]))) == [1000, 1050, 1100, 1800]
    _, values = sample_ratings(trace, SLIDER, 0.5, Fraction(1, 10))
    assert list(values["tension"]) == [0.2, 0.2, 0.9, 0.9, 0.9]


def test_frames_that_go_back_or_are_shown_at_impossible_times_do_not_count() -> None:
    trace = parse_events([frame(1000, 0), frame(1040, 0.04, shown=9e9), frame(1080, 0.02), frame(1120, 0.12)])
    assert trace.frames.tolist() == [[1000, 0], [1040, 0.04], [1120, 0.12]]


def test_an_empty_trace_has_no_samples() -> None:
    _, values = sample_ratings(parse_events([]), PLANE, 1.0, Fraction(1, 2))
    assert np.isnan(values["valence"]).all()


@pytest.mark.parametrize("lag", [0.0, 0.35, 1.2])
def test_the_lag_is_that_of_the_pointer_behind_the_point(lag: float) -> None:
    times = np.arange(0, 20, 1 / 60)
    noise = np.random.default_rng(1).normal(0, 0.01, (len(times), 2))
    events: list[list[object]] = []
    for time, (x, y) in zip(times, point_path(times - lag) + noise, strict=True):
        events += [["c", 500 + time * 1000, time], ["m", 500 + time * 1000, x, y]]
    assert lag_s(parse_events(events)) == pytest.approx(lag, abs=0.03)


def test_a_pointer_that_does_not_follow_has_no_lag() -> None:
    times = np.arange(0, 20, 1 / 60)
    events = [["c", time * 1000, time] for time in times] + [["m", time * 1000, 0.5, 0.9] for time in times]
    assert lag_s(parse_events(events)) is None


def test_stalls_are_counted_without_pauses() -> None:
    kinds = [("playing", 0), ("waiting", 1000), ("playing", 1800), ("halt", 2000), ("waiting", 2100), ("resume", 9000)]
    events = [["e", ms, 0, name, None] for name, ms in kinds]
    assert stalled_s(parse_events(events)) == pytest.approx(0.8)
