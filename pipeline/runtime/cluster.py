"""Dask clusters: one started on this machine, or one that is already running."""

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
_MOST_THREADS = 8  # beyond, the decoder cannot keep them busy

_TALKATIVE = ("distributed", "asyncio", "tornado")
_CONFIGURATION = {
    "distributed.admin.tick.limit": "1h",
    # Dask examines itself 50 to 100 times a second, which takes a tenth of a core.
    "distributed.admin.tick.interval": "1s",
    "distributed.worker.profile.enabled": False,
    # What is kept of each event and task must not grow with the number of videos.
    "distributed.admin.log-length": 100,
    "distributed.admin.low-level-log-length": 100,
    "distributed.scheduler.dashboard.tasks.task-stream-length": 1000,
}


def default_workers(videos: int, gpus: Sequence[str], workers_per_gpu: int | None, *, networks: bool = True) -> int:
    """How many workers suit this machine, or the container that this process runs in; no more than there are videos.

    On the CPU that is the number that leaves the fewest cores idle, counting the threads of each worker; where memory
    is short, a few workers of several threads use more cores than many of one.

    Args:
        gpus: The GPUs that are used; each serves at most `workers_per_gpu` workers, and each worker needs a core.
        networks: Whether a feature uses networks; without them a worker needs little memory.
    """
    most = min(videos, cores(), memory_bytes() // (WORKER_BYTES if networks else _WORKER_BYTES_WITHOUT_NETWORKS))
    if gpus:
        return int(max(1, min(most, len(gpus) * (workers_per_gpu or WORKERS_PER_GPU))))
    if not networks:
        return int(max(1, most))
    return max(range(1, int(max(1, most)) + 1), key=lambda workers: (workers * threads_per_worker(workers), workers))


def threads_per_worker(workers: int) -> int:
    """Batches that each worker may compute at once: the cores that would otherwise be idle, as far as memory allows."""
    spare_bytes = memory_bytes() // workers - WORKER_BYTES
    return int(max(1, min(cores() // workers, 1 + spare_bytes // THREAD_BYTES, _MOST_THREADS)))


@contextmanager
def local_cluster(workers: int, *, debug: bool) -> Iterator[Client]:
    """A cluster of this machine's own for the `with` block: workers of one thread each, in this process.

    They need no processes of their own: their tasks start one for the work and wait for it
    (`avcues.pipeline.runtime.worker_process`), and each process that loads Dask costs a second of processor time.

    Args:
        workers: How many.
        debug: Show the cluster's own log.

    Raises:
        RunStoppedError: It could not be started.
    """
    import dask
    from distributed import Client, LocalCluster

    _quieten(debug)
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
def existing_cluster(address: str, folder: Location, mark: Location, *, debug: bool) -> Iterator[Client]:
    """A client of a cluster that is already running, for the `with` block.

    Args:
        address: Of its scheduler.
        folder: The output folder, which every worker must see.
        debug: Show the cluster's own log.
        mark: A file in that folder by which workers show that they see it; created for the check if it does not exist.

    Raises:
        SettingsError: It cannot be reached, or its workers cannot do the job.
    """
    import dask
    from distributed import Client

    _quieten(debug)
    with dask.config.set(_CONFIGURATION):
        try:
            client = Client(address)
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
            _check_workers(client, address, folder, mark)
            yield client


def dashboard_link(client: Client, *, local: bool) -> str:
    """Address of a cluster's dashboard; empty if it has none, as the local cluster without the package bokeh.

    Args:
        client: Of the cluster.
        local: Whether this run started it.
    """
    return "" if local and find_spec("bokeh") is None else client.dashboard_link or ""


def stop_workers(client: Client, run: str) -> None:
    """Ends the processes that work for this run, in the middle of a video too."""
    if client.status == "running":
        client.run(stop_processes, run, on_error="ignore")


def _check_workers(client: Client, address: str, folder: Location, mark: Location) -> None:
    """Checks, before any work, that every worker runs this version and sees the folder."""
    from avcues.version import __version__

    local = isinstance(folder, Path)
    created = local and not mark.exists()
    if created:
        write_atomically(mark, lambda file: None)
    try:
        answers = client.run(_look, mark, on_error="return")
    finally:
        if created:
            mark.unlink(missing_ok=True)
    problems = set()
    for worker, answer in answers.items():
        if isinstance(answer, Exception):
            problems.add(f"worker {worker} cannot import avcues ({answer}); install the same version there")
        elif answer[0] != __version__:
            problems.add(f"worker {worker} has avcues {answer[0]}, this is {__version__}: install the same there")
        elif local and not answer[1]:
            problems.add(f"worker {worker} does not see {folder}: it must be on storage that all share")
    if problems:
        raise SettingsError("\n".join(f"`scheduler={address}`: {problem}" for problem in sorted(problems)[:5]))


def _look(mark: Any) -> tuple[str, bool]:
    from avcues.version import __version__

    return __version__, mark.exists()


def _quieten(debug: bool) -> None:
    # What happens to a worker is reported per video, in one line.
    if not debug:
        names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in _TALKATIVE]
        for name in names:
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _without_interrupts(start: Callable[[], Any]) -> Any:
    """What `start` returns; a Ctrl-C meanwhile takes effect afterwards, when what was started can be closed."""
    if threading.current_thread() is not threading.main_thread():
        return start()
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        started = start()
    finally:
        signal.signal(signal.SIGINT, handler)
    if came:
        started.close()
        raise KeyboardInterrupt
    return started
