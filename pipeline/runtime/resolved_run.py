"""A run whose choices are all resolved: made by `avcues.pipeline.runtime.resolve`, and sent to every worker."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from avcues.errors import AvcuesError
from avcues.pipeline.extraction.measurements import Measurements
from avcues.pipeline.runtime.request import Limits
from avcues.pipeline.store.records import VideoResult, write_record

if TYPE_CHECKING:
    from avcues.pipeline.runtime.work import VideoProgress
    from avcues.pipeline.store.location import Location
    from avcues.pipeline.store.video_input import VideoInput


@dataclass(frozen=True, kw_only=True)
class ResolvedRun:
    """A run whose choices are all resolved. Only `measurements` affects values.

    It holds everything that a worker needs besides the videos (`avcues.pipeline.store.video_input.VideoInput`), and is
    pickled, so it must stay small. A worker process keeps its first copy of each run, with the loaded extractors.

    Args:
        out: Output folder; absolute, because workers may run in another folder.
        measurements: The extractors, with definite networks, and their options.
        left_out: Features left out because their weights are missing, each with the reason.
        limits: Limits of each video.
        overwrite: Recompute tables that are up to date.
        verify: Read every table that is kept, and recompute it if its content is damaged.
        debug: Print tracebacks.
        gpus: Values of CUDA_VISIBLE_DEVICES that the workers of a machine share evenly. Empty: the variable is not
            changed. None: each worker determines the GPUs of its own machine.
        id: Distinguishes this run from others on the same workers.
    """

    out: Location
    measurements: Measurements
    left_out: Mapping[str, str]
    limits: Limits
    overwrite: bool = False
    verify: bool = False
    debug: bool = False
    gpus: tuple[str, ...] | None = ()
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def uses_networks(self) -> bool:
        """Whether an extractor uses networks."""
        return any(extractor.uses_network for extractor in self.measurements.extractors)

    def for_worker(self, share_bytes: int, threads: int | None = None) -> ResolvedRun:
        """A copy for a worker with a share of its machine.

        Args:
            share_bytes: Memory of the worker.
            threads: Number of batches that it processes at the same time; None: as before.
        """
        compute = self.measurements.compute
        if threads is not None:
            compute = replace(compute, threads=threads)
        return replace(
            self,
            measurements=replace(self.measurements, compute=compute),
            limits=self.limits.for_worker(share_bytes, compute.threads),
        )

    def fresh(self) -> ResolvedRun:
        """A copy whose extractors have loaded nothing yet."""
        return replace(self, measurements=self.measurements.with_fresh_extractors())

    def process(self, video: VideoInput, progress: VideoProgress) -> VideoResult:
        """Makes the missing tables of one video, in this process. Errors are returned, not raised."""
        from avcues.pipeline.extraction.video import process_video

        progress(video.video_id, 0.0, None)
        return process_video(
            video,
            self.measurements,
            self.out,
            overwrite=self.overwrite,
            verify=self.verify,
            debug=self.debug,
            progress=lambda done_s, total_s: progress(video.video_id, done_s, total_s),
        )

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
