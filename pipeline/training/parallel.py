"""Fits models in this process or in worker processes of one thread each; results do not depend on their number."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from avcues.pipeline.processes import CONTEXT, process_pool
from avcues.pipeline.training.cross_validation import FitJob, Outcome, run_job
from avcues.pipeline.training.samples import Samples
from avcues.pipeline.training.settings import TrainingSettings
from avcues.pipeline.training.splits import Parts

_POLL_S = 0.25

OnProgress = Callable[[int, float], object]
"""Called with the index of a job in the list, and the share of it that is done."""

RunJobs = Callable[[Sequence[FitJob], OnProgress], Iterator[Outcome]]
"""Runs jobs and yields each outcome as it comes."""


@contextmanager
def job_runner(workers: int, samples: Samples, folds: Sequence[Parts], settings: TrainingSettings) -> Iterator[RunJobs]:
    """Yields a function that runs jobs on these samples within the `with` block.

    Args:
        workers: The number of processes; with 1, jobs run in this process.
    """
    if workers <= 1:
        yield partial(_run_here, samples, folds, settings)
        return
    progress = CONTEXT.SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="avcues-") as folder:
        for block, values in samples.features.items():
            np.save(Path(folder) / f"{block}.npy", values)
        arguments = (replace(samples, features={}), folder, folds, settings, progress)
        with process_pool(workers, "fitted models", _prepare, *arguments) as pool:
            yield partial(_run_in_pool, pool, progress)


def _run_here(
    samples: Samples,
    folds: Sequence[Parts],
    settings: TrainingSettings,
    jobs: Sequence[FitJob],
    on_progress: OnProgress,
) -> Iterator[Outcome]:
    for index, job in enumerate(jobs):
        yield run_job(job, samples, folds, settings, partial(on_progress, index))
        on_progress(index, 1.0)


def _run_in_pool(
    pool: ProcessPoolExecutor, progress: Any, jobs: Sequence[FitJob], on_progress: OnProgress
) -> Iterator[Outcome]:
    running = {pool.submit(_run_in_process, index, job): index for index, job in enumerate(jobs)}
    while running:
        finished, _ = wait(running, _POLL_S, FIRST_COMPLETED)
        while not progress.empty():
            on_progress(*progress.get())
        for future in finished:
            index = running.pop(future)
            yield future.result()
            on_progress(index, 1.0)


_run: Callable[..., Outcome]
_progress: Any


def _prepare(samples: Samples, folder: str, folds: Sequence[Parts], settings: TrainingSettings, progress: Any) -> None:
    """Prepares a worker process; all processes share the features on disk."""
    global _run, _progress
    features = {block: np.load(Path(folder) / f"{block}.npy", mmap_mode="r") for block in samples.columns}
    shared = replace(samples, features=features)
    _run, _progress = partial(run_job, samples=shared, folds=folds, settings=settings), progress


def _run_in_process(index: int, job: FitJob) -> Outcome:
    return _run(job, on_progress=lambda share: _progress.put((index, share)))
