"""The threads that work on one video beside its decoder."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Generic, TypeVar

from avcues.extractors.base import BaseExtractor
from avcues.extractors.compute import Compute
from avcues.extractors.protocol import (
    AudioExtractor,
    ClipExtractor,
    Extractor,
    FrameExtractor,
    PairExtractor,
    ShotDetector,
)
from avcues.pipeline.extraction.stopwatch import Stopwatch

Batch = TypeVar("Batch")
Result = TypeVar("Result")


class Executor:
    """Sets extractors up and runs their stages beside the decoder. Call `close` at the end.

    *Threads.* The calling thread decodes; only it queues batches and receives results, so a batch on its way
    from one stage to the next passes through it. Each stage has its own thread (as many threads as cores if its
    extractor is `thread_safe`). One more thread sets the extractors up, in the order in which they are needed. With
    `compute.threads` = 1, everything runs synchronously in the calling thread.

    *Waiting.* A batch waits until its extractor is set up and a core is free; there are
    `compute.threads` cores, of which the decoder holds one except while it waits for a stage. An urgent stage needs no
    core, because the others depend on it. Results reach `on_result` in the order in which the batches were queued.
    Every network runs on one thread, so that values do not depend on the number of cores; several batches keep the
    cores busy.

    *Memory.* A stage holds `max_waiting` batches and one per thread; the decoder waits before it queues one more.

    Args:
        extractors: All extractors that have work to do on the video.
        compute: Device, precision and threads. With one thread, the constructor returns when all are set up.
        stopwatch: Counts the seconds of each extractor under its name, and of all set-ups under "setup".

    Raises:
        Exception: With one thread, whatever `setup` raised.
    """

    def __init__(self, extractors: Collection[BaseExtractor], compute: Compute, stopwatch: Stopwatch) -> None:
        self.stopwatch = stopwatch
        self._threads = compute.threads
        self._cores = threading.Semaphore(compute.threads - 1)
        self._pools: list[ThreadPoolExecutor] = []
        self._running_count = 0
        self._closed = False
        self._work_ended = threading.Condition()
        self._requested_compute = compute
        self._resolved_compute: Future[Compute] | None = None
        self._ready: dict[str, Future[None]] = {}
        self._thread_safe = {extractor.name for extractor in extractors if extractor.thread_safe}
        try:
            self._set_up_all(sorted(extractors, key=_setup_order))
        except BaseException:
            self.close()
            raise

    @property
    def is_concurrent(self) -> bool:
        """Whether stages run beside the decoder instead of synchronously in its thread."""
        return self._threads > 1

    @property
    def compute(self) -> Compute:
        """Device, precision and threads of the values; the device is definite if an extractor uses a network."""
        return self._requested_compute if self._resolved_compute is None else self._resolved_compute.result()

    def wait_until_ready(self, extractor: Extractor) -> None:
        """Returns when the extractor is set up.

        Raises:
            Exception: Whatever its `setup` raised.
        """
        self._ready[extractor.name].result()

    def stage(
        self,
        extractor: Extractor,
        work: Callable[[Batch], Result],
        on_result: Callable[[Result], object] = lambda result: None,
        *,
        max_waiting: int = 1,
        urgent: bool = False,
        in_order: bool = False,
    ) -> Stage[Batch, Result]:
        """Makes a stage of one extractor.

        Args:
            extractor: The extractor, whose name the time is counted under.
            work: Processes a batch on a thread of the stage.
            on_result: Receives each result, in the order of the batches, on the decoding thread.
            max_waiting: Number of batches that may wait.
            urgent: The stage does not wait for a core.
            in_order: Each batch continues the previous one, so one thread processes all of them even if the extractor
                is `thread_safe`.
        """

        def timed_work(batch: Batch) -> Result:
            with self.stopwatch(extractor.name):
                return work(batch)

        if self._threads == 1:
            return Stage(None, timed_work, on_result, self._cores, 0)
        thread_count = self._threads if extractor.name in self._thread_safe and not in_order else 1
        core = nullcontext() if urgent else self._cores

        def work_on_core(batch: Batch) -> Result:
            self.wait_until_ready(extractor)
            with core:
                return timed_work(batch)

        return Stage(
            self._pool(thread_count), self._counted(work_on_core), on_result, self._cores, thread_count + max_waiting
        )

    def close(self) -> None:
        """Drops queued batches and set-ups, and waits for those that are running, also if it is interrupted."""
        with self._work_ended:
            self._closed = True
        for pool in self._pools:
            # Threads are not joined: before Python 3.13, an interrupt of Thread.join() marks a thread as ended that
            # still runs (CPython issue 90882), and what it works with would be freed.
            pool.shutdown(wait=False, cancel_futures=True)
        try:
            self._wait_for_work()
        except KeyboardInterrupt:
            self._wait_for_work()
            raise

    def _wait_for_work(self) -> None:
        with self._work_ended:
            self._work_ended.wait_for(lambda: self._running_count == 0)

    def _counted(self, work: Callable[[Batch], Result]) -> Callable[[Batch], Result]:
        """Wraps work so that `close` waits for it, and so that it does not begin after `close`."""

        def counted(batch: Batch) -> Result:
            with self._work_ended:
                if self._closed:
                    raise futures.CancelledError
                self._running_count += 1
            try:
                return work(batch)
            finally:
                with self._work_ended:
                    self._running_count -= 1
                    self._work_ended.notify_all()

        return counted

    def _pool(self, threads: int) -> ThreadPoolExecutor:
        pool = ThreadPoolExecutor(threads)
        self._pools.append(pool)
        return pool

    def _set_up_all(self, extractors: Sequence[BaseExtractor]) -> None:
        pool = self._pool(1)
        for extractor in extractors:
            if extractor.uses_network and self._resolved_compute is None:
                self._resolved_compute = pool.submit(self._requested_compute.resolved)  # imports torch
            self._ready[extractor.name] = pool.submit(self._counted(self._set_up), extractor)
            if self._threads == 1:
                self.wait_until_ready(extractor)
        if self._threads == 1:
            self.compute.configure_libraries()

    def _set_up(self, extractor: BaseExtractor) -> None:
        core: AbstractContextManager[object] = self._cores if self._threads > 1 else nullcontext()
        with core, self.stopwatch("setup"):
            compute = self.compute if extractor.uses_network else self._requested_compute
            extractor.setup(replace(compute, precision=extractor.precision_in(compute)))
            compute.configure_libraries()


class Stage(Generic[Batch, Result]):
    """Queues the batches of one extractor and delivers their results; made by `Executor.stage`."""

    def __init__(
        self,
        pool: ThreadPoolExecutor | None,
        work: Callable[[Batch], Result],
        on_result: Callable[[Result], object],
        cores: threading.Semaphore,
        max_pending: int,
    ) -> None:
        self._pool = pool
        self._work = work
        self._on_result = on_result
        self._cores = cores
        self._max_pending = max_pending
        self._pending: deque[Future[Result]] = deque()

    def push(self, batch: Batch) -> None:
        """Queues a batch; waits while the queue is full.

        Raises:
            Exception: Whatever an earlier batch's work, or its extractor's `setup`, raised.
        """
        if self._pool is None:
            self._on_result(self._work(batch))
            return
        self._pending.append(self._pool.submit(self._work, batch))
        while self._pending and (len(self._pending) > self._max_pending or self._pending[0].done()):
            self._deliver_next()

    def drain(self) -> None:
        """Waits for all batches.

        Raises:
            Exception: See `push`.
        """
        while self._pending:
            self._deliver_next()

    def _deliver_next(self) -> None:
        future = self._pending.popleft()
        if not future.done():
            self._cores.release()
            try:
                futures.wait((future,))
            finally:
                self._cores.acquire()
        self._on_result(future.result())


def _setup_order(extractor: BaseExtractor) -> int:
    """Sort key: what the decoder waits for soonest comes first.

    Other stages wait for the shot detector. Frame extractors without a network are set up at once, and would keep the
    decoder waiting while networks are loaded. Clips take longest, and audio can wait in memory.
    """
    if isinstance(extractor, ShotDetector):
        return 0
    if isinstance(extractor, FrameExtractor | PairExtractor) and not extractor.uses_network:
        return 1
    if isinstance(extractor, ClipExtractor):
        return 2
    return 4 if isinstance(extractor, AudioExtractor) else 3


def runs_network(extractor: Extractor) -> bool:
    """Whether an extractor runs a network, which takes long."""
    return isinstance(extractor, BaseExtractor) and extractor.uses_network
