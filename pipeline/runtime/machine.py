"""Cores and memory of this machine, container or batch job, and the memory that one video may take."""

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

_USABLE_SHARE = 0.9  # the rest is for the system and the process that runs the workers
_MIN_BYTES = 2 * WORKER_BYTES
_CGROUP_FILE, _CGROUP_ROOT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def cores() -> int:
    """Number of cores that this process may run on, but at most the quota of its control groups, rounded up."""
    usable_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([usable_cores, *_core_quotas(_CGROUP_FILE, _CGROUP_ROOT)])


def memory_bytes() -> int:
    """Memory that this process may use: the minimum of the machine's, its control groups' and `ulimit -m`."""
    import psutil

    limits = [int(psutil.virtual_memory().total), *_memory_limits(_CGROUP_FILE, _CGROUP_ROOT)]
    resident_limit = resource.getrlimit(resource.RLIMIT_RSS)[1]
    if resident_limit > 0:  # RLIM_INFINITY is -1
        limits.append(resident_limit)
    return min(limits)


def memory_limit(share_bytes: int, threads: int) -> int:
    """Memory that one video may take by default.

    The limit protects the machine from a single video. It must not stop ordinary work if the share of a worker is
    small, so every video may take twice the memory of all networks, if the machine has it.

    Args:
        share_bytes: Memory of the machine per worker.
        threads: Number of batches that the worker processes at the same time.
    """
    min_bytes = _MIN_BYTES + (threads - 1) * THREAD_BYTES
    return int(min(max(_USABLE_SHARE * share_bytes, min_bytes), _USABLE_SHARE * memory_bytes()))


def _core_quotas(membership: Path, root: Path) -> Iterator[int]:
    """Yields the core quota of each control group around this process that has one."""
    for group in _control_groups(membership, root, "cpu"):
        quota, _, period = _read_text(group / "cpu.max").partition(" ")  # version 2
        if not period:
            quota, period = _read_text(group / "cpu.cfs_quota_us"), _read_text(group / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(quota) and int(period):
            yield math.ceil(int(quota) / int(period))


def _memory_limits(membership: Path, root: Path) -> Iterator[int]:
    """Yields the memory limits, in bytes, of the control groups around this process."""
    for group in _control_groups(membership, root, "memory"):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            limit = _read_text(group / name)
            if limit.isdigit() and int(limit):
                yield int(limit)


def _control_groups(membership: Path, root: Path, controller: str) -> Iterator[Path]:
    """Folders of the control groups around this process, of version 2 or of a controller of version 1.

    Batch systems such as Slurm limit a job by its own group, without a container. Inside a container, the outer groups
    are not visible: the root is the innermost of them.
    """
    for line in _read_text(membership).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = root / controller if controllers else root
        innermost = top / path.lstrip("/")
        for group in (innermost, *innermost.parents):
            if not group.is_relative_to(top):
                break
            yield group


def _read_text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
