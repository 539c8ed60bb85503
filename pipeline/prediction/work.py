"""Predicts one video as the work of a run, in a child process of any worker."""

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
    """The result of predicting a video.

    Args:
        predictions: As `predict_video` returns them; None: the video failed.
    """

    predictions: pa.Table | None = None


@dataclass(frozen=True, kw_only=True)
class PredictionWork:
    """A model and the videos that it predicts; see `avcues.pipeline.runtime.work.Work`.

    Args:
        dataset: The dataset, with an absolute folder, because workers may run in another working directory.
        debug: Whether to show the output of the processes.
    """

    model: Model
    dataset: Dataset
    debug: bool = False
    limits: Limits = field(default_factory=lambda: Limits(memory_bytes=None))
    gpus: tuple[str, ...] | None = ()
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    def process(self, video: VideoInput, progress: VideoProgress) -> VideoResult:
        """Predicts one video in this process. Errors are returned, not raised."""

        def report() -> None:
            progress(video.video_id, 0.0, None)

        try:
            report()
            predictions = predict_video(self.model, self.dataset, video.video_id, on_step=report)
            if isinstance(predictions, Problem):
                raise AvcuesError(predictions.error)
        except Exception as error:
            return failed_result(video, error)
        return PredictedVideo(video_id=video.video_id, source=video.source, state="done", predictions=predictions)

    def record(self, result: VideoResult) -> VideoResult:
        """Returns the result unchanged: predictions are recorded only in their file."""
        return result

    def for_worker(self, share_bytes: int) -> PredictionWork:
        """Returns this object: predictions have no memory limit."""
        return self

    def fresh(self) -> PredictionWork:
        """Returns this object: it loads nothing."""
        return self


def predictions_or_problem(result: VideoResult) -> pa.Table | Problem:
    """The predictions of a video, or the problem that prevented them."""
    if isinstance(result, PredictedVideo) and result.predictions is not None:
        return result.predictions
    return Problem(result.video_id, str(result.error).removeprefix(f"{result.source}: "))
