"""Jobs in worker processes of one thread each: results do not depend on the number of processes."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import numpy as np

from avcues.pipeline.errors import AvcuesError
from avcues.pipeline.training.cross_validation import Job, Outcome, run_job
from avcues.pipeline.training.samples import Samples
from avcues.pipeline.training.settings import TrainingSettings
from avcues.pipeline.training.splits import Parts

_LOOK_EVERY_S = 0.25

Shares = Callable[[int, float], object]
"""Called with the place of a job in the list, and the share of it that is done."""

RunJobs = Callable[[Sequence[Job], Shares], Iterator[Outcome]]
"""Runs jobs, and yields each outcome as it comes."""


@contextmanager
def processes(workers: int, samples: Samples, folds: Sequence[Parts], settings: TrainingSettings) -> Iterator[RunJobs]:
    """Yields a function that runs jobs on these samples, until the end of the `with` block.

    Args:
        workers: Processes; with 1, jobs run in this one.
    """
    if workers <= 1:
        yield partial(_run_here, samples, folds, settings)
        return
    # A fork of a process with Arrow's threads may hang.
    context = get_context("spawn")
    shares = context.SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="avcues-") as folder:
        for block, values in samples.features.items():
            np.save(Path(folder) / f"{block}.npy", values)
        start = (replace(samples, features={}), folder, folds, settings, shares)
        with ProcessPoolExecutor(workers, context, _start, start) as pool:
            try:
                yield partial(_run_in_pool, pool, shares)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for child in active_children():
                    child.terminate()
                raise


def _run_here(
    samples: Samples, folds: Sequence[Parts], settings: TrainingSettings, jobs: Sequence[Job], shares: Shares
) -> Iterator[Outcome]:
    for place, job in enumerate(jobs):
        yield run_job(job, samples, folds, settings, partial(shares, place))
        shares(place, 1.0)


def _run_in_pool(pool: ProcessPoolExecutor, told: Any, jobs: Sequence[Job], shares: Shares) -> Iterator[Outcome]:
    left = {pool.submit(_run_in_process, place, job): place for place, job in enumerate(jobs)}
    while left:
        done, _ = wait(left, _LOOK_EVERY_S, FIRST_COMPLETED)
        while not told.empty():
            shares(*told.get())
        for future in done:
            place = left.pop(future)
            try:
                yield future.result()
            except BrokenProcessPool as error:
                raise AvcuesError(
                    "a process that fitted models was killed, perhaps because memory ran out: use fewer --workers"
                ) from error
            shares(place, 1.0)


_work: Callable[..., Outcome]
_told: Any


def _start(samples: Samples, folder: str, folds: Sequence[Parts], settings: TrainingSettings, told: Any) -> None:
    """Makes a process ready: features are shared between processes, and an interrupt is the parent's to handle."""
    global _work, _told
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    features = {block: np.load(Path(folder) / f"{block}.npy", mmap_mode="r") for block in samples.columns}
    shared = replace(samples, features=features)
    _work, _told = partial(run_job, samples=shared, folds=folds, settings=settings), told


def _run_in_process(place: int, job: Job) -> Outcome:
    return _work(job, told=lambda share: _told.put((place, share)))
