"""Seconds spent per stage of one video."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopwatch:
    """Sums seconds by stage name, over all threads; time inside a nested stage counts for that stage alone.

    Args:
        clock: Returns seconds. With `time.thread_time` the processor time of each stage is summed.

    Attributes:
        seconds: Seconds by stage name.

    >>> stopwatch = Stopwatch()
    >>> with stopwatch("shots"), stopwatch("scale"):
    ...     pass
    >>> sorted(stopwatch.seconds)
    ['scale', 'shots']
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.seconds: dict[str, float] = defaultdict(float)
        self._lock = threading.Lock()
        self._nested = threading.local()

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Counts the time spent in the `with` block."""
        outer_nested_s = getattr(self._nested, "seconds", 0.0)
        self._nested.seconds = 0.0
        start = self._clock()
        try:
            yield
        finally:
            spent_s = self._clock() - start
            with self._lock:
                self.seconds[stage] += spent_s - self._nested.seconds
            self._nested.seconds = outer_nested_s + spent_s
