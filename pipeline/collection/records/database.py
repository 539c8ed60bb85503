"""One thread that writes to the database; a job is reported as done when its changes are on the disk.

Requests that arrive while a transaction is on its way to the disk share the next one, so fifty raters cost a few waits
for the disk per second, not fifty.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from avcues.pipeline.collection.records.schema import SCHEMA
from avcues.pipeline.errors import OutputError

_T = TypeVar("_T")
Job = Callable[[sqlite3.Connection], _T]

_AT_ONCE = 200
_WAIT_FOR_OTHERS_S = 20


class StorageError(OutputError):
    """The database cannot be written just now: the disk is full, or cannot be reached."""


def connect(path: Path) -> sqlite3.Connection:
    """Opens the database, and makes its tables if they do not exist.

    Transactions are begun and ended by hand. A commit returns when it is on the disk.

    Raises:
        StorageError: It cannot be opened, or is no database.
    """
    try:
        connection = sqlite3.connect(path, timeout=_WAIT_FOR_OTHERS_S, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.executescript(SCHEMA)
    except sqlite3.Error as error:
        raise StorageError(f"{path}: cannot be opened ({error})") from error
    return connection


class Database:
    """The database of a running study.

    Args:
        path: Its file; made if it does not exist.

    Raises:
        StorageError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = connect(path)
        self._waiting: queue.SimpleQueue[tuple[Job[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="database", daemon=True)
        self._thread.start()

    def submit(self, job: Job[_T]) -> Future[_T]:
        """Runs a job in a transaction; the result comes when the transaction is on the disk.

        Whatever the job raises undoes what it did, and nothing else.
        """
        future: Future[_T] = Future()
        self._waiting.put((job, future))
        return future

    async def run(self, job: Job[_T]) -> _T:
        """The same, for the event loop.

        Raises:
            StorageError: It could not be written.
        """
        return await asyncio.wrap_future(self.submit(job))

    def close(self) -> None:
        """Finishes what was submitted, and closes the database."""
        self._waiting.put(None)
        self._thread.join()
        self._connection.close()

    def _work(self) -> None:
        running = True
        while running:
            jobs = []
            following = self._waiting.get()
            while following is not None:
                jobs.append(following)
                try:
                    if len(jobs) == _AT_ONCE:
                        break
                    following = self._waiting.get_nowait()
                except queue.Empty:
                    break
            else:
                running = False
            if jobs:
                self._transaction(jobs)

    def _transaction(self, jobs: list[tuple[Job[Any], Future[Any]]]) -> None:
        outcomes: list[tuple[Any, BaseException | None]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job, _ in jobs:
                outcomes.append(self._in_savepoint(job))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            failure = StorageError(f"{self._path}: cannot be written ({error})")
            outcomes = [(None, failure)] * len(jobs)
        for (_, future), (result, problem) in zip(jobs, outcomes, strict=True):
            if not future.set_running_or_notify_cancel():
                continue
            if problem is None:
                future.set_result(result)
            else:
                future.set_exception(problem)

    def _in_savepoint(self, job: Job[Any]) -> tuple[Any, BaseException | None]:
        """What a job returned or raised; faults of the disk are raised, because they end the whole transaction."""
        self._connection.execute("SAVEPOINT job")
        result, problem = None, None
        try:
            result = job(self._connection)
        except Exception as error:
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.IntegrityError):
                raise
            problem = error
        self._connection.execute("ROLLBACK TO job" if problem else "RELEASE job")
        if problem:
            self._connection.execute("RELEASE job")
        return result, problem
