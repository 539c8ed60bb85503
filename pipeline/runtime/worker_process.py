"""Each worker processes its videos in a separate process, so that no video can harm the worker.

The worker starts `avcues.pipeline.runtime.worker_main`, watches it, and reports a crash, a kill by the system, an
exceeded limit or a hang as a failed result. So no video can make a worker of a cluster die.
"""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from avcues.pipeline.errors import AvcuesError
from avcues.pipeline.runtime.worker_child import WorkerChild
from avcues.pipeline.store.records import VideoResult, failed_result

if TYPE_CHECKING:
    from avcues.pipeline.runtime.work import VideoProgress, Work
    from avcues.pipeline.store.video_input import VideoInput

MAX_IDLE_S = 600.0
"""A video that makes no progress for this long counts as hanging."""

_POLL_S = 0.2


class WorkerDiedError(AvcuesError):
    """The process that worked on a video crashed or was killed."""


class TimeLimitError(AvcuesError):
    """A video exceeded its time limit."""


class StandstillError(AvcuesError):
    """A video made no progress for a long time."""


class MemoryLimitError(AvcuesError):
    """A video exceeded its memory limit."""


class StoppedError(AvcuesError):
    """The run ended while a video was being processed."""


class _ProcessDiedError(Exception):
    """The process died; the message says how, and what it printed last."""


class WorkerProcess:
    """Processes videos, one after the other, in the child process of one thread of a worker, and watches it.

    Args:
        child: The child process, which may have been started already.

    Attributes:
        run_id: Id of the last run that it worked for.
    """

    def __init__(self, child: WorkerChild | None = None) -> None:
        self.child = child or WorkerChild()
        self.run_id = ""
        self._peak_bytes = 0
        self._start_lock = threading.Lock()

    def process(self, video: VideoInput, work: Work, progress: VideoProgress) -> VideoResult:
        """Processes one video; after a crash or an unexpected error, once more in a fresh process."""
        started = time.monotonic()
        self.run_id = work.id
        self._peak_bytes = 0
        result = try_twice(lambda: self._process_or_fail(video, work, progress), self.close)
        return replace(
            result,
            seconds=result.seconds | {"total": round(time.monotonic() - started, 4)},
            peak_memory_bytes=max(self._peak_bytes, result.peak_memory_bytes),
        )

    def close(self) -> None:
        """Ends the process, even in the middle of a video."""
        self.child.close()

    def stop(self, run_id: str) -> None:
        """Ends the process if it works for a run; a process that is about to start checks that itself."""
        with self._start_lock:
            if self.run_id == run_id:
                self.close()

    def _process_or_fail(self, video: VideoInput, work: Work, progress: VideoProgress) -> VideoResult:
        try:
            return self._process_in_child(video, work, progress)
        except _ProcessDiedError as died:
            if work.id in _stopped:
                return failed_result(video, StoppedError(f"{video.source}: the run ended while it was being processed"))
            crash = WorkerDiedError(f"{video.source}: the process died while working on it: {died}")
            return replace(failed_result(video, crash), unexpected=True)
        except MemoryLimitError as error:
            # Earlier videos may have left memory occupied; a fresh process has all of it.
            return replace(failed_result(video, error), unexpected=self.child.videos > 1)
        except AvcuesError as error:
            return failed_result(video, error)

    def _process_in_child(self, video: VideoInput, work: Work, progress: VideoProgress) -> VideoResult:
        with self._start_lock:
            if work.id in _stopped:
                raise StoppedError(f"{video.source}: the run ended before it was processed")
            self.child.start(work.gpus, debug=work.debug)
            process, connection = self.child.process, self.child.connection
        self.child.videos += 1
        started = last_progress = time.monotonic()
        try:
            # Pickled here: a connection would pass the tensors of a model as files of shared memory.
            connection.send((video, None if self.child.run_id == work.id else pickle.dumps(work)))
            self.child.run_id = work.id
            while True:
                if connection.poll(_POLL_S):
                    message = connection.recv()
                    if isinstance(message, VideoResult):
                        return message
                    progress(*message)
                    last_progress = time.monotonic()
                now = time.monotonic()
                self._enforce_limits(process.pid, video, work, now - started, now - last_progress)
        except (EOFError, ConnectionError, OSError) as error:
            cause = self.child.cause_of_death(process)
            self.close()
            raise _ProcessDiedError(cause) from error

    def _enforce_limits(self, pid: int, video: VideoInput, work: Work, elapsed_s: float, idle_s: float) -> None:
        """Ends the process and raises an error if the video exceeds a limit."""
        error: AvcuesError | None = None
        resident_bytes = _resident_bytes(pid)
        self._peak_bytes = max(self._peak_bytes, resident_bytes)
        if work.limits.time_s is not None and elapsed_s > work.limits.time_s:
            error = TimeLimitError(
                f"{video.source}: not done after {work.limits.time_s:g} s; raise `time_limit_s` to allow more"
            )
        elif idle_s > MAX_IDLE_S:
            error = StandstillError(
                f"{video.source}: no progress for {MAX_IDLE_S / 60:.0f} minutes; the decoder or a network hangs"
            )
        elif isinstance(work.limits.memory_bytes, int) and resident_bytes > work.limits.memory_bytes:
            error = MemoryLimitError(
                f"{video.source}: needs more than {work.limits.memory_bytes / 2**30:.1f} GiB of memory; "
                "raise `memory_limit` to allow that (none: no limit)"
            )
        if error is not None:
            self.close()
            raise error


def try_twice(attempt: Callable[[], VideoResult], renew: Callable[[], object]) -> VideoResult:
    """The result of a video; after an unexpected error, the result of a second attempt.

    Args:
        attempt: Processes the video.
        renew: Replaces the process or its loaded extractors, so that the fault cannot affect the second attempt.
    """
    result = attempt()
    if not result.unexpected:
        return result
    renew()
    second_result = attempt()
    if second_result.unexpected:
        renew()
    return replace(second_result, retries=result.retries + 1 + second_result.retries)


def _resident_bytes(pid: int) -> int:
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


_processes: dict[int, WorkerProcess] = {}
_stopped: set[str] = set()


def process_isolated(video: VideoInput, work: Work, progress: VideoProgress) -> VideoResult:
    """Processes one video in the child process of this thread of the worker."""
    process = _processes.setdefault(threading.get_ident(), WorkerProcess())
    return process.process(video, work, progress)


def stop_processes(run_id: str) -> None:
    """Ends the child processes of this worker that work for a run; their videos get no result."""
    _stopped.add(run_id)
    for process in list(_processes.values()):
        process.stop(run_id)
