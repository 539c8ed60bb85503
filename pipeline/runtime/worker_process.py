"""Each worker processes its videos in a separate process, so that no video can harm the worker.

The worker starts `avcues.pipeline.runtime.worker_main`, watches it, and turns its end into a result: crashed, killed by
the system, too slow, too large, or hung. The scheduler never sees a worker die of a video, on whatever cluster it runs.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, BinaryIO

import psutil

from avcues.pipeline.errors import AvcuesError
from avcues.pipeline.runtime.gpus import GpuSlot, visible_gpus
from avcues.pipeline.store.records import VideoResult, failure

if TYPE_CHECKING:
    from avcues.pipeline.runtime.resolved_run import ResolvedRun
    from avcues.pipeline.runtime.worker_main import VideoProgress
    from avcues.pipeline.store.video_input import VideoInput

STANDSTILL_S = 600.0
"""A video that makes no progress for this long counts as hanging."""

_POLL_S = 0.2
# glibc gives freed memory back to the system at once under Dask's default setting; decoding then costs half again.
_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_ARENA_MAX": "2",  # else every thread keeps what it freed for itself
}
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


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


class _DiedError(Exception):
    """The process died; the text says how, and what it last printed."""


class WorkerProcess:
    """The process that works for one thread of a worker; started when needed, and restarted after it died.

    Attributes:
        run_id: Of the last run that it worked for.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._words: BinaryIO | None = None
        self._gpus: tuple[str, ...] | None = ()
        self._gpu_slot: GpuSlot | None = None
        self._peak_bytes = 0
        self._videos = 0
        self.run_id = ""
        self._starting = threading.Lock()

    def start(self, gpus: tuple[str, ...] | None = (), *, debug: bool = False, imports: Sequence[str] = ()) -> None:
        """Starts the process, so that it is ready when there is work; not needed before `process`.

        Args:
            gpus: As `ResolvedRun.gpus`.
            imports: Modules that it may import while it waits.
        """
        if self._process is not None and (self._process.poll() is not None or self._gpus != gpus):
            self.close()
        if self._process is not None:
            return
        self._connection, theirs = Pipe()
        self._words = tempfile.TemporaryFile()  # noqa: SIM115  (`close` closes it)
        self._gpus = gpus
        self._videos = 0
        self._process = subprocess.Popen(
            # -P: else a file of the folder where the user works would shadow Python's own, such as a random.py.
            [sys.executable, "-P", "-m", "avcues.pipeline.runtime.worker_main", str(theirs.fileno()), *imports],
            env=os.environ | _MEMORY | _ONE_THREAD | self._gpu(),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=None if debug else self._words,
        )
        theirs.close()

    def process(self, video: VideoInput, run: ResolvedRun, progress: VideoProgress) -> VideoResult:
        """Processes one video; after a crash or an unexpected error, once more in a fresh process."""
        started = time.monotonic()
        self.run_id = run.id
        self._peak_bytes = 0
        result = try_twice(lambda: self._try(video, run, progress), self.close)
        return replace(
            result,
            seconds=result.seconds | {"total": round(time.monotonic() - started, 4)},
            peak_memory_bytes=max(self._peak_bytes, result.peak_memory_bytes),
        )

    def close(self) -> None:
        """Ends the process, even in the middle of a video."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if self._connection is not None:
            self._connection.close()
        if self._words is not None:
            self._words.close()
        if self._gpu_slot is not None:
            self._gpu_slot.close()

    def stop(self, run_id: str) -> None:
        """Ends the process if it works for a run; one that is about to start sees that the run has ended."""
        with self._starting:
            if self.run_id == run_id:
                self.close()

    def _gpu(self) -> dict[str, str]:
        """An environment in which the process sees one GPU, if there are several."""
        gpus = visible_gpus() if self._gpus is None else self._gpus
        if len(gpus) < 2:
            return {}
        self._gpu_slot = GpuSlot(gpus)
        return {"CUDA_VISIBLE_DEVICES": gpus[self._gpu_slot.number % len(gpus)]}

    def _try(self, video: VideoInput, run: ResolvedRun, progress: VideoProgress) -> VideoResult:
        try:
            return self._attempt(video, run, progress)
        except _DiedError as died:
            if run.id in _stopped:
                return failure(video, StoppedError(f"{video.source}: the run ended while it was being processed"))
            crash = WorkerDiedError(f"{video.source}: the process died while working on it: {died}")
            return replace(failure(video, crash), unexpected=True)
        except MemoryLimitError as error:
            # Part of the memory may be left over from earlier videos of the process; a fresh one has none of it.
            return replace(failure(video, error), unexpected=self._videos > 1)
        except AvcuesError as error:
            return failure(video, error)

    def _attempt(self, video: VideoInput, run: ResolvedRun, progress: VideoProgress) -> VideoResult:
        with self._starting:
            if run.id in _stopped:
                raise StoppedError(f"{video.source}: the run ended before it was processed")
            self.start(run.gpus, debug=run.debug)
            process, connection = self._process, self._connection
        assert process is not None
        assert connection is not None
        self._videos += 1
        started = moved = time.monotonic()
        try:
            connection.send((video, run))
            while True:
                if connection.poll(_POLL_S):
                    message = connection.recv()
                    if isinstance(message, VideoResult):
                        return message
                    progress(*message)
                    moved = time.monotonic()
                now = time.monotonic()
                self._check(process, video, run, now - started, now - moved)
        except (EOFError, ConnectionError, OSError) as error:
            words = self._end_of(process)
            self.close()
            raise _DiedError(words) from error

    def _check(
        self, process: subprocess.Popen[bytes], video: VideoInput, run: ResolvedRun, worked_s: float, stood_s: float
    ) -> None:
        """Ends the process if it is over a limit."""
        error: AvcuesError | None = None
        resident = _resident_bytes(process.pid)
        self._peak_bytes = max(self._peak_bytes, resident)
        if run.limits.time_s is not None and worked_s > run.limits.time_s:
            error = TimeLimitError(
                f"{video.source}: not done after {run.limits.time_s:g} s; raise `time_limit_s` to allow more"
            )
        elif stood_s > STANDSTILL_S:
            error = StandstillError(
                f"{video.source}: no progress for {STANDSTILL_S / 60:.0f} minutes; the decoder or a network hangs"
            )
        elif isinstance(run.limits.memory_bytes, int) and resident > run.limits.memory_bytes:
            error = MemoryLimitError(
                f"{video.source}: needs more than {run.limits.memory_bytes / 2**30:.1f} GiB of memory; "
                "raise `memory_limit` to allow that (none: no limit)"
            )
        if error is not None:
            self.close()
            raise error

    def _end_of(self, process: subprocess.Popen[bytes]) -> str:
        """How the process ended, and where in the code it was."""
        try:
            code = process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "it closed its connection"
        if code == -signal.SIGKILL:
            return "killed from outside, most likely by the system for want of memory; use fewer `workers`"
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"{how}{self._last_words()}"

    def _last_words(self) -> str:
        """Where in the code the process was, as Python's fault handler tells."""
        if self._words is None or self._words.closed:
            return ""
        self._words.seek(max(0, self._words.seek(0, os.SEEK_END) - 20_000))
        text = self._words.read().decode(errors="replace")
        frame = re.search(r'Current thread [^\n]*\n  File "(?:.*/)?([^"]+)", line (\d+) in (\S+)', text)
        if frame:
            return f" in {frame[3]} ({frame[1]}:{frame[2]})"
        lines = text.strip().splitlines()
        return f" ({lines[-1].strip()})" if lines else ""


def try_twice(attempt: Callable[[], VideoResult], renew: Callable[[], object]) -> VideoResult:
    """A video's result; after an unexpected error, that of one more try.

    Args:
        renew: Drops the process, or what it has loaded, so that nothing after the error can meet the same fault.
    """
    first = attempt()
    if not first.unexpected:
        return first
    renew()
    again = attempt()
    if again.unexpected:
        renew()
    return replace(again, retries=first.retries + 1 + again.retries)


def _resident_bytes(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


_processes: dict[int, WorkerProcess] = {}
_stopped: set[str] = set()


def process_isolated(video: VideoInput, run: ResolvedRun, progress: VideoProgress) -> VideoResult:
    """Processes one video in the process that belongs to this thread of the worker."""
    process = _processes.setdefault(threading.get_ident(), WorkerProcess())
    return process.process(video, run, progress)


def stop_processes(run_id: str) -> None:
    """Ends the processes of this worker that work for a run, and drops the videos that they are processing."""
    _stopped.add(run_id)
    for process in list(_processes.values()):
        process.stop(run_id)
