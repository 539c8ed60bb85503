"""Extractors at work beside the decoder: several batches at once, results in the order of the video.

Every network runs on one thread, so that values do not depend on how many cores there are; cores are filled with more
batches instead.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Generic, TypeVar

Batch = TypeVar("Batch")
Result = TypeVar("Result")


class Lanes:
    """The threads of one video. `close` them in the end.

    The calling thread, which decodes, counts as one of them except while it waits: more threads than cores would slow
    it down, and everything waits for the decoder.

    Args:
        threads: What is worked on at once; 1 works in the calling thread.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._cores = threading.Semaphore(threads - 1)
        self._executors: list[ThreadPoolExecutor] = []

    def core(self) -> AbstractContextManager[object]:
        """For a `with` block on another thread: it may work there."""
        return self._cores if self.threads > 1 else nullcontext()

    def close(self) -> None:
        """Drops what is not begun and waits for what is."""
        for executor in self._executors:
            executor.shutdown(cancel_futures=True)

    def lane(
        self,
        work: Callable[[Batch], Result],
        take: Callable[[Result], object],
        *,
        wait: Callable[[], object] = lambda: None,
        parallel: bool = False,
        pending: int = 1,
        urgent: bool = False,
    ) -> Lane[Batch, Result]:
        """A lane for one extractor.

        Args:
            work: What is done with a batch, on any thread.
            take: Receives the results in the order of the batches, on the calling thread.
            wait: Returns when work can begin.
            parallel: Whether several batches may be worked on at once.
            pending: Batches that may wait for being worked on.
            urgent: Never waits for a core: the others depend on it.
        """
        width = self.threads if parallel else 1
        executor = None
        if self.threads > 1:
            executor = ThreadPoolExecutor(width)
            self._executors.append(executor)
        core = nullcontext() if urgent else self._cores
        return Lane(executor, self._cores, core, wait, work, take, width + pending)


class Lane(Generic[Batch, Result]):
    """One extractor's batches on their way."""

    def __init__(
        self,
        executor: ThreadPoolExecutor | None,
        cores: threading.Semaphore,
        core: AbstractContextManager[object],
        wait: Callable[[], object],
        work: Callable[[Batch], Result],
        take: Callable[[Result], object],
        most_pending: int,
    ) -> None:
        self._executor = executor
        self._cores = cores
        self._core = core
        self._wait = wait
        self._work = work
        self._take = take
        self._most_pending = most_pending
        self._pending: deque[Future[Result]] = deque()

    def push(self, batch: Batch) -> None:
        """Hands over a batch; waits while too many are on their way."""
        if self._executor is None:
            self._take(self._work(batch))
            return
        self._pending.append(self._executor.submit(self._on_a_core, batch))
        while self._pending and (len(self._pending) > self._most_pending or self._pending[0].done()):
            self._take_next()

    def drain(self) -> None:
        """Waits for all batches."""
        while self._pending:
            self._take_next()

    def _take_next(self) -> None:
        future = self._pending.popleft()
        if not future.done():
            self._cores.release()
            try:
                futures.wait((future,))
            finally:
                self._cores.acquire()
        self._take(future.result())

    def _on_a_core(self, batch: Batch) -> Result:
        self._wait()
        with self._core:
            return self._work(batch)
