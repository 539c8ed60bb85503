"""Extractors at work beside the decoder: several batches at once, results in the order of the video.

Every network runs on one thread, so that values do not depend on how many cores there are; cores are filled with more
batches instead.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Batch = TypeVar("Batch")
Result = TypeVar("Result")


class Lanes:
    """The threads of one video. `close` them in the end.

    Args:
        threads: Batches that are worked on at once; 1 works in the calling thread.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._cores = threading.Semaphore(threads)
        self._executors: list[ThreadPoolExecutor] = []

    def close(self) -> None:
        """Drops what is not begun and waits for what is."""
        for executor in self._executors:
            executor.shutdown(cancel_futures=True)

    def lane(
        self, work: Callable[[Batch], Result], take: Callable[[Result], object], *, parallel: bool
    ) -> Lane[Batch, Result]:
        """A lane for one extractor.

        Args:
            work: What is done with a batch, on any thread.
            take: Receives the results in the order of the batches, on the calling thread.
            parallel: Whether several batches may be worked on at once.
        """
        width = self.threads if parallel else 1
        executor = None
        if self.threads > 1:
            executor = ThreadPoolExecutor(width)
            self._executors.append(executor)
        return Lane(executor, self._cores, work, take, width)


class Lane(Generic[Batch, Result]):
    """One extractor's batches on their way."""

    def __init__(
        self,
        executor: ThreadPoolExecutor | None,
        cores: threading.Semaphore,
        work: Callable[[Batch], Result],
        take: Callable[[Result], object],
        width: int,
    ) -> None:
        self._executor = executor
        self._cores = cores
        self._work = work
        self._take = take
        self._most_pending = width + 1
        self._pending: deque[Future[Result]] = deque()

    def push(self, batch: Batch) -> None:
        """Hands over a batch; waits while too many are on their way."""
        if self._executor is None:
            self._take(self._work(batch))
            return
        self._pending.append(self._executor.submit(self._on_a_core, batch))
        while self._pending and (len(self._pending) > self._most_pending or self._pending[0].done()):
            self._take(self._pending.popleft().result())

    def drain(self) -> None:
        """Waits for all batches."""
        while self._pending:
            self._take(self._pending.popleft().result())

    def _on_a_core(self, batch: Batch) -> Result:
        with self._cores:
            return self._work(batch)
