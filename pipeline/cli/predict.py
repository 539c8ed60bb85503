"""The commands that read saved models: evaluate, compare, predict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avcues.pipeline.cli.dataset import Debug, Folder
from avcues.pipeline.cli.errors import OneLineErrors, with_options_of_command
from avcues.pipeline.cli.option_values import parse_resources, parse_workers
from avcues.pipeline.cli.saving import save_items

if TYPE_CHECKING:
    import pyarrow as pa

    from avcues.pipeline.annotations.shown import NotShown
    from avcues.pipeline.paper.figure import PaperFigure
    from avcues.pipeline.runtime.request import Workers
    from avcues.pipeline.training.compare import EvaluatedModel
    from avcues.pipeline.training.predict import Problem

ModelFolder = Annotated[Path, typer.Argument(metavar="MODEL", help="A folder that avcues train made.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def evaluate(
    folder: ModelFolder,
    annotations: Annotated[
        Path | None, typer.Option(help="Folder of the ratings behind the labels, for the agreement of raters.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Folder that avcues report made; names of videos on the model's page link to the largest error."
        ),
    ] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Computes every figure of a saved model from its out-of-fold predictions, and makes its card and page again.

    [bold]avcues evaluate[/] model
    """
    with OneLineErrors(debug):
        from avcues.pipeline.cli.console import Console
        from avcues.pipeline.cli.training_display import ModelPage, show_metrics
        from avcues.pipeline.errors import InputError
        from avcues.pipeline.training.train import evaluate_saved

        if report is not None and not report.is_dir():
            raise InputError(f"`report={report}`: no such folder; make it with avcues report")
        page = ModelPage(folder, report)
        figures = evaluate_saved(folder, annotations, page=page)
        if as_json:
            print(json.dumps(figures, indent=1))
        else:
            show_metrics(figures, Console())
        page.show(Console(stderr=True))


def compare(
    folders: Annotated[list[Path], typer.Argument(metavar="MODEL...", help="Folders that avcues train made.")],
    tables: Annotated[
        Path | None,
        typer.Option(help="Folder for tables of the models for print: NAME.md, .tex, and .csv with the numbers."),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="Folder for figures of their predictions: NAME.svg, .pdf, .png, and .csv with the numbers."),
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option(help="Folder of the ratings behind the labels, drawn behind the predictions.")
    ] = None,
    video: Annotated[
        list[str],
        typer.Option(help="Video of --figures, repeatable; default: one that is predicted neither best nor worst."),
    ] = [],  # noqa: B006  (typer copies it)
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Compares models, paired over the videos on which they were tested.

    [bold]avcues compare[/] late pair --tables tables --figures figures --annotations ann
    """
    with OneLineErrors(debug):
        from avcues.pipeline.cli.console import Console
        from avcues.pipeline.cli.training_display import show_comparison
        from avcues.pipeline.training.compare import compare_models, read_models

        models = read_models(folders)
        # Models that cannot be compared still have the other tables.
        if as_json or (tables is None and figures is None):
            comparison = compare_models(models)
            if as_json:
                print(json.dumps(comparison, indent=1))
            else:
                show_comparison(comparison, Console())
        if tables is not None:
            from avcues.pipeline.training.model_tables import model_tables

            save_items(model_tables(models), tables, "table")
        if figures is not None:
            save_items(_prediction_figures(models, video, annotations), figures, "figure")


def _prediction_figures(
    models: Mapping[str, EvaluatedModel], videos: list[str], annotations: Path | None
) -> Iterator[PaperFigure | NotShown]:
    from avcues.pipeline.annotations.ratings.files import read
    from avcues.pipeline.annotations.results import NotShownError
    from avcues.pipeline.annotations.shown import NotShown
    from avcues.pipeline.training.prediction_figures import predictions

    ratings = None if annotations is None else read(annotations)
    video_ids: list[str] | list[None] = videos or [None]
    for video_id in video_ids:
        try:
            yield predictions(models, video_id, ratings)
        except NotShownError as error:
            yield NotShown("predictions", str(error))


def predict(
    model: ModelFolder,
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="NAME.parquet.")],
    workers: Annotated[str, typer.Option(help="Processes, or auto; 0: work in this process.")] = "0",
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Run on an existing Dask cluster, e.g. tcp://host:8786.")
    ] = None,
    resources: Annotated[list[str], typer.Option(metavar="NAME=AMOUNT", help="With --scheduler, as for extract.")] = [],  # noqa: B006  (typer copies it)
    wait: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0, help="With --scheduler, as for extract.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Predicts every half second of the videos of a folder, with a saved model.

    [bold]avcues predict[/] model features --out predictions.parquet

    The folder's tables must have been made with the same settings and networks as those on which the model was trained.

    Exit codes: 0 all predicted, 1 some videos could not be predicted, 2 nothing was started.
    """
    with OneLineErrors(debug):
        from avcues.pipeline.runtime.request import Workers

        worker_settings = Workers(
            count=parse_workers(workers),
            scheduler=scheduler,
            resources=parse_resources(resources),
            wait_s=wait,
        )
        failed = _predict(model, folder, out, worker_settings, debug)
    raise typer.Exit(1 if failed else 0)


def _predict(model_folder: Path, folder: str, out: Path, workers: Workers, debug: bool) -> int:
    """Predicts all videos and shows a progress bar; returns how many could not be predicted."""
    from avcues.pipeline.cli.console import Console, print_line
    from avcues.pipeline.cli.training_display import progress
    from avcues.pipeline.prediction.folder import plan_predictions, write_plan
    from avcues.pipeline.runtime.observer import Observer
    from avcues.pipeline.runtime.signals import terminable
    from avcues.pipeline.training.predict import Problem

    console = Console(stderr=True)

    class WorkerNotes(Observer):
        def on_note(self, text: str) -> None:
            print_line(console, "yellow", "waiting", text)

    plan = plan_predictions(model_folder, folder, out)
    for video_id, reason in plan.dataset.left_out.items():
        print_line(console, "red", "left out", f"{video_id}: {reason}")
    for note in plan.notes:
        print_line(console, "yellow", "note", note)
    done, videos = 0, len(plan.dataset.videos)
    with terminable(), progress(console, "predicting") as show_progress:

        def on_result(result: pa.Table | Problem) -> None:
            nonlocal done
            done += 1
            show_progress(done, videos)
            if isinstance(result, Problem):
                print_line(console, "red", "failed", f"{result.video_id}: {with_options_of_command(result.error)}")

        failed = write_plan(plan, workers, on_result=on_result, observer=WorkerNotes(), debug=debug)
    print_line(console, "bold", "wrote", f"{out}: predictions for {videos - failed} videos")
    return failed + len(plan.dataset.left_out)
