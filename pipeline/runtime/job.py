"""What every worker needs to know besides the video."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import AvcuesError
from pipeline.runtime.settings import Settings
from pipeline.store.records import VideoResult, write_record

if TYPE_CHECKING:
    from pipeline.store.location import Location


@dataclass(frozen=True, kw_only=True)
class Job:
    """The work of a run; apart from `settings`, nothing in it changes a value.

    Args:
        settings: What is computed.
        out: Output folder.
        weights_dir: A folder with weights files, beside the places where they are always looked for.
        overwrite: Compute tables again that are up to date.
        trust_headers: Decode files whose headers claim more than `pipeline.media.limits` allow.
        verify: Read every table that is kept, and compute it again if its content is damaged.
        debug: Print tracebacks.
        time_limit_s: A video that takes longer fails; None: only one on which nothing moves does.
        memory_limit_bytes: A video that needs more memory fails.
        left_out: Features left out for want of weights, each with the reason; for the records.
        gpus: Values of CUDA_VISIBLE_DEVICES that the workers of a machine share evenly; empty: as it is set; None: each
            worker looks what its own machine has.
        run: Tells this run from others on the same workers.
    """

    settings: Settings
    out: Location
    weights_dir: Path | None = None
    overwrite: bool = False
    trust_headers: bool = False
    verify: bool = False
    debug: bool = False
    time_limit_s: float | None = None
    memory_limit_bytes: int | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    gpus: tuple[str, ...] | None = ()
    run: str = field(default_factory=lambda: secrets.token_hex(8))

    def with_threads(self, threads: int) -> Job:
        """The same, with so many batches at once in each worker."""
        compute = replace(self.settings.compute, threads=threads)
        return replace(self, settings=replace(self.settings, compute=compute))

    def record(self, result: VideoResult) -> VideoResult:
        """Writes a video's record, where the work was done, so that it is there as soon as the tables are.

        Returns:
            The result with what the run knows of it; failed, if the record could not be written.
        """
        result = replace(result, left_out=dict(self.left_out))
        try:
            write_record(result, self.out)
        except (AvcuesError, OSError) as error:
            return replace(result, state="failed", error_class=type(error).__name__, error=str(error), ends_run=True)
        return result
