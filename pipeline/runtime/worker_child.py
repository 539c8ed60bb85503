"""Starts and ends the child process of a worker, and finds out how it died.

The child may be started before the run is planned, while the parent still imports modules, so this module imports
little.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import BinaryIO

from avcues.pipeline.runtime.gpus import GpuSlot, visible_gpus

# By Dask's default, glibc returns freed memory to the system at once; decoding then takes 1.5 times as long.
_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_ARENA_MAX": "2",  # otherwise every thread keeps the memory that it freed
}
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
ENVIRONMENT = _MEMORY | _ONE_THREAD
"""Environment variables of a process that works on videos."""

EXTRACTION = "avcues.pipeline.extraction.video"
"""The module that a child process imports first for an extraction."""

_MAX_ERROR_BYTES = 20_000


class WorkerChild:
    """A child process that runs `avcues.pipeline.runtime.worker_main`; started when needed, and again after its end.

    Attributes:
        videos: Number of videos that the current process was given.
        run_id: Id of the run whose work it was given last.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._errors: BinaryIO | None = None
        self._gpus: tuple[str, ...] | None = ()
        self._gpu_slot: GpuSlot | None = None
        self.videos = 0
        self.run_id = ""

    def start(self, gpus: tuple[str, ...] | None = (), *, debug: bool = False) -> None:
        """Starts the process, unless it is already running with these GPUs.

        Args:
            gpus: As in `ResolvedRun`.
            debug: Pass its standard error on to that of this process.
        """
        if gpus is not None and len(gpus) < 2:
            gpus = ()  # there is nothing to choose from
        if self._process is not None and (self._process.poll() is not None or self._gpus != gpus):
            self.close()
        if self._process is not None:
            return
        self._connection, child_connection = Pipe()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (`close` closes it)
        self._gpus = gpus
        self.videos = 0
        self.run_id = ""
        self._process = subprocess.Popen(
            # -P: otherwise a file in the current folder, such as random.py, would shadow a module of Python.
            [sys.executable, "-P", "-m", "avcues.pipeline.runtime.worker_main", str(child_connection.fileno())],
            env=os.environ | ENVIRONMENT | self._gpu_environment(),
            pass_fds=[child_connection.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=None if debug else self._errors,
        )
        child_connection.close()

    def load(self, modules: Sequence[str]) -> None:
        """Makes the process import modules while it waits for its first video."""
        assert self._connection is not None
        try:
            self._connection.send(list(modules))
        except OSError:  # it has ended; the first video reports that
            return

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process; `start` has been called."""
        assert self._process is not None
        return self._process

    @property
    def connection(self) -> Connection:
        """The connection to the process; `start` has been called."""
        assert self._connection is not None
        return self._connection

    def close(self) -> None:
        """Ends the process, even in the middle of a video."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if self._connection is not None:
            self._connection.close()
        if self._errors is not None:
            self._errors.close()
        if self._gpu_slot is not None:
            self._gpu_slot.close()

    def cause_of_death(self, process: subprocess.Popen[bytes]) -> str:
        """How the process ended, and where in the code it was then."""
        try:
            code = process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "it closed its connection"
        if code == -signal.SIGKILL:
            return "killed from outside, most likely by the system for want of memory; use fewer `workers`"
        ending = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"{ending}{self._last_frame()}"

    def _last_frame(self) -> str:
        """The line of code by Python's fault handler, or else the last line that the process printed."""
        if self._errors is None or self._errors.closed:
            return ""
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - _MAX_ERROR_BYTES))
        text = self._errors.read().decode(errors="replace")
        frame = re.search(r'Current thread [^\n]*\n  File "(?:.*/)?([^"]+)", line (\d+) in (\S+)', text)
        if frame:
            return f" in {frame[3]} ({frame[1]}:{frame[2]})"
        lines = text.strip().splitlines()
        return f" ({lines[-1].strip()})" if lines else ""

    def _gpu_environment(self) -> dict[str, str]:
        """Environment variables that show the process only one GPU; empty if the machine has fewer than two."""
        gpus = visible_gpus() if self._gpus is None else self._gpus
        if len(gpus) < 2:
            return {}
        self._gpu_slot = GpuSlot(gpus)
        return {"CUDA_VISIBLE_DEVICES": gpus[self._gpu_slot.number % len(gpus)]}
