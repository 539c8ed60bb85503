"""Processes many videos: in this process, or as one Dask task per video on worker processes."""

from __future__ import annotations

import gc
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError as FutureCancelledError
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from avcues.pipeline.errors import AvcuesError, RunStoppedError
from avcues.pipeline.runtime.machine import memory_bytes
from avcues.pipeline.store.records import VideoResult, failed_result
from avcues.pipeline.store.video_input import VideoInput

if TYPE_CHECKING:
    from distributed import Client, Future

    from avcues.pipeline.runtime.work import VideoProgress, Work
    from avcues.pipeline.runtime.worker_process import WorkerProcess

_TOPIC = "avcues-progress"
_POLL_INTERVAL_S = 5.0
_REMINDER_INTERVAL_S = 60.0
# Tasks that wait for a worker: they make an adaptive cluster grow, and keep workers busy between two results.
_QUEUED_TASKS = 8


class SchedulerLostError(RunStoppedError):
    """The connection to the scheduler was lost and could not be restored."""


class NoWorkersError(RunStoppedError):
    """No worker was connected for longer than the user allows."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The Dask cluster that processes the videos of a run.

    Args:
        client: Connection to the scheduler.
        is_local: Whether the cluster was started for this run, with a fixed number of workers of one thread each.
        resources: Resources that a worker must have, as `dask worker --resources` names them.
        wait_s: Seconds after which the run stops if no worker is connected; None: it waits forever.
    """

    client: Client
    is_local: bool
    resources: dict[str, float] | None = None
    wait_s: float | None = None

    def slots(self) -> int:
        """Number of videos that can be processed at the same time: one per thread of every worker."""
        return sum(self.client.nthreads().values())


def run_in_this_process(videos: Iterator[VideoInput], work: Work, progress: VideoProgress) -> Iterator[VideoResult]:
    """Processes all videos in this process, without limits of time and memory, and yields their results."""
    from avcues.pipeline.runtime.worker_process import try_twice

    def renew() -> None:
        nonlocal work
        work = work.fresh()
        gc.collect()

    for video in videos:
        yield work.record(try_twice(lambda: work.process(video, progress), renew))  # noqa: B023  (called at once)


def run_in_child_process(
    videos: Iterator[VideoInput], work: Work, process: WorkerProcess, progress: VideoProgress
) -> Iterator[VideoResult]:
    """Processes all videos in one child process, without a cluster, which would take seconds to start."""
    for video in videos:
        yield work.record(process.process(video, work, progress))


def run_on_cluster(
    videos: Iterator[VideoInput],
    work: Work,
    cluster: Cluster,
    *,
    progress: VideoProgress,
    note: Callable[[str], object],
    in_order: bool = False,
) -> Iterator[VideoResult]:
    """Processes all videos, one task each, and yields their results as they arrive.

    There are about as many tasks as workers at any time, so that the scheduler and this process need little memory.

    Args:
        videos: The videos.
        work: The work to do on each video.
        cluster: The cluster.
        progress: Called as videos proceed.
        note: Called with a line for the user if no worker is connected.
        in_order: Yield the results in the order of the videos.

    Raises:
        RunStoppedError: The connection to the scheduler was lost, or no worker connected in time.
    """
    from asyncio import CancelledError

    client = cluster.client
    running: dict[Future, VideoInput] = {}
    worker_watch = _WorkerWatch(cluster, note)
    pickled_work = pickle.dumps(work)  # the scheduler unpickles tasks, but may lack the extractors
    try:
        client.subscribe_topic(_TOPIC, lambda event: progress(*event[1]["report"]))
        # Each worker receives it once. It is a task, not scattered data: if the worker that holds it is lost, Dask runs
        # the task again.
        shared_work = client.submit(_unchanged, pickled_work, pure=False, resources=cluster.resources)
        while True:
            slots = cluster.slots()
            worker_watch.check(slots)
            target_count = slots if cluster.is_local and not in_order else slots + _QUEUED_TASKS
            for video in islice(videos, max(0, target_count - len(running))):
                running[_submit(video, work.id, shared_work, cluster)] = video
            if not running:
                return
            for future in _finished_tasks(client, list(islice(running, 1 if in_order else None))):
                video = running.pop(future)
                yield _result(future, video, work)
                future.release()
    except (OSError, CancelledError, FutureCancelledError) as error:  # also time-outs and broken connections
        raise _scheduler_lost() from error


