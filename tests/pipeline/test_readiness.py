"""Extractors get ready beside the decoder, the most needed ones first, and what goes wrong there is not lost."""

from __future__ import annotations

import threading

import pytest

from extractors.compute import Compute
from extractors.protocol import FrameBatch
from pipeline.lanes import Lanes
from pipeline.readiness import Readiness
from pipeline.stopwatch import Stopwatch

ORDER: list[str] = []


class Frames:
    """An extractor of frames that notes when it is set up."""

    name, version, citation, Settings, settings, tables = "frames", 1, "", type(None), None, ()

    def setup(self, compute: Compute) -> None:
        ORDER.append(self.name)

    def process_frames(self, batch: FrameBatch) -> dict:
        return {}


class Broken(Frames):
    """One that cannot be set up."""

    name = "broken"

    def setup(self, compute: Compute) -> None:
        raise OSError("no such file")


class Clips(Frames):
    """One of clips."""

    name = "clips"
    clip_frames = clip_rate_hz = short_side_px = crop_px = 1
    process_clips = describe_shots = Frames.process_frames


def test_clips_come_first_and_an_error_reaches_who_waits() -> None:
    ORDER.clear()
    frames, broken, clips = Frames(), Broken(), Clips()
    readiness = Readiness([frames, broken, clips], Compute(threads=2), Lanes(2), Stopwatch())
    readiness.wait(frames)
    with pytest.raises(OSError, match="no such file"):
        readiness.wait(broken)
    readiness.close()
    assert ORDER == ["clips", "frames"]


def test_one_thread_has_everything_ready_at_once() -> None:
    ORDER.clear()
    Readiness([Frames()], Compute(), Lanes(1), Stopwatch()).close()
    assert ORDER == ["frames"]
    with pytest.raises(OSError, match="no such file"):
        Readiness([Broken()], Compute(), Lanes(1), Stopwatch())


def test_the_decoder_lends_its_core_while_it_waits() -> None:
    """With two threads, one batch is worked on beside the decoder and two while it waits for them."""
    lanes, two_at_once, taken = Lanes(2), threading.Barrier(2), []
    lane = lanes.lane(lambda batch: two_at_once.wait(timeout=20), taken.append, parallel=True)
    lane.push(0)
    lane.push(1)
    lane.drain()
    lanes.close()
    assert len(taken) == 2
