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
    """Raises `Terminated` in the `with` block when SIGTERM comes, and `KeyboardInterrupt` when Ctrl-C is pressed.

    While that is handled, another SIGTERM is ignored, and another Ctrl-C ends the process at once: it would interrupt
    what waits for native code before its memory is freed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if signal.SIGINT in before:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, end)}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, as by nohup
        before[signal.SIGINT] = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
