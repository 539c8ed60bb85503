"""What is done with every video of a run, wherever that happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from avcues.pipeline.runtime.request import Limits
from avcues.pipeline.store.records import VideoResult
from avcues.pipeline.store.video_input import VideoInput

VideoProgress = Callable[[str, float, float | None], None]
"""Called with how far a video is: its id, the seconds of it that are done, and its length, if known."""


class Work(Protocol):
    """The work of a run; workers get it pickled, and keep the first copy of each run that they get."""

    @property
    def id(self) -> str:
        """Tells this run from others on the same workers."""

    @property
    def limits(self) -> Limits:
        """What one video may take."""

    @property
    def gpus(self) -> tuple[str, ...] | None:
        """Values of CUDA_VISIBLE_DEVICES that the workers of a machine share evenly. Empty: the variable is left alone.
        None: each worker looks up the GPUs of its own machine."""

    @property
    def debug(self) -> bool:
        """Whether tracebacks are printed."""

    def process(self, video: VideoInput, progress: VideoProgress) -> VideoResult:
        """Does the work on one video, in this process. Errors are returned, not raised."""

    def record(self, result: VideoResult) -> VideoResult:
        """Notes what became of a video, on the machine that did the work, and returns it."""

    def on_worker(self, share_bytes: int) -> Work:
        """The same for a worker with a share of the memory of its machine."""

    def fresh(self) -> Work:
        """The same, with nothing loaded yet."""
