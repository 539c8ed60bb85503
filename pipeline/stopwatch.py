"""Seconds spent per stage of one video."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Stopwatch:
    """Sums seconds by stage name, over all threads.

    >>> stopwatch = Stopwatch()
    >>> with stopwatch("decode"):
    ...     pass
    >>> list(stopwatch.seconds)
    ['decode']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Counts the time spent in the `with` block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            with self._lock:
                self.seconds[stage] += spent

    def timed(self, stage: str, work: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        """The same function, whose time is counted."""

        def timed(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
            with self(stage):
                return work(*arguments, **options)

        return timed
