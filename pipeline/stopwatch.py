"""Seconds spent per stage of one video."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Sums wall-clock seconds by stage name.

    >>> stopwatch = Stopwatch()
    >>> with stopwatch("decode"):
    ...     pass
    >>> list(stopwatch.seconds)
    ['decode']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Counts the time spent in the `with` block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - start
