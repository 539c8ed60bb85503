"""One run at a time on an output folder."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.store.documents import read_document, write_json
from avcues.pipeline.store.layout import lock_path, owner_path

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location

_ALIVE_EVERY_S = 30.0
_DEAD_AFTER_S = 180.0
_SETTLE_S = 2.0


class OutputLock:
    """Keeps a second run off an output folder while this one works. Use as a context manager.

    On this machine's disks and on network file systems the operating system holds the lock, and frees it when the
    process ends, however it ends. Where it cannot (object stores, some cluster file systems), a record says who works
    there, and is renewed twice a minute; one that is three minutes old is of a run that died. Two runs that start there
    within the same two seconds may both go on: they would write the same files.
    """

    def __init__(self, out: Location) -> None:
        self._out = out
        self._owner = owner_path(out)
        self._me = {
            "host": socket.gethostname(),
            "process": os.getpid(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "token": secrets.token_hex(8),
        }
        self._held = ExitStack()
        self._ended = threading.Event()

    def __enter__(self) -> None:
        """Takes the lock.

        Raises:
            SettingsError: Another run holds it.
        """
        if not (isinstance(self._out, Path) and self._lock_by_system(self._out)):
            self._lock_by_record()
        self._held.callback(self._owner.unlink, missing_ok=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._held.close()

    def _lock_by_system(self, out: Path) -> bool:
        from filelock import FileLock, Timeout

        path = lock_path(out)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(str(path), timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise self._in_use(self._read()) from None
        except (NotImplementedError, OSError):
            return False
        self._held.callback(lock.release)
        write_json(self._me, self._owner)
        return True

    def _lock_by_record(self) -> None:
        owner = self._read()
        if owner and time.time() - owner.get("alive", 0) < _DEAD_AFTER_S:
            raise self._in_use(owner)
        self._renew()
        time.sleep(_SETTLE_S)
        owner = self._read()
        if owner.get("token") != self._me["token"]:
            raise self._in_use(owner)
        thread = threading.Thread(target=self._keep_alive, daemon=True)
        thread.start()
        self._held.callback(thread.join)

    def _keep_alive(self) -> None:
        while not self._ended.wait(_ALIVE_EVERY_S):
            try:
                self._renew()
            except Exception:  # the store could not be reached; the next renewal counts
                continue

    def _renew(self) -> None:
        write_json(self._me | {"alive": time.time()}, self._owner)

    def _read(self) -> dict[str, Any]:
        return _read_owner(self._owner)

    def _in_use(self, owner: dict[str, Any]) -> SettingsError:
        holder = (
            f"process {owner['process']} on {owner['host']} since {owner['since']}" if owner else "it has just started"
        )
        ends = "" if isinstance(self._out, Path) else f"; if it died, wait {_DEAD_AFTER_S / 60:.0f} minutes"
        return SettingsError(
            f"{self._out}: another run is at work there ({holder}): wait for it, or use another `out`{ends}"
        )


def run_at_work(out: Location) -> str:
    """Who works on an output folder now, in words; empty if nobody does, or the run that did has died."""
    owner = _read_owner(owner_path(out))
    alive = owner.get("alive") or time.time()  # only a record that holds the lock itself is renewed
    if not owner or time.time() - alive > _DEAD_AFTER_S:
        return ""
    if owner["host"] == socket.gethostname():
        import psutil

        if not psutil.pid_exists(owner["process"]):
            return ""
    return f"process {owner['process']} on {owner['host']}, since {owner['since']}"


def _read_owner(path: Location) -> dict[str, Any]:
    try:
        return read_document(path, "owner")
    except (OSError, ValueError):
        return {}
