"""Handles the signals that end a run: Ctrl-C, and the SIGTERM of containers and batch systems."""

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

    While the exception is handled, another SIGTERM is ignored, and another Ctrl-C ends the process immediately, because
    an exception in the clean-up could free memory that native code still uses.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle_signal(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if signal.SIGINT in previous_handlers:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    previous_handlers = {signal.SIGTERM: signal.signal(signal.SIGTERM, handle_signal)}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # otherwise it is ignored, for example by nohup
        previous_handlers[signal.SIGINT] = signal.signal(signal.SIGINT, handle_signal)
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
