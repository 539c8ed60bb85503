"""Many videos: in this process, or one Dask task per video on worker processes."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from extractors.protocol import Extractor
from models_cache import AvcuesError
from pipeline.inputs import VideoInput
from pipeline.process import VideoResult, failure, process_video
from pipeline.settings import Settings


class WorkerDiedError(AvcuesError):
    """The process that worked on a video is gone."""


_TOPIC = "avcues-progress"
# glibc gives freed memory back to the system at once under Dask's default setting; decoding then costs half again.
_KEEP_FREED_MEMORY = {"MALLOC_TRIM_THRESHOLD_": 1 << 30, "MALLOC_MMAP_THRESHOLD_": 1 << 30}
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), 1)


class Observer(Protocol):
    """Is told how far the videos in work are."""

    def __call__(self, video_id: str, done_s: float, total_s: float | None) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Job:
    """What every worker needs to know besides the video.

    Args:
        left_out: Features that cannot be had, each with the reason; for the record.
    """

    settings: Settings
    out: Path
    overwrite: bool = False
    debug: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict)


def run(videos: Sequence[VideoInput], job: Job, *, workers: int, observer: Observer) -> Iterator[VideoResult]:
    """Processes all videos and yields each result as it comes.

    Args:
        workers: Worker processes; 0 works in this process.
    """
    if workers == 0:
        return _run_here(videos, job, observer)
    return _run_on_dask(videos, job, workers, observer)


def default_workers(videos: int) -> int:
    """One worker per core, but no more than there are videos."""
    return max(
        1, min(videos, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    )


def _run_here(videos: Sequence[VideoInput], job: Job, observer: Observer) -> Iterator[VideoResult]:
    for video in videos:
        yield _work(video, job, observer)


def _run_on_dask(videos: Sequence[VideoInput], job: Job, workers: int, observer: Observer) -> Iterator[VideoResult]:
    import dask
    from distributed import Client, Future, LocalCluster, as_completed

    if not job.debug:
        logging.getLogger("distributed").setLevel(logging.CRITICAL)

    configuration = {
        "distributed.nanny.pre-spawn-environ": _KEEP_FREED_MEMORY | _ONE_THREAD | _log_level(job.debug),
        "distributed.scheduler.allowed-failures": 1,
        "distributed.admin.tick.limit": "1h",
    }
    with (
        dask.config.set(configuration),
        _without_interrupts(
            lambda: LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, memory_limit=0, dashboard_address=None
            )
        ) as cluster,
        Client(cluster) as client,
    ):
        client.subscribe_topic(_TOPIC, lambda event: observer(*event[1]["report"]))
        waiting = iter(videos)
        in_work: dict[Future, VideoInput] = {}

        def submit() -> list[Future]:
            video = next(waiting, None)
            if video is None:
                return []
            future = client.submit(_work_on_worker, video, job, pure=False)
            in_work[future] = video
            return [future]

        # One task per worker in flight: when a worker dies, the scheduler cannot blame a task that only waited.
        completed = as_completed([future for _ in range(workers) for future in submit()])
        for future in completed:
            video = in_work.pop(future)
            error = future.exception()
            result = future.result() if error is None else failure(video, _explained(video, error))
            future.release()
            for following in submit():
                completed.add(following)
            yield result


def _log_level(debug: bool) -> dict[str, str | int]:
    # What happens to a worker is told per video, in one line.
    return {} if debug else {"DASK_LOGGING__DISTRIBUTED": "critical"}


def _without_interrupts(start: Callable[[], Any]) -> Any:
    """Starts processes that do not see the terminal's Ctrl-C: this process gets it and ends them."""
    if threading.current_thread() is not threading.main_thread():
        return start()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return start()
    finally:
        signal.signal(signal.SIGINT, before)


def _explained(video: VideoInput, error: Exception) -> Exception:
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return WorkerDiedError(
            f"{video.path}: the worker process died twice while working on it (a crash, or no memory left); "
            "see what it did with --workers 0"
        )
    return error


def _work_on_worker(video: VideoInput, job: Job) -> VideoResult:
    from distributed import get_worker

    worker = get_worker()

    def observer(video_id: str, done_s: float, total_s: float | None) -> None:
        worker.log_event(_TOPIC, {"report": (video_id, done_s, total_s)})

    return _work(video, job, observer)


def _work(video: VideoInput, job: Job, observer: Observer) -> VideoResult:
    observer(video.video_id, 0.0, None)
    result = process_video(
        video,
        job.settings,
        _extractors(_Key(job.settings)),
        job.out,
        overwrite=job.overwrite,
        debug=job.debug,
        progress=lambda done, total: observer(video.video_id, done, total),
    )
    return replace(result, left_out=dict(job.left_out))


class _Key:
    """Settings as a cache key: they hold dictionaries, which have no hash."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def __hash__(self) -> int:
        return hash(repr(self.settings))

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, _Key) and self.settings == other.settings


@lru_cache(maxsize=1)
def _extractors(key: _Key) -> list[Extractor]:
    """The extractors of this process; what they load stays loaded from video to video."""
    return key.settings.create_extractors()
