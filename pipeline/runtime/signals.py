"""Ending a run from outside: Ctrl-C, and the SIGTERM of containers and batch systems."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM was received; handled like Ctrl-C, except for the exit code."""


@contextmanager
def terminable() -> Iterator[None]:
    """Raises `Terminated` in the `with` block when SIGTERM comes; a second one, while that is handled, is ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    handler_before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler_before)
