"""The command `avcues train`: its options, and their conversion to settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from avcues.pipeline.cli.dataset import Debug, Folder
from avcues.pipeline.cli.errors import OneLineErrors
from avcues.pipeline.cli.option_values import parse_list, parse_range

if TYPE_CHECKING:
    from avcues.pipeline.training.protocol import Protocol

_LEARNING_PANEL, _TESTING_PANEL, _NETWORK_PANEL, _EXECUTION_PANEL = (
    "What is learned",
    "How it is tested",
    "Networks",
    "How it runs",
)


def _models(incomplete: str) -> list[str]:
    from avcues.pipeline.training.models.registry import model_names

    return [name for name in model_names() if name.startswith(incomplete)]


def train(
    folder: Folder,
    labels: Annotated[
        Path,
        typer.Option(
            rich_help_panel=_LEARNING_PANEL,
            help="CSV or Parquet file of labels, such as a gold standard; as for align.",
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            rich_help_panel=_LEARNING_PANEL,
            metavar="NAME",
            autocompletion=_models,
            help="lasso: linear; lstm: one modality; early: all in one block (A1); late: one block each (A2); "
            "pair: late, its blocks pretrained on ratings of the isolated modalities; or an installed model.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", rich_help_panel=_LEARNING_PANEL, help="Folder of the model.")],
    audio: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_LEARNING_PANEL,
            metavar="TABLES",
            help="Tables of the sound. Default: emobase,rhythm, if present.",
        ),
    ] = None,
    visual: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_LEARNING_PANEL,
            metavar="TABLES",
            help="Tables of the picture. Default: color,lighting,expressions,scenes,objects,actions, if present.",
        ),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_LEARNING_PANEL, metavar="TABLES", help="Tables of the words, such as text,text_embedding."
        ),
    ] = None,
    dimensions: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_LEARNING_PANEL,
            help="Labels to predict. Default: arousal,valence if present, otherwise all.",
        ),
    ] = None,
    label_range: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_LEARNING_PANEL,
            metavar="LOW,HIGH",
            help="Scale of the labels. Default: that of the labels file, or -1,1.",
        ),
    ] = None,
    label_fill: Annotated[
        Literal["none", "hold", "linear"],
        typer.Option(rich_help_panel=_LEARNING_PANEL, help="Windows without a label, as for align."),
    ] = "none",
    incomplete: Annotated[
        Literal["leave-out", "nulls"],
        typer.Option(rich_help_panel=_LEARNING_PANEL, help="Videos that lack a table, as for align."),
    ] = "leave-out",
    pretrain_audio: Annotated[
        Path | None, typer.Option(rich_help_panel=_LEARNING_PANEL, help="For pair: labels from raters who only heard.")
    ] = None,
    pretrain_visual: Annotated[
        Path | None, typer.Option(rich_help_panel=_LEARNING_PANEL, help="For pair: labels from raters who only saw.")
    ] = None,
    pretrain_text: Annotated[
        Path | None, typer.Option(rich_help_panel=_LEARNING_PANEL, help="For pair: labels from raters who only read.")
    ] = None,
    annotations: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_LEARNING_PANEL,
            help="Folder of the ratings behind the labels, for the agreement of raters, for --targets raters, and "
            "to refit labels in every fold.",
        ),
    ] = None,
    targets: Annotated[
        Literal["gold", "raters"],
        typer.Option(rich_help_panel=_LEARNING_PANEL, help="Learn the labels, or the ratings of every rater."),
    ] = "gold",
    heads: Annotated[
        Literal["rater", "setup"],
        typer.Option(
            rich_help_panel=_LEARNING_PANEL, help="With --targets raters: one output per rater, or per setup."
        ),
    ] = "rater",
    protocol: Annotated[
        Literal["clean", "muvi"],
        typer.Option(
            rich_help_panel=_TESTING_PANEL,
            help="clean: nothing that is fitted sees a test video; muvi: the choices of the study's script, leaks "
            "included. Each option below replaces one choice.",
        ),
    ] = "clean",
    folds: Annotated[
        int, typer.Option(rich_help_panel=_TESTING_PANEL, help="Folds of the cross-validation over videos.")
    ] = 5,
    seeds: Annotated[int, typer.Option(rich_help_panel=_TESTING_PANEL, help="How often each network is fitted.")] = 3,
    split: Annotated[
        Literal["hashed", "kfold"] | None,
        typer.Option(
            rich_help_panel=_TESTING_PANEL, help="Folds that depend only on ids, or scikit-learn's KFold with seed 42."
        ),
    ] = None,
    video_order: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_TESTING_PANEL, help="For kfold: CSV with the column video_id, in the order to split."
        ),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_TESTING_PANEL,
            metavar="FILE|COLUMN",
            help="Groups of videos, such as films or speakers: a CSV with the columns video_id and group, or a column "
            "of the labels file. A group is in one part; intervals and tests are over groups.",
        ),
    ] = None,
    partition: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_TESTING_PANEL,
            help="The study's own partition instead of folds: CSV with the columns video_id and part (train, "
            "validation, test).",
        ),
    ] = None,
    validation: Annotated[
        Literal["tenth", "half"] | None,
        typer.Option(
            rich_help_panel=_TESTING_PANEL, help="A tenth of the training videos, or half of the held-out fold."
        ),
    ] = None,
    scaling: Annotated[
        Literal["standard", "minmax"] | None,
        typer.Option(
            rich_help_panel=_TESTING_PANEL, help="To mean 0 and deviation 1, or to 0..1, over the training videos."
        ),
    ] = None,
    scoring: Annotated[
        Literal["video", "s111"] | None,
        typer.Option(
            rich_help_panel=_TESTING_PANEL,
            help="Score each video by its own windows, or in the script's slices of 111.",
        ),
    ] = None,
    pretrain: Annotated[
        Literal["matched", "shared"] | None,
        typer.Option(
            rich_help_panel=_TESTING_PANEL,
            help="For pair: pretrain in each fold, or use the last fold's blocks in all.",
        ),
    ] = None,
    ablate: Annotated[
        bool,
        typer.Option(
            "--ablate", rich_help_panel=_TESTING_PANEL, help="Also cross-validate without each table in turn."
        ),
    ] = False,
    loss: Annotated[
        Literal["mse", "ccc"] | None,
        typer.Option(rich_help_panel=_NETWORK_PANEL, help="Mean squared error, or 1 - CCC of each batch."),
    ] = None,
    keep: Annotated[
        Literal["best", "last"] | None,
        typer.Option(
            rich_help_panel=_NETWORK_PANEL,
            help="Keep the weights of the best epoch on validation videos, or of the last.",
        ),
    ] = None,
    block: Annotated[
        Literal["script", "paper"] | None,
        typer.Option(
            rich_help_panel=_NETWORK_PANEL, help="Linear layer and LSTMs of 256 and 128 units, or two LSTMs of 256."
        ),
    ] = None,
    units: Annotated[int | None, typer.Option(rich_help_panel=_NETWORK_PANEL, help="Width of the layers.")] = None,
    dropout: Annotated[float | None, typer.Option(rich_help_panel=_NETWORK_PANEL, help="After each LSTM.")] = None,
    length: Annotated[
        int | None, typer.Option(rich_help_panel=_NETWORK_PANEL, help="Windows that a network reads.")
    ] = None,
    horizon: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=_NETWORK_PANEL, help="Windows from the last one that is read to the predicted one."
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(rich_help_panel=_NETWORK_PANEL, help="Sequences per step, with one block.")
    ] = None,
    fusion_batch_size: Annotated[
        int | None, typer.Option(rich_help_panel=_NETWORK_PANEL, help="Sequences per step, with two blocks.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(rich_help_panel=_NETWORK_PANEL, help="Of Adam.")] = None,
    epochs: Annotated[
        int | None, typer.Option(rich_help_panel=_NETWORK_PANEL, help="The largest number of epochs.")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=_NETWORK_PANEL, help="Stop after this many epochs without a lower validation loss."
        ),
    ] = None,
    workers: Annotated[
        str,
        typer.Option(
            rich_help_panel=_EXECUTION_PANEL, help="Processes, or auto: one per core. Results do not depend on it."
        ),
    ] = "auto",
    debug: Debug = False,
) -> None:
    """Trains a model on labelled videos, tests it on unseen videos, and saves it.

    [bold]avcues train[/] features --labels gold/audiovisual.parquet --model late --out model

    The folder contains weights, model.json, all predictions and losses, metrics.json, MODELCARD.md and a page.

    Exit codes: 0 trained, 2 nothing was saved because of the input or the settings.
    """
    options = locals()
    with OneLineErrors(debug):
        from avcues.pipeline.cli.console import Console, print_line
        from avcues.pipeline.cli.training_display import FittingProgress, announce, make_page, progress, show_metrics
        from avcues.pipeline.runtime.signals import terminable
        from avcues.pipeline.store.layout import report_path
        from avcues.pipeline.training.settings import TrainingSettings
        from avcues.pipeline.training.study import choose_tables, prepare
        from avcues.pipeline.training.train import check_output
        from avcues.pipeline.training.train import train as train_model
        from avcues.pipeline.training.video_lists import read_groups, read_order, read_partition

        console = Console(stderr=True)
        tables = choose_tables(folder, model, parse_list(audio), parse_list(visual), parse_list(text))
        settings = TrainingSettings(
            model=model,
            audio=tables["audio"],
            visual=tables["visual"],
            text=tables["text"],
            dimensions=tuple(parse_list(dimensions) or ()),
            label_range=None if label_range is None else parse_range(label_range, "--label-range"),
            folds=folds,
            seeds=seeds,
            targets=targets,
            heads=heads,
            ablate=ablate,
            protocol=_protocol(protocol, options),
        )
        pretraining = {"audio": pretrain_audio, "visual": pretrain_visual, "text": pretrain_text}
        with progress(console, "reading") as show_progress:
            study = prepare(
                folder,
                labels,
                settings,
                pretrain={branch: path for branch, path in pretraining.items() if path is not None},
                label_fill=label_fill,
                incomplete="nulls" if incomplete == "nulls" else "leave_out",
                annotations=annotations,
                order=None if video_order is None else read_order(video_order),
                groups=None if groups is None else read_groups(groups, labels),
                partition=None if partition is None else read_partition(partition),
                on_progress=show_progress,
            )
        check_output(out, study.data)
        announce(study, console)
        with terminable(), FittingProgress(study, console) as fitting:
            figures = train_model(
                study,
                out,
                workers=_workers(workers),
                on_progress=fitting.on_progress,
                on_outcome=fitting.on_outcome,
            )
        show_metrics(figures, console)
        print_line(console, "bold", "wrote", f"{out}")
        pages = report_path(Path(folder))
        make_page(out, console, pages if isinstance(pages, Path) and pages.is_dir() else None)


def _protocol(name: str, options: Mapping[str, Any]) -> Protocol:
    """The named protocol, with the choices of options."""
    from dataclasses import fields, replace

    from avcues.pipeline.training.protocol import PROTOCOLS

    parameters = {field.name for field in fields(PROTOCOLS[name])}
    return replace(PROTOCOLS[name], **{key: options[key] for key in parameters if options[key] is not None})


def _workers(text: str) -> int:
    from dask.system import CPU_COUNT

    from avcues.pipeline.cli.option_values import parse_workers

    workers = parse_workers(text)
    return CPU_COUNT if workers is None else max(1, workers)
