"""The commands that read a saved model: evaluate, compare, predict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from avcues.pipeline.cli.dataset import Debug, Folder, say
from avcues.pipeline.cli.errors import OneLineErrors
from avcues.pipeline.cli.extract import parse_resources, parse_workers

if TYPE_CHECKING:
    import pyarrow as pa

    from avcues.pipeline.dataset.dataset import Dataset
    from avcues.pipeline.training.predict import Problem
    from avcues.pipeline.training.saved_model import Model

ModelFolder = Annotated[Path, typer.Argument(metavar="MODEL", help="A folder that avcues train made.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def evaluate(
    folder: ModelFolder,
    annotations: Annotated[
        Path | None, typer.Option(help="Folder of the ratings behind the labels, for the agreement of raters.")
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Computes every figure of a saved model again, from its out-of-fold predictions, and remakes its card and page.

    [bold]avcues evaluate[/] model
    """
    with OneLineErrors(debug):
        from avcues.pipeline.cli.console import Console
        from avcues.pipeline.cli.training_display import make_page, show_metrics
        from avcues.pipeline.training.train import evaluate_saved

        found = evaluate_saved(folder, annotations)
        if as_json:
            print(json.dumps(found, indent=1))
        else:
            show_metrics(found, Console())
        make_page(folder, Console(stderr=True))


def compare(
    folders: Annotated[list[Path], typer.Argument(metavar="MODEL...", help="Folders that avcues train made.")],
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Compares models, paired over the videos that they were tested on.

    [bold]avcues compare[/] late pair
    """
    with OneLineErrors(debug):
        from avcues.pipeline.cli.console import Console
        from avcues.pipeline.cli.training_display import show_comparison
        from avcues.pipeline.training.compare import compare

        found = compare(folders)
        if as_json:
            print(json.dumps(found, indent=1))
        else:
            show_comparison(found, Console())


def predict(
    model: ModelFolder,
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="NAME.parquet.")],
    workers: Annotated[str, typer.Option(help="Dask worker processes; 0: work in this process.")] = "0",
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Run on an existing Dask cluster, e.g. tcp://host:8786.")
    ] = None,
    resources: Annotated[list[str], typer.Option(metavar="NAME=AMOUNT", help="With --scheduler, as for extract.")] = [],  # noqa: B006  (typer copies it)
    debug: Debug = False,
) -> None:
    """Predicts every half second of the videos of a folder, with a saved model.

    [bold]avcues predict[/] model features --out predictions.parquet

    The folder's tables must have been made with the settings and networks of those that the model learned from.

    Exit codes: 0 all predicted, 1 some videos could not be, 2 nothing was started.
    """
    with OneLineErrors(debug):
        how = _How(parse_workers(workers), scheduler, parse_resources(resources), debug)
        failed = _predict(model, folder, out, how)
    raise typer.Exit(1 if failed else 0)


class _How(NamedTuple):
    """Where predictions are made."""

    workers: int | None
    scheduler: str | None
    resources: dict[str, float] | None
    debug: bool


def _predict(model_folder: Path, folder: str, out: Path, how: _How) -> int:
    """Predicts all videos behind a bar; returns how many could not be."""
    from avcues.pipeline.cli.console import Console
    from avcues.pipeline.cli.training_display import progress
    from avcues.pipeline.dataset.catalog import read_catalog
    from avcues.pipeline.dataset.dataset import open_dataset
    from avcues.pipeline.dataset.parquet_export import check_target
    from avcues.pipeline.runtime.signals import terminable
    from avcues.pipeline.store.location import location
    from avcues.pipeline.training.predict import Problem, seen_in_training, write_predictions
    from avcues.pipeline.training.saved_model import load_model

    console = Console(stderr=True)
    model = load_model(model_folder)
    model.check(read_catalog(location(folder)))
    data = open_dataset(folder, tables=list(model.settings.tables))
    check_target(out, data)
    for video_id, why in data.left_out.items():
        say(console, "red", "left out", f"{video_id}: {why}")
    seen, videos = seen_in_training(model, data), len(data.videos)
    if seen:
        say(
            console,
            "yellow",
            "note",
            f"the model was trained on {len(seen)} of these {videos} videos: how well it predicts them says little",
        )
    done = 0
    with terminable(), progress(console, "predicting") as move, _results(model, data, how) as results:

        def told(result: pa.Table | Problem) -> None:
            nonlocal done
            done += 1
            move(done, videos)
            if isinstance(result, Problem):
                say(console, "red", "failed", f"{result.video_id}: {result.error}")

        failed = write_predictions(model, results, out, seen, told)
    say(console, "bold", "wrote", f"{out}: predictions for {videos - failed} videos")
    return failed + len(data.left_out)


@contextmanager
def _results(model: Model, data: Dataset, how: _How) -> Iterator[Iterator[pa.Table | Problem]]:
    """The predictions of each video in turn: made here, or in one Dask task per video."""
    from functools import partial

    from avcues.pipeline.runtime import backends, cluster
    from avcues.pipeline.store.layout import manifest_path
    from avcues.pipeline.training.predict import predict_video

    if how.scheduler is None and how.workers == 0:
        yield map(partial(predict_video, model, data), data.videos)
        return
    if how.scheduler is not None:
        folder = data.catalog.folder.absolute()  # workers may stand elsewhere
        data = replace(data, catalog=replace(data.catalog, folder=folder))
        connection = cluster.existing_cluster(how.scheduler, folder, manifest_path(folder), debug=how.debug)
    else:
        workers = cluster.default_workers(len(data.videos), (), None) if how.workers is None else how.workers
        connection = cluster.local_cluster(workers, debug=how.debug)
    with connection as client:
        where = backends.Cluster(client=client, local=how.scheduler is None, resources=how.resources)
        yield backends.map_in_order(_predict_on_worker, (model, data), data.videos, where)


def _predict_on_worker(shared: tuple[Model, Dataset], video_id: str) -> pa.Table | Problem:
    from avcues.pipeline.training.predict import predict_video

    return predict_video(*shared, video_id)
