"""Extractors are set up and work beside the decoder; order, cores and errors are as the executor promises."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import FrameBatch
from avcues.pipeline.extraction.executor import Executor
from avcues.pipeline.extraction.stopwatch import Stopwatch

ORDER: list[str] = []


class Frames(BaseExtractor):
    """An extractor of frames that notes when it is set up."""

    name, version, citation, Settings, settings, tables = "frames", 1, "", type(None), None, ()

    def setup(self, compute: Compute) -> None:
        ORDER.append(self.name)

    def process_frames(self, batch: FrameBatch) -> dict:
        return {}


class Broken(Frames):
    """One whose set-up fails."""

    name = "broken"

    def setup(self, compute: Compute) -> None:
        raise OSError("no such file")


class Audio(Frames):
    """One of audio."""

    name, rate_hz, hop = "audio", None, 1
    process_frames = None
    start_audio = Frames.process_frames


class Clips(Frames):
    """One of clips."""

    name, thread_safe = "clips", True
    clip_frames = clip_rate_hz = short_side_px = crop_px = 1
    process_frames = None
    process_clips = describe_shots = Frames.process_frames


class Detector(Frames):
    """A shot detector."""

    name, lag = "detector", 0
    process_frames = None
    image_size = start_shots = Frames.process_frames


def executor(*extractors: BaseExtractor, threads: int = 2) -> Executor:
    ORDER.clear()
    return Executor(extractors, Compute(threads=threads), Stopwatch())


def test_extractors_are_set_up_by_need() -> None:
    running = executor(Audio(), Frames(), Clips(), Detector())
    running.wait_until_ready(Audio())
    running.close()
    assert ORDER == ["detector", "frames", "clips", "audio"]


def test_an_error_of_a_setup_reaches_who_waits_and_who_queues_work() -> None:
    broken, frames = Broken(), Frames()
    running = executor(broken, frames)
    running.wait_until_ready(frames)
    with pytest.raises(OSError, match="no such file"):
        running.wait_until_ready(broken)
    stage = running.stage(broken, lambda batch: batch)
    with pytest.raises(OSError, match="no such file"):
        stage.push(1)
        stage.drain()
    running.close()


def test_one_thread_has_everything_ready_at_once() -> None:
    executor(Frames(), threads=1).close()
    assert ORDER == ["frames"]
    with pytest.raises(OSError, match="no such file"):
        executor(Broken(), threads=1)


def test_the_decoder_lends_its_core_while_it_waits() -> None:
    """With two threads, one batch is worked on beside the decoder and two while it waits for them."""
    clips = Clips()
    running, two_at_once, taken = executor(clips), threading.Barrier(2), []
    stage = running.stage(clips, lambda batch: two_at_once.wait(timeout=20), taken.append)
    stage.push(0)
    stage.push(1)
    stage.drain()
    running.close()
    assert len(taken) == 2


def test_the_shot_detector_works_while_every_core_is_busy() -> None:
    """Clips come out of its stage, so waiting for a core could mean waiting for itself."""
    frames, detector, cuts = Frames(), Detector(), []
    running, gate, at_work = executor(frames, detector), threading.Event(), threading.Event()

    def occupy(batch: int) -> None:
        at_work.set()
        gate.wait(timeout=20)

    busy = running.stage(frames, occupy)
    found = threading.Event()
    shots = running.stage(detector, lambda batch: found.set() or batch, cuts.append, urgent=True)
    busy.push(0)
    assert at_work.wait(timeout=20)
    shots.push(7)
    worked_beside = found.wait(timeout=5)
    gate.set()
    shots.drain()
    busy.drain()
    running.close()
    assert worked_beside
    assert cuts == [7]


def test_the_shot_detector_is_set_up_before_its_first_batch() -> None:
    slow = threading.Event()

    class SlowDetector(Detector):
        """One whose set-up takes a while."""

        def setup(self, compute: Compute) -> None:
            slow.wait(timeout=0.2)
            super().setup(compute)

    detector = SlowDetector()
    running, order = executor(detector), []
    stage = running.stage(detector, lambda batch: order.append(list(ORDER)), urgent=True)
    stage.push(0)
    stage.drain()
    running.close()
    assert order == [["detector"]]


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_the_batches_on_the_decoding_thread(threads: int) -> None:
    clips, seen = Clips(), []
    running = executor(clips, threads=threads)
    pauses = np.random.default_rng(0).uniform(0, 0.005, 40)
    idle = threading.Event()

    def work(number: int) -> int:
        idle.wait(pauses[number])
        return number

    stage = running.stage(clips, work, lambda number: seen.append((number, threading.get_ident())))
    for number in range(40):
        stage.push(number)
    stage.drain()
    running.close()
    assert seen == [(number, threading.get_ident()) for number in range(40)]


def test_a_full_queue_makes_the_decoder_wait() -> None:
    frames = Frames()
    running, gate, held = executor(frames), threading.Event(), []
    stage = running.stage(frames, lambda batch: gate.wait(timeout=20), max_waiting=2)

    def decode() -> None:
        for number in range(5):
            stage.push(number)
            held.append(number)

    decoder = threading.Thread(target=decode)
    decoder.start()
    decoder.join(timeout=0.3)
    assert held == [0, 1, 2]  # one at work, two in the queue; the fourth waits
    gate.set()
    decoder.join(timeout=20)
    stage.drain()
    running.close()
    assert len(held) == 5


def test_batches_that_continue_each_other_are_worked_on_in_order():
    """A stage of sound has one thread, also if its extractor is thread-safe."""
    extractor = Clips()
    executor = Executor([extractor], Compute(device="cpu", threads=4), Stopwatch())
    first_may_end = threading.Event()
    ended: list[int] = []

    def work(batch: int) -> None:
        if batch == 0:
            first_may_end.wait(0.2)
        ended.append(batch)

    try:
        stage = executor.stage(extractor, work, max_waiting=8, in_order=True)
        for batch in range(6):
            stage.push(batch)
        first_may_end.set()
        stage.drain()
    finally:
        executor.close()
    assert ended == [0, 1, 2, 3, 4, 5]
