"""Extractors get ready beside the decoder: loading networks and libraries takes seconds that decoding can use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from extractors.compute import Compute
from extractors.protocol import AudioExtractor, ClipExtractor, Extractor, ShotDetector
from pipeline.lanes import Batch, Lane, Lanes, Result
from pipeline.stopwatch import Stopwatch


class Readiness:
    """Sets extractors up, one after the other, in a thread of its own. `close` it in the end.

    Args:
        compute: What extractors may use.
        lanes: With one thread, everything is done before this returns.
    """

    def __init__(self, extractors: Iterable[Extractor], compute: Compute, lanes: Lanes, stopwatch: Stopwatch) -> None:
        self._lanes = lanes
        self._stopwatch = stopwatch
        self._executor = ThreadPoolExecutor(1)
        self._asked = compute
        self._resolved: Future[Compute] | None = None
        self._ready: dict[str, Future[None]] = {}
        for extractor in sorted(extractors, key=_by_need):
            if hasattr(extractor, "weights") and self._resolved is None:
                self._resolved = self._executor.submit(compute.resolved)  # imports torch
            self._ready[extractor.name] = self._executor.submit(self._set_up, extractor)
            if lanes.threads == 1:
                self.wait(extractor)
        if lanes.threads == 1:
            self.compute.apply()

    @property
    def compute(self) -> Compute:
        """The same with a definite device, if a network is among the extractors."""
        return self._asked if self._resolved is None else self._resolved.result()

    def wait(self, extractor: Extractor) -> None:
        """Returns when the extractor can be used.

        Raises:
            Exception: Whatever its `setup` raised.
        """
        self._ready[extractor.name].result()

    def lane(
        self,
        extractor: Extractor,
        work: Callable[[Batch], Result],
        take: Callable[[Result], object],
        *,
        parallel: bool = False,
        pending: int = 1,
    ) -> Lane[Batch, Result]:
        """The extractor's lane: work waits until it is ready, and its time is counted; the rest is `Lanes.lane`'s."""
        return self._lanes.lane(
            self._stopwatch.timed(extractor.name, work),
            take,
            wait=partial(self.wait, extractor),
            parallel=parallel,
            pending=pending,
        )

    def close(self) -> None:
        """Drops what is not begun and waits for what is."""
        self._executor.shutdown(cancel_futures=True)

    def _set_up(self, extractor: Extractor) -> None:
        with self._lanes.core(), self._stopwatch("setup"):
            compute = self.compute if hasattr(extractor, "weights") else self._asked
            extractor.setup(compute)
            compute.apply()


def _by_need(extractor: Extractor) -> int:
    """The shot detector is waited for; clips keep the cores busy longest; sound can wait in memory."""
    if isinstance(extractor, ShotDetector):
        return 0
    return 1 if isinstance(extractor, ClipExtractor) else 3 if isinstance(extractor, AudioExtractor) else 2
