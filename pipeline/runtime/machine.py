"""What this machine, or the container or batch job that we are in, has, and how much of it one video may take."""

from __future__ import annotations

import math
import os
import resource
from collections.abc import Iterator
from pathlib import Path

WORKER_BYTES = 3 << 30
"""Memory that a worker with every network needs, with room for large frames."""

THREAD_BYTES = 1 << 30
"""Memory that I3D needs for one more clip."""

_USABLE = 0.9  # the rest is for the system and the process that runs the workers
_LEAST_BYTES = 2 * WORKER_BYTES
_MEMBERSHIP, _GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def cores() -> int:
    """Cores that this process may use: those that it may run on, and at most its control groups' quota, rounded up."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([allowed, *_core_quotas(_MEMBERSHIP, _GROUPS)])


def memory_bytes() -> int:
    """Memory that this process may use: the least of the machine's, its control groups', and `ulimit -m`."""
    import psutil

    limits = [int(psutil.virtual_memory().total), *_memory_limits(_MEMBERSHIP, _GROUPS)]
    resident_limit = resource.getrlimit(resource.RLIMIT_RSS)[1]
    if resident_limit > 0:  # RLIM_INFINITY is -1
        limits.append(resident_limit)
    return min(limits)


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


def _core_quotas(membership: Path, root: Path) -> Iterator[int]:
    """Cores that each control group around this process may use; none without a quota."""
    for group in _groups_around(membership, root, "cpu"):
        quota, _, period = _content(group / "cpu.max").partition(" ")  # version 2
        if not period:
            quota, period = _content(group / "cpu.cfs_quota_us"), _content(group / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(quota) and int(period):
            yield math.ceil(int(quota) / int(period))


def _memory_limits(membership: Path, root: Path) -> Iterator[int]:
    """Bytes that each control group around this process may use; none without a limit."""
    for group in _groups_around(membership, root, "memory"):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            limit = _content(group / name)
            if limit.isdigit() and int(limit):
                yield int(limit)


def _groups_around(membership: Path, root: Path, controller: str) -> Iterator[Path]:
    """Folders of the control groups around this process, of version 2 or of a controller of version 1.

    Batch systems such as Slurm limit a job by a group of its own, without a container, and inside a container the outer
    groups cannot be seen: the root stands for the innermost of them.
    """
    for line in _content(membership).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = root / controller if controllers else root
        innermost = top / path.lstrip("/")
        for group in (innermost, *innermost.parents):
            if not group.is_relative_to(top):
                break
            yield group


def _content(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
