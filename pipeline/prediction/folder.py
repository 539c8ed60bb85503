"""Predicts the videos of a finished folder with a saved model, in this process or in workers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from avcues.pipeline.dataset.catalog import read_catalog
from avcues.pipeline.dataset.dataset import Dataset
from avcues.pipeline.dataset.opening import open_dataset
from avcues.pipeline.errors import InputError, SettingsError, one_line
from avcues.pipeline.prediction.work import PredictionWork, predictions_or_problem
from avcues.pipeline.runtime.cluster import default_workers
from avcues.pipeline.runtime.distribute import distribute
from avcues.pipeline.runtime.observer import Observer
from avcues.pipeline.runtime.request import Workers
from avcues.pipeline.runtime.worker_process import WorkerProcess
from avcues.pipeline.store.files import prepare_output
from avcues.pipeline.store.layout import manifest_path
from avcues.pipeline.store.location import location
from avcues.pipeline.store.model_files import PROBES
from avcues.pipeline.store.parquet import read_table
from avcues.pipeline.store.video_input import VideoInput
from avcues.pipeline.training.copies import CopyPair, find_copies, probes_from_table, read_traces
from avcues.pipeline.training.predict import Problem, seen_in_training, write_predictions
from avcues.pipeline.training.saved_model import Model, load_model

_PARQUET = ".parquet"
_LISTED_COPIES = 3
_VIDEOS_IN_MEMORY = 256


@dataclass(frozen=True, kw_only=True)
class PredictionPlan:
    """A model, the videos that it predicts, and the output; `plan_predictions` makes and checks it.

    Args:
        model: The saved model.
        dataset: The videos, with the tables that the model reads.
        out: The Parquet file to write.
        trained_on: Those of the videos on which the model was trained, under this or another name.
        notes: What limits the predictions, one line each.
    """

    model: Model
    dataset: Dataset
    out: Path
    trained_on: tuple[str, ...]
    notes: tuple[str, ...]


def plan_predictions(model_folder: str | Path, folder: str, out: str | Path) -> PredictionPlan:
    """Checks everything that can be checked before the first video is predicted.

    Args:
        model_folder: A folder that `avcues train` made.
        folder: A folder that `avcues extract` made.
        out: The Parquet file to write; an existing one is replaced.

    Raises:
        AvcuesError: The model or the folder cannot be used, the folder's tables were made in another way than those of
            the model, or `out` cannot be written.
    """
    out = Path(out)
    check_output(out, location(folder))
    model = load_model(model_folder)
    model.check(read_catalog(location(folder)))
    dataset = open_dataset(folder, tables=list(model.settings.tables))
    trained_on = tuple(seen_in_training(model, dataset))
    notes = []
    if trained_on:
        notes.append(
            f"the model was trained on {len(trained_on)} of these {len(dataset.videos)} videos: how well it predicts "
            "them says little"
        )
    copies = _copies(Path(model_folder), dataset, {*trained_on, *model.document.videos})
    if copies:
        remainder = f" and {len(copies) - _LISTED_COPIES} more" if len(copies) > _LISTED_COPIES else ""
        notes.append(
            f"{len(copies)} of these videos look like copies of training videos under another name: "
            f"{', '.join(map(str, copies[:_LISTED_COPIES]))}{remainder}; how well the model predicts them says little"
        )
    return PredictionPlan(model=model, dataset=dataset, out=out, trained_on=trained_on, notes=tuple(notes))


def _copies(model_folder: Path, dataset: Dataset, training_ids: Collection[str]) -> list[CopyPair]:
    """Pairs of a training video and a new video with its content; each new video occurs once."""
    path = model_folder / PROBES
    try:
        probes = probes_from_table(read_table(path))
    except (OSError, ValueError, LookupError, TypeError, pa.ArrowException) as error:
        raise InputError(f"{path}: is damaged ({one_line(error)}); train the model again") from error
    new_videos = [video_id for video_id in dataset.videos if video_id not in training_ids]
    by_video: dict[str, CopyPair] = {}
    for first in range(0, len(new_videos), _VIDEOS_IN_MEMORY):
        copies = find_copies(probes, read_traces(dataset, new_videos[first : first + _VIDEOS_IN_MEMORY]))
        for pair in (*copies.exact, *copies.similar):
            by_video.setdefault(pair.second, pair)
    return list(by_video.values())


def check_output(out: Path, folder: object) -> None:
    """Checks that predictions can be written to `out`.

    Raises:
        SettingsError: `out` does not end in .parquet, is a folder, lies in the dataset, or cannot be written.
    """
    if out.is_dir():
        raise SettingsError(f"`out={out}`: is a folder; name a file, such as {out / 'predictions.parquet'}")
    if out.suffix.lower() != _PARQUET:
        raise SettingsError(f"`out={out}`: is written as Parquet; name it {out.name}{_PARQUET}")
    if isinstance(folder, Path) and folder.resolve() in out.resolve().parents:
        raise SettingsError(f"`out={out}`: lies in the dataset {folder}; name a place outside of it")
    if out.exists() and not out.is_file():
        raise SettingsError(f"`out={out}`: is not a regular file; name another")
    prepare_output(out.parent)


def write_plan(
    plan: PredictionPlan,
    workers: Workers = Workers(count=0),
    *,
    on_result: Callable[[pa.Table | Problem], object] = lambda result: None,
    observer: Observer = Observer(),
    debug: bool = False,
) -> int:
    """Predicts the videos of a plan and writes the predictions; returns how many videos could not be predicted.

    Args:
        workers: Where predictions are made: in this process if `count` is 0, otherwise in a child process of each
            worker. If a video kills the process twice, only this video fails.
        on_result: Called with the predictions of each video, or with the problem.
        observer: Gets a note if no worker is left.
        debug: Whether to show the output of the processes and the log of the cluster.

    Raises:
        AvcuesError: The file cannot be written, or the scheduler was lost.
    """
    dataset = plan.dataset
    if isinstance(dataset.catalog.folder, Path):
        dataset = replace(dataset, catalog=replace(dataset.catalog, folder=dataset.catalog.folder.absolute()))
    folder = dataset.catalog.folder
    videos = [VideoInput(video_id, str(folder / video_id)) for video_id in dataset.videos]
    if workers.scheduler is None:
        count = workers.count
        count = default_workers(len(videos), (), None) if count is None else min(count, len(videos))
        workers = replace(workers, count=count)
    work = PredictionWork(model=plan.model, dataset=dataset, debug=debug)
    with (
        closing(WorkerProcess()) as process,
        distribute(
            videos, work, workers, process, observer, folder=folder, probe=manifest_path(folder), in_order=True
        ) as results,
    ):
        return write_predictions(plan.model, map(predictions_or_problem, results), plan.out, plan.trained_on, on_result)
