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
from avcues.extractors.protocol import AudioExtractor, ClipExtractor, Extractor, ShotDetector
from avcues.pipeline.extraction.stopwatch import Stopwatch

Batch = TypeVar("Batch")
Result = TypeVar("Result")


class Executor:
    """Sets extractors up and runs their stages beside the decoder. Call `close` at the end.

    *Who runs where.* The calling thread decodes; only it queues batches and receives results, so a batch on its way
    from one stage to the next passes through it. Each stage has a thread of its own (as many as there are cores, if
    its extractor is `thread_safe`). One more thread sets the extractors up, the one that is needed first before the
    others. With `compute.threads` = 1 everything happens at once in the calling thread.

    *What waits for what.* A batch waits until its extractor is set up and a core is free; there are
    `compute.threads` cores, of which the decoder holds one except while it waits for a stage. An urgent stage needs no
    core: the others depend on it. Results reach `on_result` in the order in which the batches were queued. Every
    network runs on one thread, so that values do not depend on the number of cores; cores are filled with batches.

    *What bounds memory.* A stage holds `queue` waiting batches and one per thread; queueing one more makes the decoder
    wait.

    Args:
        extractors: All that have work to do on the video.
        compute: What they may use. With one thread, they are set up before this returns.
        stopwatch: Counts the seconds of each extractor under its name, and of all set-ups under "setup".

    Raises:
        Exception: Whatever `setup` raised, with one thread.
    """

    def __init__(self, extractors: Collection[BaseExtractor], compute: Compute, stopwatch: Stopwatch) -> None:
        self.stopwatch = stopwatch
        self._threads = compute.threads
        self._cores = threading.Semaphore(compute.threads - 1)
        self._pools: list[ThreadPoolExecutor] = []
        self._asked = compute
        self._resolved: Future[Compute] | None = None
        self._ready: dict[str, Future[None]] = {}
        self._thread_safe = {extractor.name for extractor in extractors if extractor.thread_safe}
        try:
            self._set_up_all(sorted(extractors, key=_need))
        except BaseException:
            self.close()
            raise

    @property
    def concurrent(self) -> bool:
        """Whether stages work beside the decoder, and not at once in its thread."""
        return self._threads > 1

    @property
    def compute(self) -> Compute:
        """What values are computed with: with a definite device, if a network is among the extractors."""
        return self._asked if self._resolved is None else self._resolved.result()

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
        queue: int = 1,
        urgent: bool = False,
        in_order: bool = False,
    ) -> Stage[Batch, Result]:
        """A stage of one extractor.

        Args:
            work: What is done with a batch, on a thread of the stage; its time is counted.
            on_result: Receives each result, in the order of the batches, on the decoding thread.
            queue: Batches that may wait.
            urgent: The stage does not wait for a core.
            in_order: Each batch continues the one before it: one thread works on them, also if the extractor is
                `thread_safe`.
        """

        def timed(batch: Batch) -> Result:
            with self.stopwatch(extractor.name):
                return work(batch)

        if self._threads == 1:
            return Stage(None, timed, on_result, self._cores, 0)
        width = self._threads if extractor.name in self._thread_safe and not in_order else 1
        core = nullcontext() if urgent else self._cores

        def on_a_core(batch: Batch) -> Result:
            self.wait_until_ready(extractor)
            with core:
                return timed(batch)

        return Stage(self._pool(width), on_a_core, on_result, self._cores, width + queue)

    def close(self) -> None:
        """Drops queued batches and set-ups, and waits for those at work."""
        for pool in self._pools:
            pool.shutdown(cancel_futures=True)

    def _pool(self, threads: int) -> ThreadPoolExecutor:
        pool = ThreadPoolExecutor(threads)
        self._pools.append(pool)
        return pool

    def _set_up_all(self, extractors: Sequence[BaseExtractor]) -> None:
        pool = self._pool(1)
        for extractor in extractors:
            if extractor.uses_network and self._resolved is None:
                self._resolved = pool.submit(self._asked.resolved)  # imports torch
            self._ready[extractor.name] = pool.submit(self._set_up, extractor)
            if self._threads == 1:
                self.wait_until_ready(extractor)
        if self._threads == 1:
            self.compute.configure_libraries()

    def _set_up(self, extractor: BaseExtractor) -> None:
        core: AbstractContextManager[object] = self._cores if self._threads > 1 else nullcontext()
        with core, self.stopwatch("setup"):
            compute = self.compute if extractor.uses_network else self._asked
            extractor.setup(replace(compute, precision=extractor.precision_in(compute)))
            compute.configure_libraries()


class Stage(Generic[Batch, Result]):
    """One extractor's batches on their way; made by `Executor.stage`."""

    def __init__(
        self,
        pool: ThreadPoolExecutor | None,
        work: Callable[[Batch], Result],
        on_result: Callable[[Result], object],
        cores: threading.Semaphore,
        most_pending: int,
    ) -> None:
        self._pool = pool
        self._work = work
        self._on_result = on_result
        self._cores = cores
        self._most_pending = most_pending
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
        while self._pending and (len(self._pending) > self._most_pending or self._pending[0].done()):
            self._deliver_next()

    def drain(self) -> None:
        """Waits for all batches.

        Raises:
            Exception: As `push`.
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


def _need(extractor: BaseExtractor) -> int:
    """The shot detector is waited for; clips keep the cores busy longest; audio can wait in memory."""
    if isinstance(extractor, ShotDetector):
        return 0
    return 1 if isinstance(extractor, ClipExtractor) else 3 if isinstance(extractor, AudioExtractor) else 2


def is_network(extractor: Extractor) -> bool:
    """Whether it works with a network, and so for long."""
    return isinstance(extractor, BaseExtractor) and extractor.uses_network
