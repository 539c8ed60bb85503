"""The prediction of one video as the work of a run, which a process of its own does on any worker."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import pyarrow as pa

from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.errors import AvcuesError
from avcues.pipeline.runtime.request import Limits
from avcues.pipeline.runtime.work import VideoProgress
from avcues.pipeline.store.records import VideoResult, failed_result
from avcues.pipeline.store.video_input import VideoInput
from avcues.pipeline.training.predict import Problem, predict_video
from avcues.pipeline.training.saved_model import Model


@dataclass(frozen=True, kw_only=True)
class PredictedVideo(VideoResult):
    """What became of a video, with its predictions.

    Args:
        predictions: As `predict_video` gives them; None: the video failed.
    """

    predictions: pa.Table | None = None


@dataclass(frozen=True, kw_only=True)
class Predicting:
    """A model and the videos that it predicts; see `avcues.pipeline.runtime.work.Work`.

    Args:
        data: Its folder is absolute, because workers may stand in another one.
        debug: Show what the processes print.
    """

    model: Model
    data: Dataset
    debug: bool = False
    limits: Limits = field(default_factory=lambda: Limits(memory_bytes=None))
    gpus: tuple[str, ...] | None = ()
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    def process(self, video: VideoInput, progress: VideoProgress) -> VideoResult:
        """Predicts one video in this process. Errors are returned, not raised."""
        try:
            predictions = predict_video(self.model, self.data, video.video_id)
            if isinstance(predictions, Problem):
                raise AvcuesError(predictions.error)
        except Exception as error:
            return failed_result(video, error)
        return PredictedVideo(video_id=video.video_id, source=video.source, state="done", predictions=predictions)

    def record(self, result: VideoResult) -> VideoResult:
        """Returns the result: the file of predictions is the only record."""
        return result

    def on_worker(self, share_bytes: int) -> Predicting:
        """The same: there is no limit of memory."""
        return self

    def fresh(self) -> Predicting:
        """The same: nothing is loaded by it."""
        return self


def outcome_of(result: VideoResult) -> pa.Table | Problem:
    """The predictions of a video, or why there are none."""
    if isinstance(result, PredictedVideo) and result.predictions is not None:
        return result.predictions
    return Problem(result.video_id, str(result.error).removeprefix(f"{result.source}: "))
