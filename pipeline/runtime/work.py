"""The protocol of work that is done on every video of a run, in any process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from avcues.pipeline.runtime.request import Limits
from avcues.pipeline.store.records import VideoResult
from avcues.pipeline.store.video_input import VideoInput

VideoProgress = Callable[[str, float, float | None], None]
"""Called with the id of a video, the seconds processed so far, and its length, if known."""


class Work(Protocol):
    """The work of a run. It is pickled for the workers; a worker process keeps the first copy of each run."""

    @property
    def id(self) -> str:
        """Distinguishes this run from others on the same workers."""

    @property
    def limits(self) -> Limits:
        """Limits of each video."""

    @property
    def gpus(self) -> tuple[str, ...] | None:
        """Values of CUDA_VISIBLE_DEVICES that the workers of a machine share evenly.

        Empty: the variable is not changed. None: each worker determines the GPUs of its own machine.
        """

    @property
    def debug(self) -> bool:
        """Whether tracebacks are printed."""

    def process(self, video: VideoInput, progress: VideoProgress) -> VideoResult:
        """Does the work on one video, in this process. Errors are returned, not raised."""

    def record(self, result: VideoResult) -> VideoResult:
        """Records the result of a video, on the machine that did the work, and returns it."""

    def for_worker(self, share_bytes: int) -> Work:
        """A copy for a worker with a share of the memory of its machine."""

    def fresh(self) -> Work:
        """A copy that has loaded nothing yet."""