def _unchanged(pickled_work: bytes) -> bytes:
    """The task that gives the workers the work."""
    return pickled_work


def _submit(video: VideoInput, run_id: str, pickled_work: Future, cluster: Cluster) -> Future:
    return cluster.client.submit(
        _work_on_worker,
        video,
        pickled_work,
        key=f"{video.video_id}-{run_id}",
        pure=False,
        resources=cluster.resources,
    )


def _finished_tasks(client: Client, running: Sequence[Future]) -> list[Future]:
    """The tasks that are finished; waits a few seconds at most for the first."""
    from distributed import wait

    if client.status not in ("running", "connecting"):
        raise _scheduler_lost()
    try:
        finished = wait(running, timeout=_POLL_INTERVAL_S, return_when="FIRST_COMPLETED").done
    except TimeoutError:
        return []
    return sorted(finished, key=lambda future: str(future.key))


def _result(future: Future, video: VideoInput, work: Work) -> VideoResult:
    """The worker's result of a video, or a failure if the worker was lost."""
    from distributed import KilledWorker

    if future.status in ("cancelled", "lost"):
        raise _scheduler_lost()
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, KilledWorker):
        error = AvcuesError(f"{video.source}: every worker that processed it was lost ({error})")
    return work.record(failed_result(video, error))


def _scheduler_lost() -> SchedulerLostError:
    return SchedulerLostError("the connection to the scheduler is lost; run the same command again to continue")


class _WorkerWatch:
    """Notes that no worker is connected, immediately and then every minute.

    Args:
        cluster: The cluster.
        note: Called with a line for the user.
    """

    def __init__(self, cluster: Cluster, note: Callable[[str], object]) -> None:
        self._cluster = cluster
        self._note = note
        self._no_workers_since: float | None = None
        self._last_note = 0.0
        self._had_workers = False

    def check(self, slots: int) -> None:
        """Checks the number of videos that can be processed at the same time.

        Raises:
            NoWorkersError: No worker has been connected for longer than the cluster's `wait_s`.
        """
        if slots:
            self._no_workers_since, self._had_workers = None, True
            return
        now = time.monotonic()
        address = self._cluster.client.scheduler.address
        state = "none is left" if self._had_workers else "none yet"
        if self._no_workers_since is None:
            self._no_workers_since = now
            self._last_note = now
            self._note(f"waiting for workers at {address}, {state}")
        waited_s = now - self._no_workers_since
        if self._cluster.wait_s is not None and waited_s >= self._cluster.wait_s:
            raise NoWorkersError(
                f"no worker was connected to {address} for {waited_s:.0f} s (`wait={self._cluster.wait_s:g}`); start "
                "some and run the same command again"
            )
        if now - self._last_note >= _REMINDER_INTERVAL_S:
            self._last_note = now
            self._note(f"waiting for workers at {address} for {waited_s / 60:.0f} minutes, {state}")


def _work_on_worker(video: VideoInput, pickled_work: bytes) -> VideoResult:
    from distributed import get_worker

    from avcues.pipeline.runtime.worker_process import StoppedError, process_isolated

    worker = get_worker()
    # `dask worker --memory-limit` applies to all threads of a worker together; 0 means no limit.
    share_bytes = (worker.memory_manager.memory_limit or memory_bytes()) // worker.state.nthreads
    work = _unpickled(pickled_work).for_worker(share_bytes)

    def progress(video_id: str, done_s: float, total_s: float | None) -> None:
        worker.log_event(_TOPIC, {"report": (video_id, done_s, total_s)})

    result = process_isolated(video, work, progress)
    # No record of a stop: the next run may already be working on the same video.
    return result if result.error_class == StoppedError.__name__ else work.record(result)


@lru_cache(maxsize=8)
def _unpickled(pickled_work: bytes) -> Work:
    work: Work = pickle.loads(pickled_work)
    return work
