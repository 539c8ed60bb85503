"""`avcues train`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avcues.pipeline.cli import train_options as options
from avcues.pipeline.cli.dataset import Debug, Folder
from avcues.pipeline.cli.errors import OneLineErrors
from avcues.pipeline.cli.option_values import parse_list, parse_range

if TYPE_CHECKING:
    from avcues.pipeline.training.protocol import Protocol


def train(
    folder: Folder,
    labels: options.LabelsFile,
    model: options.ModelName,
    out: options.OutputFolder,
    audio: options.Audio = None,
    visual: options.Visual = None,
    text: options.Text = None,
    dimensions: options.Dimensions = None,
    label_range: options.LabelRange = None,
    label_fill: options.LabelFill = "none",
    incomplete: options.Incomplete = "leave-out",
    pretrain_audio: options.PretrainAudio = None,
    pretrain_visual: options.PretrainVisual = None,
    pretrain_text: options.PretrainText = None,
    annotations: options.Annotations = None,
    targets: options.Targets = "gold",
    heads: options.Heads = "rater",
    protocol: options.Protocol = "clean",
    folds: options.Folds = 5,
    seeds: options.Seeds = 3,
    split: options.Split = None,
    video_order: options.VideoOrder = None,
    groups: options.Groups = None,
    partition: options.Partition = None,
    validation: options.Validation = None,
    scaling: options.Scaling = None,
    scoring: options.Scoring = None,
    pretrain: options.Pretrain = None,
    ablate: options.Ablate = False,
    loss: options.Loss = None,
    keep: options.Keep = None,
    block: options.Block = None,
    units: options.Units = None,
    dropout: options.Dropout = None,
    length: options.Length = None,
    horizon: options.Horizon = None,
    batch_size: options.BatchSize = None,
    fusion_batch_size: options.FusionBatchSize = None,
    learning_rate: options.LearningRate = None,
    epochs: options.Epochs = None,
    patience: options.Patience = None,
    workers: options.Workers = "auto",
    debug: Debug = False,
) -> None:
    """Trains a model on labelled videos, tests it on unseen videos, and saves it.

    [bold]avcues train[/] features --labels gold/audiovisual.parquet --model late --out model

    The folder contains weights, model.json, all predictions and losses, metrics.json, MODELCARD.md and a page.

    Exit codes: 0 trained, 2 nothing was saved because of the input or the settings.
    """
    arguments = locals()
    with OneLineErrors(debug):
        from avcues.pipeline.cli.console import Console, print_line
        from avcues.pipeline.cli.training_display import FittingProgress, ModelPage, announce, progress, show_metrics
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
            protocol=_protocol(protocol, arguments),
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
        pages = report_path(Path(folder))
        page = ModelPage(out, pages if isinstance(pages, Path) and pages.is_dir() else None)
        with terminable(), FittingProgress(study, console) as fitting:
            figures = train_model(
                study,
                out,
                workers=_workers(workers),
                on_progress=fitting.on_progress,
                on_outcome=fitting.on_outcome,
                page=page,
            )
        show_metrics(figures, console)
        print_line(console, "bold", "wrote", f"{out}")
        page.show(console)


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
