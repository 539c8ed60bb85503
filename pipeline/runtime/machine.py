"""What this machine, or the container or batch job that we are in, has, and how much of it one video may take."""

from __future__ import annotations

from pathlib import Path

from avcues.extractors.partial_import import without_init

WORKER_BYTES = 3 << 30
"""Memory that a worker with every network needs, with room for large frames."""

THREAD_BYTES = 1 << 30
"""Memory that I3D needs for one more clip."""

_USABLE = 0.9  # the rest is for the system and the process that runs the workers
_LEAST_BYTES = 2 * WORKER_BYTES


def cores() -> int:
    """Cores that this process may use, as Dask counts them."""
    with without_init("dask"):  # a single worker needs no Dask, which takes long to import
        from dask.system import CPU_COUNT
    return CPU_COUNT


def memory_bytes() -> int:
    """Memory that this process may use: the least of the machine's, its control groups', and `ulimit -m`."""
    with without_init("distributed"):
        from distributed.system import MEMORY_LIMIT
    return min([MEMORY_LIMIT, *_group_limits(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))])


def memory_limit(share_bytes: int, threads: int) -> int:
    """Memory that one video may take unless the user says otherwise.

    It is there to protect the machine from a single video, so a small share is no reason to give up ordinary work:
    every video may take twice what all networks need, as far as the machine has it.

    Args:
        share_bytes: Memory of the machine for each worker.
        threads: Batches that the worker works on at once.
    """
    least = _LEAST_BYTES + (threads - 1) * THREAD_BYTES
    return int(min(max(_USABLE * share_bytes, least), _USABLE * memory_bytes()))


def _group_limits(membership: Path, root: Path) -> list[int]:
    """Limits of the control groups (version 2) around this process; Dask reads that of the outermost only.

    Batch systems such as Slurm limit a job by a group of its own, without a container.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return []
    limits = []
    for path in [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]:
        for group in [root / path, *(root / path).parents]:
            if not group.is_relative_to(root):
                break
            try:
                limits.append(int((group / "memory.max").read_text()))
            except (OSError, ValueError):  # no such file, or "max": no limit
                continue
    return limits
