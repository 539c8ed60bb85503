"""A user's request: what a run computes, within which limits, and with which workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, Literal

from avcues.pipeline.errors import SettingsError
from avcues.pipeline.runtime.machine import memory_limit

if TYPE_CHECKING:
    from avcues.pipeline.runtime.inputs import Shard
    from avcues.pipeline.runtime.settings import Settings
    from avcues.pipeline.store.location import Location


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one video, which fails if it exceeds one.

    Args:
        time_s: Seconds; None: no limit, but a video that makes no progress for ten minutes fails.
        memory_bytes: "auto": the limit follows from the worker's share of its machine, see
            `avcues.pipeline.runtime.machine.memory_limit`; None: no limit.

    Raises:
        SettingsError: A limit is not a positive number.
    """

    time_s: float | None = None
    memory_bytes: int | Literal["auto"] | None = "auto"

    def __post_init__(self) -> None:
        for name, limit in (("time_limit_s", self.time_s), ("memory_limit", self.memory_bytes)):
            if isinstance(limit, int | float) and not limit > 0:
                raise SettingsError(f"`{name}={limit}`: expected a positive number")

    def for_worker(self, share_bytes: int, threads: int) -> Limits:
        """A copy with a definite memory limit.

        Args:
            share_bytes: The worker's share of its machine's memory.
            threads: Number of batches that the worker processes at the same time.
        """
        if self.memory_bytes != "auto":
            return self
        return replace(self, memory_bytes=memory_limit(share_bytes, threads))


@dataclass(frozen=True, kw_only=True)
class Request:
    """A requested run. Only `settings` affects values.

    Args:
        settings: Settings, which decide what is computed.
        out: Output folder.
        overwrite: Recompute tables even if they are up to date.
        trust_headers: Decode files whose headers claim more than `avcues.pipeline.media.limits` allow.
        verify: Read every table that is kept, and recompute it if its content is damaged.
        debug: Print tracebacks.
        limits: Limits of each video.
        shard: The part of the videos that is processed; None: all.
    """

    settings: Settings
    out: Location
    overwrite: bool = False
    trust_headers: bool = False
    verify: bool = False
    debug: bool = False
    limits: Limits = field(default_factory=Limits)
    shard: Shard | None = None


@dataclass(frozen=True, kw_only=True)
class Workers:
    """The workers of a run, which do not affect values.

    Args:
        count: Worker processes; None: as many as the machine allows; 0: process videos in this process, without limits.
        per_gpu: Most workers that may share a GPU if `count` is None; None: 4.
        scheduler: Address of a running Dask scheduler, whose workers process the videos.
        resources: Resources that a worker of that scheduler must have, as `dask worker --resources` names them.
        wait_s: Seconds after which the run stops if that scheduler does not answer or has no worker; None: it waits 30
            seconds for the scheduler, and forever for a worker.

    Raises:
        SettingsError: A number is out of range, or resources are named without a scheduler.
    """

    count: int | None = None
    per_gpu: int | None = None
    scheduler: str | None = None
    resources: Mapping[str, float] | None = None
    wait_s: float | None = None

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 0:
            raise SettingsError(f"`workers={self.count}`: expected a number of processes, 0, or auto")
        if self.per_gpu is not None and self.per_gpu < 1:
            raise SettingsError(f"`workers_per_gpu={self.per_gpu}`: expected 1 or more")
        for name, amount in (self.resources or {}).items():
            if not (name and 0 < amount < inf):
                raise SettingsError(
                    f"`resources={name}={amount:g}`: expected a name and a positive amount, such as GPU=1"
                )
        if self.wait_s is not None and not self.wait_s >= 0:
            raise SettingsError(f"`wait={self.wait_s:g}`: expected seconds, 0 or more")
        if self.resources and self.scheduler is None:
            raise SettingsError("`resources` needs `scheduler`: it chooses among the workers of a running cluster")
