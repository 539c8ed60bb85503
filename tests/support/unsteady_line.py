"""A line to a local server that can stall, drop and come back."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self


class UnsteadyLine:
    """Forwards connections to a port of this machine. Use as a context manager.

    Args:
        target: Port of the server.
        piece: Bytes of an answer after which it pauses; 0: never.
        pause_s: For how long.

    Attributes:
        port: Where it listens.
        broken: Set: connections are cut, and new ones refused.
    """

    def __init__(self, target: int, *, piece: int = 0, pause_s: float = 0) -> None:
        self._target, self._piece, self._pause_s = target, piece, pause_s
        self.broken = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.pauses = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listening.close()
        self.cut()

    def cut(self) -> None:
        """Ends all connections."""
        with self._lock:
            for endpoint in self._open:
                endpoint.close()
            self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            if self.broken.is_set():
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self._lock:
                self._open |= {near, far}
            threading.Thread(target=self._forward, args=(near, far, 0), daemon=True).start()
            threading.Thread(target=self._forward, args=(far, near, self._piece), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket, piece: int) -> None:
        passed = 0
        try:
            while data := source.recv(16 * 1024):
                sink.sendall(data)
                passed += len(data)
                if piece and passed >= piece:
                    passed = 0
                    self.pauses += 1
                    time.sleep(self._pause_s)
        except OSError:
            pass
        finally:
            for endpoint in (source, sink):
                with suppress(OSError):
                    endpoint.shutdown(socket.SHUT_RDWR)
