"""The options of `avcues train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

_LEARNING_PANEL, _TESTING_PANEL, _NETWORK_PANEL, _EXECUTION_PANEL = (
    "What is learned",
    "How it is tested",
    "Networks",
    "How it runs",
)


def _complete_models(incomplete: str) -> list[str]:
    from avcues.pipeline.training.models.registry import model_names

    return [name for name in model_names() if name.startswith(incomplete)]


LabelsFile = Annotated[
    Path,
    typer.Option(
        rich_help_panel=_LEARNING_PANEL,
        help="CSV or Parquet file of labels, such as a gold standard; as for align.",
    ),
]
ModelName = Annotated[
    str,
    typer.Option(
        rich_help_panel=_LEARNING_PANEL,
        metavar="NAME",
        autocompletion=_complete_models,
        help="lasso: linear; lstm: one modality; early: all in one block (A1); late: one block each (A2); "
        "pair: late, its blocks pretrained on ratings of the isolated modalities; or an installed model.",
    ),
]
OutputFolder = Annotated[
    Path, typer.Option("--out", "-o", rich_help_panel=_LEARNING_PANEL, help="Folder of the model.")
]
Audio = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=_LEARNING_PANEL,
        metavar="TABLES",
        help="Tables of the sound. Default: emobase,rhythm, if present.",
    ),
]
Visual = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=_LEARNING_PANEL,
        metavar="TABLES",
        help="Tables of the picture. Default: color,lighting,expressions,scenes,objects,actions, if present.",
    ),
]
Text = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=_LEARNING_PANEL, metavar="TABLES", help="Tables of the words, such as text,text_embedding."
    ),
]
Dimensions = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=_LEARNING_PANEL,
        help="Labels to predict. Default: arousal,valence if present, otherwise all.",
    ),
]
LabelRange = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=_LEARNING_PANEL,
        metavar="LOW,HIGH",
        help="Scale of the labels. Default: that of the labels file, or -1,1.",
    ),
]
LabelFill = Annotated[
    Literal["none", "hold", "linear"],
    typer.Option(rich_help_panel=_LEARNING_PANEL, help="Windows without a label, as for align."),
]
Incomplete = Annotated[
    Literal["leave-out", "nulls"],
    typer.Option(rich_help_panel=_LEARNING_PANEL, help="Videos that lack a table, as for align."),
]
PretrainAudio = Annotated[
    Path | None, typer.Option(rich_help_panel=_LEARNING_PANEL, help="For pair: labels from raters who only heard.")
]
PretrainVisual = Annotated[
    Path | None, typer.Option(rich_help_panel=_LEARNING_PANEL, help="For pair: labels from raters who only saw.")
]
PretrainText = Annotated[
    Path | None, typer.Option(rich_help_panel=_LEARNING_PANEL, help="For pair: labels from raters who only read.")
]
Annotations = Annotated[
    Path | None,
    typer.Option(
        rich_help_panel=_LEARNING_PANEL,
        help="Folder of the ratings behind the labels, for the agreement of raters, for --targets raters, and "
        "to refit labels in every fold.",
    ),
]
Targets = Annotated[
    Literal["gold", "raters"],
    typer.Option(rich_help_panel=_LEARNING_PANEL, help="Learn the labels, or the ratings of every rater."),
]
Heads = Annotated[
    Literal["rater", "setup"],
    typer.Option(rich_help_panel=_LEARNING_PANEL, help="With --targets raters: one output per rater, or per setup."),
]
Protocol = Annotated[
    Literal["clean", "muvi"],
    typer.Option(
        rich_help_panel=_TESTING_PANEL,
        help="clean: nothing that is fitted sees a test video; muvi: the choices of the study's script, leaks "
        "included. Each option below replaces one choice.",
    ),
]
Folds = Annotated[int, typer.Option(rich_help_panel=_TESTING_PANEL, help="Folds of the cross-validation over videos.")]
Seeds = Annotated[int, typer.Option(rich_help_panel=_TESTING_PANEL, help="How often each network is fitted.")]
Split = Annotated[
    Literal["hashed", "kfold"] | None,
    typer.Option(
        rich_help_panel=_TESTING_PANEL, help="Folds that depend only on ids, or scikit-learn's KFold with seed 42."
    ),
]
VideoOrder = Annotated[
    Path | None,
    typer.Option(
        rich_help_panel=_TESTING_PANEL, help="For kfold: CSV with the column video_id, in the order to split."
    ),
]
Groups = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=_TESTING_PANEL,
        metavar="FILE|COLUMN",
        help="Groups of videos, such as films or speakers: a CSV with the columns video_id and group, or a column "
        "of the labels file. A group is in one part; intervals and tests are over groups.",
    ),
]
Partition = Annotated[
    Path | None,
    typer.Option(
        rich_help_panel=_TESTING_PANEL,
        help="The study's own partition instead of folds: CSV with the columns video_id and part (train, "
        "validation, test).",
    ),
]
Validation = Annotated[
    Literal["tenth", "half"] | None,
    typer.Option(rich_help_panel=_TESTING_PANEL, help="A tenth of the training videos, or half of the held-out fold."),
]
Scaling = Annotated[
    Literal["standard", "minmax"] | None,
    typer.Option(
        rich_help_panel=_TESTING_PANEL, help="To mean 0 and deviation 1, or to 0..1, over the training videos."
    ),
]
Scoring = Annotated[
    Literal["video", "s111"] | None,
    typer.Option(
        rich_help_panel=_TESTING_PANEL,
        help="Score each video by its own windows, or in the script's slices of 111.",
    ),
]
Pretrain = Annotated[
    Literal["matched", "shared"] | None,
    typer.Option(
        rich_help_panel=_TESTING_PANEL,
        help="For pair: pretrain in each fold, or use the last fold's blocks in all.",
    ),
]
Ablate = Annotated[
    bool,
    typer.Option("--ablate", rich_help_panel=_TESTING_PANEL, help="Also cross-validate without each table in turn."),
]
Loss = Annotated[
    Literal["mse", "ccc"] | None,
    typer.Option(rich_help_panel=_NETWORK_PANEL, help="Mean squared error, or 1 - CCC of each batch."),
]
Keep = Annotated[
    Literal["best", "last"] | None,
    typer.Option(
        rich_help_panel=_NETWORK_PANEL,
        help="Keep the weights of the best epoch on validation videos, or of the last.",
    ),
]
Block = Annotated[
    Literal["script", "paper"] | None,
    typer.Option(
        rich_help_panel=_NETWORK_PANEL, help="Linear layer and LSTMs of 256 and 128 units, or two LSTMs of 256."
    ),
]
Units = Annotated[int | None, typer.Option(rich_help_panel=_NETWORK_PANEL, help="Width of the layers.")]
Dropout = Annotated[float | None, typer.Option(rich_help_panel=_NETWORK_PANEL, help="After each LSTM.")]
Length = Annotated[int | None, typer.Option(rich_help_panel=_NETWORK_PANEL, help="Windows that a network reads.")]
Horizon = Annotated[
    int | None,
    typer.Option(rich_help_panel=_NETWORK_PANEL, help="Windows from the last one that is read to the predicted one."),
]
BatchSize = Annotated[
    int | None, typer.Option(rich_help_panel=_NETWORK_PANEL, help="Sequences per step, with one block.")
]
FusionBatchSize = Annotated[
    int | None, typer.Option(rich_help_panel=_NETWORK_PANEL, help="Sequences per step, with two blocks.")
]
LearningRate = Annotated[float | None, typer.Option(rich_help_panel=_NETWORK_PANEL, help="Of Adam.")]
Epochs = Annotated[int | None, typer.Option(rich_help_panel=_NETWORK_PANEL, help="The largest number of epochs.")]
Patience = Annotated[
    int | None,
    typer.Option(rich_help_panel=_NETWORK_PANEL, help="Stop after this many epochs without a lower validation loss."),
]
Workers = Annotated[
    str,
    typer.Option(
        rich_help_panel=_EXECUTION_PANEL, help="Processes, or auto: one per core. Results do not depend on it."
    ),
]
