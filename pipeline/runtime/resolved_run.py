"""A run in which nothing is open: made once, by `avcues.pipeline.runtime.resolve`, and sent to every worker."""

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
    """A run in which nothing is open; apart from `measurements`, nothing in it changes a value.

    What a worker needs to know besides the video belongs here; what it needs to know of one video belongs in
    `avcues.pipeline.store.video_input.VideoInput`. It is pickled for every video, so it stays small. A worker process
    keeps the first copy of a run that it gets, with what the extractors have loaded.

    Args:
        out: Output folder; absolute, because workers may stand in another folder.
        measurements: The extractors, with definite networks, and how they compute.
        left_out: Features left out because their weights are missing, each with the reason.
        limits: What one video may take.
        overwrite: Recompute tables that are up to date.
        verify: Read every table that is kept, and recompute it if its content is damaged.
        debug: Print tracebacks.
        gpus: Values of CUDA_VISIBLE_DEVICES that the workers of a machine share evenly. Empty: the variable is left
            alone. None: each worker looks up the GPUs of its own machine.
        id: Tells this run from others on the same workers.
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

    def on_worker(self, share_bytes: int, threads: int | None = None) -> ResolvedRun:
        """The same for a worker with a share of its machine.

        Args:
            share_bytes: Its memory.
            threads: Batches that it computes at once; None: as many as before.
        """
        compute = self.measurements.compute
        if threads is not None:
            compute = replace(compute, threads=threads)
        return replace(
            self,
            measurements=replace(self.measurements, compute=compute),
            limits=self.limits.on_worker(share_bytes, compute.threads),
        )

    def fresh(self) -> ResolvedRun:
        """The same, by extractors that have loaded nothing yet."""
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
