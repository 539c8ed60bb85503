"""What every worker needs to know besides the video."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from avcues.pipeline.errors import AvcuesError, SettingsError
from avcues.pipeline.runtime.machine import memory_limit
from avcues.pipeline.runtime.settings import Settings
from avcues.pipeline.store.records import VideoResult, write_record

if TYPE_CHECKING:
    from avcues.pipeline.store.location import Location


@dataclass(frozen=True, kw_only=True)
class Job:
    """The work of a run; apart from `settings`, nothing in it changes a value.

    Args:
        settings: What is computed.
        out: Output folder.
        weights_dir: A folder searched for weights files before the usual places.
        overwrite: Recompute tables that are up to date.
        trust_headers: Decode files whose headers claim more than `avcues.pipeline.media.limits` allow.
        verify: Read every table that is kept, and recompute it if its content is damaged.
        debug: Print tracebacks.
        time_limit_s: A video that takes longer fails; None: no limit, but a video that makes no progress for ten
            minutes fails.
        memory_limit_bytes: A video that needs more memory fails. "auto": the limit follows from the worker's share of
            its machine, see `avcues.pipeline.runtime.machine.memory_limit`; None: no limit.
        left_out: Features left out because their weights are missing, each with the reason; for the records.
        gpus: Values of CUDA_VISIBLE_DEVICES that the workers of a machine share evenly. Empty: the variable is left
            alone. None: each worker looks up the GPUs of its own machine.
        run: Distinguishes this run from others on the same workers.

    Raises:
        SettingsError: A limit is not a positive number.
    """

    settings: Settings
    out: Location
    weights_dir: Path | None = None
    overwrite: bool = False
    trust_headers: bool = False
    verify: bool = False
    debug: bool = False
    time_limit_s: float | None = None
    memory_limit_bytes: int | Literal["auto"] | None = "auto"
    left_out: Mapping[str, str] = field(default_factory=dict)
    gpus: tuple[str, ...] | None = ()
    run: str = field(default_factory=lambda: secrets.token_hex(8))

    def __post_init__(self) -> None:
        for option, limit in (("--time-limit", self.time_limit_s), ("--memory-limit", self.memory_limit_bytes)):
            if isinstance(limit, int | float) and not limit > 0:
                raise SettingsError(f"{option} {limit}: expected a positive number")

    def with_threads(self, threads: int) -> Job:
        """A copy in which each worker computes this many batches at once."""
        compute = replace(self.settings.compute, threads=threads)
        return replace(self, settings=replace(self.settings, compute=compute))

    def with_share(self, share_bytes: int) -> Job:
        """The same with a memory limit in bytes instead of "auto".

        Args:
            share_bytes: Memory of its machine for each worker.
        """
        if self.memory_limit_bytes != "auto":
            return self
        return replace(self, memory_limit_bytes=memory_limit(share_bytes, self.settings.compute.threads))

    def record(self, result: VideoResult) -> VideoResult:
        """Writes a video's record on the machine that did the work, so that it appears together with the tables.

        Returns:
            The result, completed with the features that the run left out; failed if the record could not be written.
        """
        result = replace(result, left_out=dict(self.left_out))
        try:
            write_record(result, self.out)
        except (AvcuesError, OSError) as error:
            return replace(result, state="failed", error_class=type(error).__name__, error=str(error), ends_run=True)
        return result
