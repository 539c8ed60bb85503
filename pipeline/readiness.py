"""Extractors get ready beside the decoder: loading networks and libraries takes seconds that decoding can use."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from extractors.compute import Compute
from extractors.protocol import AudioExtractor, ClipExtractor, Extractor
from pipeline.lanes import Lanes
from pipeline.stopwatch import Stopwatch


class Readiness:
    """Sets extractors up, one after the other, in a thread of its own. `close` it in the end.

    Args:
        compute: What extractors may use.
        lanes: With one thread, everything is done before this returns.
    """

    def __init__(self, extractors: Sequence[Extractor], compute: Compute, lanes: Lanes, stopwatch: Stopwatch) -> None:
        self._lanes = lanes
        self._stopwatch = stopwatch
        self._executor = ThreadPoolExecutor(1)
        needs_torch = any(hasattr(extractor, "weights") for extractor in extractors)
        self._compute = self._executor.submit(compute.resolved if needs_torch else lambda: compute)
        self._ready: dict[str, Future[None]] = {}
        for extractor in sorted(extractors, key=_by_need):
            self._ready[extractor.name] = self._executor.submit(self._set_up, extractor)
        if lanes.threads == 1:
            for ready in self._ready.values():
                ready.result()
            self.compute.apply()

    @property
    def compute(self) -> Compute:
        """The same with a definite device, if a network is among the extractors."""
        return self._compute.result()

    def wait(self, extractor: Extractor) -> None:
        """Returns when the extractor can be used.

        Raises:
            Exception: Whatever its `setup` raised.
        """
        self._ready[extractor.name].result()

    def close(self) -> None:
        """Drops what is not begun and waits for what is."""
        self._executor.shutdown(cancel_futures=True)

    def _set_up(self, extractor: Extractor) -> None:
        with self._lanes.core(), self._stopwatch("setup"):
            extractor.setup(self.compute)
            self.compute.apply()


def _by_need(extractor: Extractor) -> int:
    """Clips keep the cores busy longest; sound can wait in memory."""
    return 0 if isinstance(extractor, ClipExtractor) else 2 if isinstance(extractor, AudioExtractor) else 1
