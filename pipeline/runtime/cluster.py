"""Connects to Dask clusters: one started on this machine, or one that is already running."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avcues.pipeline.errors import RunStoppedError, SettingsError, one_line
from avcues.pipeline.runtime.machine import THREAD_BYTES, WORKER_BYTES, cores, memory_bytes
from avcues.pipeline.runtime.worker_process import stop_processes
from avcues.pipeline.store.files import write_atomically

if TYPE_CHECKING:
    from distributed import Client

    from avcues.pipeline.store.location import Location

WORKERS_PER_GPU = 4
_WORKER_BYTES_WITHOUT_NETWORKS = 1 << 30
_MAX_THREADS = 8  # the decoder cannot keep more of them busy
_MIN_CONNECT_S = 1.0  # a scheduler needs time to answer

_QUIETED_LOGGERS = ("distributed", "asyncio", "tornado")
_CONFIGURATION = {
    "distributed.admin.tick.limit": "1h",
    # Dask examines itself 50 to 100 times a second, which takes a tenth of a core.
    "distributed.admin.tick.interval": "1s",
    "distributed.worker.profile.enabled": False,
    # Logs of events and tasks must not grow with the number of videos.
    "distributed.admin.log-length": 100,
    "distributed.admin.low-level-log-length": 100,
    "distributed.scheduler.dashboard.tasks.task-stream-length": 1000,
}


def default_workers(
    videos: int, gpus: Sequence[str], workers_per_gpu: int | None, *, uses_networks: bool = True
) -> int:
    """Number of workers that suit this machine or container; at most one per video.

    On the CPU, this number leaves the fewest cores idle, counting the threads of each worker; if memory is short, a few
    workers of several threads use more cores than many workers of one thread.

    Args:
        videos: Number of videos.
        gpus: The GPUs that are used; each worker also needs a core.
        workers_per_gpu: The most workers that share a GPU; None: `WORKERS_PER_GPU`.
        uses_networks: Whether a feature uses networks; without them a worker needs little memory.
    """
    worker_bytes = WORKER_BYTES if uses_networks else _WORKER_BYTES_WITHOUT_NETWORKS
    max_workers = min(videos, cores(), memory_bytes() // worker_bytes)
    if gpus:
        return int(max(1, min(max_workers, len(gpus) * (workers_per_gpu or WORKERS_PER_GPU))))
    if not uses_networks:
        return int(max(1, max_workers))
    return max(
        range(1, int(max(1, max_workers)) + 1), key=lambda workers: (workers * threads_per_worker(workers), workers)
    )


def threads_per_worker(workers: int) -> int:
    """Number of batches that each worker processes at the same time, to use otherwise idle cores if memory allows."""
    spare_bytes = memory_bytes() // workers - WORKER_BYTES
    return int(max(1, min(cores() // workers, 1 + spare_bytes // THREAD_BYTES, _MAX_THREADS)))


@contextmanager
def local_cluster(workers: int, *, debug: bool) -> Iterator[Client]:
    """A context with a local cluster: workers of one thread each, in this process.

    The workers need no processes of their own, because each task starts a child process for the work
    (`avcues.pipeline.runtime.worker_process`), and a process that loads Dask costs a second of processor time.

    Args:
        workers: Number of workers.
        debug: Show the cluster's own log.

    Raises:
        RunStoppedError: The cluster could not be started.
    """
    import dask
    from distributed import Client, LocalCluster

    if not debug:
        _quiet_logs()
    with dask.config.set(_CONFIGURATION):
        try:
            cluster = _without_interrupts(
                lambda: LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=False,
                    protocol="tcp://",  # without it, Dask learns this machine's address by a route to the Internet
                    memory_limit=0,
                    dashboard_address="127.0.0.1:0",
                )
            )
        except (RuntimeError, OSError, TimeoutError) as error:
            raise RunStoppedError(
                f"the workers could not be started ({one_line(error.__cause__ or error)}); run the same command again "
                "to continue, with fewer `workers` if memory is short"
            ) from error
        with cluster, Client(cluster) as client:
            yield client


@contextmanager
def existing_cluster(
    address: str, folder: Location, probe: Location, *, wait_s: float | None, debug: bool
) -> Iterator[Client]:
    """A context with a client of a cluster that is already running.

    Args:
        address: Address of the scheduler.
        folder: The output folder, to which every worker must have access.
        probe: A file in that folder that every worker looks for; created for the check if it does not exist.
        wait_s: Seconds after which to give up if the scheduler does not answer; None: as Dask is configured, by
            default 30.
        debug: Show the cluster's own log.

    Raises:
        SettingsError: The cluster cannot be reached, or its workers cannot do the work.
    """
    import dask
    from distributed import Client

    if not debug:
        _quiet_logs()
    with dask.config.set(_CONFIGURATION):
        try:
            client = Client(address, **({} if wait_s is None else {"timeout": max(wait_s, _MIN_CONNECT_S)}))
        except TypeError as error:  # Dask has no certificates for tls://
            raise SettingsError(
                f"`scheduler={address}`: no TLS certificates are configured; set distributed.comm.tls in Dask's "
                "configuration (see docs/clusters.md)"
            ) from error
        except (OSError, ValueError, TimeoutError, RuntimeError) as error:
            raise SettingsError(
                f"`scheduler={address}`: no connection ({one_line(error) or type(error).__name__}); "
                "expected the address that dask scheduler prints, such as tcp://host:8786"
            ) from error
        with client:
            _check_workers(client, address, folder, probe)
            yield client


def dashboard_link(client: Client, *, is_local: bool) -> str:
    """Address of a cluster's dashboard; empty if it has none, like a local cluster without the package bokeh.

    Args:
        client: Client of the cluster.
        is_local: Whether this run started it.
    """
    return "" if is_local and find_spec("bokeh") is None else client.dashboard_link or ""


def stop_workers(client: Client, run: str) -> None:
    """Ends the processes that work for this run, even in the middle of a video."""
    if client.status == "running":
        client.run(stop_processes, run, on_error="ignore")


def _check_workers(client: Client, address: str, folder: Location, probe: Location) -> None:
    """Checks that every worker has this version of avcues and access to the folder."""
    from avcues.version import __version__

    is_local_folder = isinstance(folder, Path)
    creates_probe = is_local_folder and not probe.exists()
    if creates_probe:
        write_atomically(probe, lambda file: None)
    try:
        answers = client.run(_probe_worker, probe, on_error="return")
    finally:
        if creates_probe:
            probe.unlink(missing_ok=True)
    problems = set()
    for worker, answer in answers.items():
        if isinstance(answer, Exception):
            problems.add(f"worker {worker} cannot import avcues ({answer}); install the same version there")
            continue
        version, sees_probe = answer
        if version != __version__:
            problems.add(f"worker {worker} has avcues {version}, this is {__version__}: install the same there")
        elif is_local_folder and not sees_probe:
            problems.add(f"worker {worker} does not see {folder}: it must be on storage that all share")
    if problems:
        raise SettingsError("\n".join(f"`scheduler={address}`: {problem}" for problem in sorted(problems)[:5]))


def _probe_worker(probe: Any) -> tuple[str, bool]:
    """The worker's version of avcues, and whether it sees the file."""
    from avcues.version import __version__

    return __version__, probe.exists()


def _quiet_logs() -> None:
    # Results of videos report failures of workers.
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in _QUIETED_LOGGERS]
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _without_interrupts(start: Callable[[], Any]) -> Any:
    """Calls `start` and returns its result. A Ctrl-C takes effect afterwards, when the result can be closed."""
    if threading.current_thread() is not threading.main_thread():
        return start()
    interrupts: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
    try:
        started_cluster = start()
    finally:
        signal.signal(signal.SIGINT, handler)
    if interrupts:
        started_cluster.close()
        raise KeyboardInterrupt
    return started_cluster
