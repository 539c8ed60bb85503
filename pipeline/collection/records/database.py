"""A thread that writes to the database; a job is reported as done when its changes are on disk.

Requests that arrive while a transaction is being written share the next transaction, so fifty raters cause a few waits
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
from avcues.pipeline.collection.records.stored import check_tables
from avcues.pipeline.errors import OutputError
from avcues.pipeline.store.documents import require_regular_file

_T = TypeVar("_T")
Job = Callable[[sqlite3.Connection], _T]

_JOBS_PER_TRANSACTION = 200
_LOCK_TIMEOUT_S = 20
_PRAGMAS = ("trusted_schema=OFF", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")


class StorageError(OutputError):
    """The database cannot be written at the moment: the disk is full or cannot be reached."""


def connect(path: Path) -> sqlite3.Connection:
    """Opens the database, and creates its tables if they do not exist.

    Callers begin and end transactions explicitly. A commit returns when it is on disk.

    Raises:
        StorageError: The file cannot be opened, or is not a database.
    """
    try:
        if path.exists():
            require_regular_file(path)
        connection = sqlite3.connect(path, timeout=_LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.executescript(SCHEMA)
        check_tables(connection)
    except (OSError, ValueError, sqlite3.Error) as error:
        raise StorageError(f"{path}: cannot be opened ({error})") from error
    return connection


class Database:
    """The database of a running study.

    Args:
        path: The file; created if it does not exist.

    Raises:
        StorageError: The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = connect(path)
        self._waiting: queue.SimpleQueue[tuple[Job[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="database", daemon=True)
        self._thread.start()

    def submit(self, job: Job[_T]) -> Future[_T]:
        """Runs a job in a transaction; the result is available when the transaction is on disk.

        If the job raises an error, only its own changes are undone.
        """
        future: Future[_T] = Future()
        self._waiting.put((job, future))
        return future

    async def run(self, job: Job[_T]) -> _T:
        """Runs a job as `submit` does, and waits for its result on the event loop.

        Raises:
            StorageError: The transaction could not be written.
        """
        return await asyncio.wrap_future(self.submit(job))

    def close(self) -> None:
        """Finishes all submitted jobs, and closes the database."""
        self._waiting.put(None)
        self._thread.join()
        self._connection.close()

    def _work(self) -> None:
        is_open = True
        while is_open:
            jobs = []
            submitted = self._waiting.get()
            while submitted is not None:
                jobs.append(submitted)
                try:
                    if len(jobs) == _JOBS_PER_TRANSACTION:
                        break
                    submitted = self._waiting.get_nowait()
                except queue.Empty:
                    break
            else:
                is_open = False
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
        """Runs a job; returns its result and its error. Disk errors are raised: they end the whole transaction."""
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
