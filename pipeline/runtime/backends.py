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
_LOOK_EVERY_S = 5.0
_REMIND_S = 60.0
# Tasks that wait for a worker: they tell a cluster that can grow to do so, and keep it busy between two results.
_WAITING = 8


class SchedulerLostError(RunStoppedError):
    """The connection to the scheduler was lost and could not be restored."""


class NoWorkersError(RunStoppedError):
    """No worker was connected for longer than the user wants to wait."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Where the tasks go.

    Args:
        local: Whether it was started for this run, with a fixed number of workers of one thread each.
        resources: What a worker must have to be given a task, as `dask worker --resources` names it.
        wait_s: Seconds after which the run stops where no worker is connected; None: it waits.
    """

    client: Client
    local: bool
    resources: dict[str, float] | None = None
    wait_s: float | None = None

    def slots(self) -> int:
        """How many videos can be processed at once: one per thread of every worker."""
        return sum(self.client.nthreads().values())


def run_in_this_process(videos: Iterator[VideoInput], work: Work, progress: VideoProgress) -> Iterator[VideoResult]:
    """Processes all videos in this process, without limits of time and memory, and yields each result as it comes."""
    from avcues.pipeline.runtime.worker_process import try_twice

    def renew() -> None:
        nonlocal work
        work = work.fresh()
        gc.collect()

    for video in videos:
        yield work.record(try_twice(lambda: work.process(video, progress), renew))  # noqa: B023  (called at once)


def run_in_process(
    videos: Iterator[VideoInput], work: Work, process: WorkerProcess, progress: VideoProgress
) -> Iterator[VideoResult]:
    """Processes all videos as one worker of a cluster would, but without the cluster, which takes seconds to start."""
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
    """Processes all videos, one task each, and yields each result as it comes.

    There are about as many tasks as workers at any time, so that neither the scheduler nor this process holds much.

    Args:
        progress: Called with how far each video is.
        note: Is given a line when no worker is left to do the work.
        in_order: Yield the results in the order of the videos.

    Raises:
        RunStoppedError: The scheduler is gone, or no worker came.
    """
    from asyncio import CancelledError

    client = cluster.client
    running: dict[Future, VideoInput] = {}
    watch = _WorkerWatch(cluster, note)
    packed = pickle.dumps(work)  # the scheduler unpacks tasks, but may lack the extractors
    try:
        client.subscribe_topic(_TOPIC, lambda event: progress(*event[1]["report"]))
        # It goes to each worker once. A task, not scattered data: if the worker that holds it is lost, another gets it.
        everywhere = client.submit(_unchanged, packed, pure=False, resources=cluster.resources)
        while True:
            slots = cluster.slots()
            watch.look(slots)
            target_count = slots if cluster.local and not in_order else slots + _WAITING
            for video in islice(videos, max(0, target_count - len(running))):
                running[_submit(video, work.id, everywhere, cluster)] = video
            if not running:
                return
            for future in _finished(client, list(islice(running, 1 if in_order else None))):
                video = running.pop(future)
                yield _result(future, video, work)
                future.release()
    except (OSError, CancelledError, FutureCancelledError) as error:  # also time-outs and broken connections
        raise _scheduler_lost() from error


def _unchanged(packed: bytes) -> bytes:
    return packed


def _submit(video: VideoInput, run_id: str, packed: Future, cluster: Cluster) -> Future:
    return cluster.client.submit(
        _work_on_worker,
        video,
        packed,
        key=f"{video.video_id}-{run_id}",
        pure=False,
        resources=cluster.resources,
    )


def _finished(client: Client, running: Sequence[Future]) -> list[Future]:
    """The tasks that have finished; waits a few seconds at most."""
    from distributed import wait

    if client.status not in ("running", "connecting"):
        raise _scheduler_lost()
    try:
        finished = wait(running, timeout=_LOOK_EVERY_S, return_when="FIRST_COMPLETED").done
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
    """Reports when no worker is connected, at once and then every minute: a cluster may be starting up, or be gone.

    Args:
        cluster: Says how long to wait.
        note: Is given a line.
    """

    def __init__(self, cluster: Cluster, note: Callable[[str], object]) -> None:
        self._cluster = cluster
        self._note = note
        self._alone_since: float | None = None
        self._noted = 0.0
        self._had_workers = False

    def look(self, slots: int) -> None:
        """Looks at how many videos can be processed at once.

        Raises:
            NoWorkersError: No worker has been connected for longer than the cluster's `wait_s`.
        """
        if slots:
            self._alone_since, self._had_workers = None, True
            return
        now = time.monotonic()
        address = self._cluster.client.scheduler.address
        none_yet = "none is left" if self._had_workers else "none yet"
        if self._alone_since is None:
            self._alone_since = now
            self._noted = now
            self._note(f"waiting for workers at {address}, {none_yet}")
        waited_s = now - self._alone_since
        if self._cluster.wait_s is not None and waited_s >= self._cluster.wait_s:
            raise NoWorkersError(
                f"no worker was connected to {address} for {waited_s:.0f} s (`wait={self._cluster.wait_s:g}`); start "
                "some and run the same command again"
            )
        if now - self._noted >= _REMIND_S:
            self._noted = now
            self._note(f"waiting for workers at {address} for {waited_s / 60:.0f} minutes, {none_yet}")


def _work_on_worker(video: VideoInput, packed: bytes) -> VideoResult:
    from distributed import get_worker

    from avcues.pipeline.runtime.worker_process import StoppedError, process_isolated

    worker = get_worker()
    # `dask worker --memory-limit` is for all threads of a worker; 0 there means no limit.
    share = (worker.memory_manager.memory_limit or memory_bytes()) // worker.state.nthreads
    work = _unpacked(packed).on_worker(share)

    def progress(video_id: str, done_s: float, total_s: float | None) -> None:
        worker.log_event(_TOPIC, {"report": (video_id, done_s, total_s)})

    result = process_isolated(video, work, progress)
    # No record of a stop: the next run may already be working on the same video.
    return result if result.error_class == StoppedError.__name__ else work.record(result)


@lru_cache(maxsize=8)
def _unpacked(packed: bytes) -> Work:
    work: Work = pickle.loads(packed)
    return work
