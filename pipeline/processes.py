"""Worker processes on this machine, for many similar pieces of work: fitting models, making pages."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.context import SpawnContext
from typing import Any

from avcues.pipeline.errors import AvcuesError

CONTEXT: SpawnContext = get_context("spawn")
"""Starts processes anew: a fork of a process with the threads of Arrow may hang."""


@contextmanager
def process_pool(
    workers: int, work: str, prepare: Callable[..., object] | None = None, *arguments: Any
) -> Iterator[ProcessPoolExecutor]:
    """Yields worker processes for the `with` block; an error or an interrupt ends them at once.

    Args:
        workers: The number of processes.
        work: Their work in words, for the message if a process is killed, such as "fitted models".
        prepare: Called with the arguments in each process before its first piece of work.

    Raises:
        AvcuesError: A process was killed.
    """
    with ProcessPoolExecutor(workers, CONTEXT, _begin, (prepare, arguments)) as pool:
        try:
            yield pool
        except BaseException as error:
            processes = list((getattr(pool, "_processes", None) or {}).values())
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()
            if isinstance(error, BrokenProcessPool):
                raise AvcuesError(
                    f"a process that {work} was killed, perhaps because memory ran out: use fewer `workers`"
                ) from error
            raise


def _begin(prepare: Callable[..., object] | None, arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process handles interrupts
    if prepare is not None:
        prepare(*arguments)
