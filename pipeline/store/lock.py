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

_RENEWAL_S = 30.0
_DEAD_AFTER_S = 180.0
_SETTLE_S = 2.0


class OutputLock:
    """Prevents a second run on an output folder while this one works. Use as a context manager.

    On this machine's disks and on network file systems, the operating system holds the lock and releases it when the
    process ends, however it ends. Where it cannot (object stores, some cluster file systems), a record names the run at
    work and is renewed twice a minute; a record that is three minutes old belongs to a run that died. Two runs that
    start there within the same two seconds may both continue: they would write the same files.
    """

    def __init__(self, out: Location) -> None:
        self._out = out
        self._owner = owner_path(out)
        self._record = {
            "host": socket.gethostname(),
            "process": os.getpid(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "token": secrets.token_hex(8),
        }
        self._releases = ExitStack()
        self._ended = threading.Event()

    def __enter__(self) -> None:
        """Takes the lock.

        Raises:
            SettingsError: Another run holds it.
        """
        if not (isinstance(self._out, Path) and self._lock_by_system(self._out)):
            self._lock_by_record()
        self._releases.callback(self._owner.unlink, missing_ok=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._releases.close()

    def _lock_by_system(self, out: Path) -> bool:
        from filelock import FileLock, Timeout

        path = lock_path(out)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(str(path), timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise self._in_use(self._read_record()) from None
        except (NotImplementedError, OSError):
            return False
        self._releases.callback(lock.release)
        write_json(self._record, self._owner)
        return True

    def _lock_by_record(self) -> None:
        owner = self._read_record()
        if owner and time.time() - owner.get("alive", 0) < _DEAD_AFTER_S:
            raise self._in_use(owner)
        self._renew_record()
        time.sleep(_SETTLE_S)
        owner = self._read_record()
        if owner.get("token") != self._record["token"]:
            raise self._in_use(owner)
        thread = threading.Thread(target=self._keep_alive, daemon=True)
        thread.start()
        self._releases.callback(thread.join)

    def _keep_alive(self) -> None:
        while not self._ended.wait(_RENEWAL_S):
            try:
                self._renew_record()
            except Exception:  # the store could not be reached; try again at the next renewal
                continue

    def _renew_record(self) -> None:
        write_json(self._record | {"alive": time.time()}, self._owner)

    def _read_record(self) -> dict[str, Any]:
        return _read_owner(self._owner)

    def _in_use(self, owner: dict[str, Any]) -> SettingsError:
        holder = (
            f"process {owner['process']} on {owner['host']} since {owner['since']}" if owner else "it has just started"
        )
        hint = "" if isinstance(self._out, Path) else f"; if it died, wait {_DEAD_AFTER_S / 60:.0f} minutes"
        return SettingsError(
            f"{self._out}: another run is at work there ({holder}): wait for it, or use another `out`{hint}"
        )


def run_at_work(out: Location) -> str:
    """The run that works on an output folder, in words; empty if there is none or it has died."""
    owner = _read_owner(owner_path(out))
    alive = owner.get("alive") or time.time()  # only a record that is itself the lock has this field
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
