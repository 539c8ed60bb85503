"""The options of `avcues extract`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

_MEASUREMENT_PANEL, _READING_PANEL, _NETWORK_PANEL, _EXECUTION_PANEL, _LIMITS_PANEL = (
    "What is measured",
    "What is read of a file",
    "Networks",
    "Execution",
    "Limits",
)


def _complete_features(typed: str) -> list[str]:
    """Continuations of a comma-separated list of features, for the shell."""
    from avcues.extractors import registry

    prefix, comma, last = typed.rpartition(",")
    return [
        f"{prefix}{comma}{name}"
        for name in ("all", *registry.names(), *registry.extra_tables())
        if name.startswith(last)
    ]


def _complete_variants(typed: str) -> list[str]:
    """Continuations of FEATURE=VARIANT, for the shell."""
    from avcues.pipeline.runtime.features import features

    choices = [
        f"{feature.name}={variant}"
        for feature in features().values()
        for variant in feature.variants.get("variant", ())
    ]
    return [choice for choice in choices if choice.startswith(typed)]


Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        help="Media files, folders, quoted patterns, or a .csv/.parquet list with the columns video_id,path; "
        "also s3://, gs:// and other URLs.",
    ),
]
OutputFolder = Annotated[
    str, typer.Option("--out", "-o", help="Folder or URL of the tables: OUT/<table>/<video_id>.parquet.")
]
Features = Annotated[
    str,
    typer.Option(
        rich_help_panel=_MEASUREMENT_PANEL,
        autocompletion=_complete_features,
        help="Comma-separated, or all: emobase, rhythm, color, lighting, motion, expressions (and its faces), "
        "scenes, objects (and its detections), actions. Only by name: egemaps, compare_2016, text (with "
        "words and utterances), text_embedding, and the tables actions_embedding, scenes_embedding, "
        "expressions_embedding, faces_embedding, as in all,scenes_embedding. shots and the timeline always "
        "come along.",
    ),
]
Step = Annotated[
    str,
    typer.Option(
        rich_help_panel=_MEASUREMENT_PANEL, help="Window length in seconds, a multiple of 0.02, at least 0.1."
    ),
]
AudioRate = Annotated[
    str,
    typer.Option(
        rich_help_panel=_MEASUREMENT_PANEL,
        help="Rate in Hz to which openSMILE's input is resampled, or native: openSMILE at each track's own rate, "
        "including pitch, as in the MuVi study.",
    ),
]
Assignments = Annotated[
    list[str],
    typer.Option(
        "--set",
        rich_help_panel=_MEASUREMENT_PANEL,
        metavar="FEATURE.OPTION=VALUE",
        help="Option of a feature, e.g. shots.detector=content.",
    ),
]
Picture = Annotated[
    Literal["display", "coded"],
    typer.Option(
        rich_help_panel=_READING_PANEL,
        help="display: as a viewer sees it: square pixels, deinterlaced, HDR as SDR, cropped as the file says; "
        "coded: as it is coded, but upright.",
    ),
]
Bars = Annotated[
    Literal["keep", "crop"],
    typer.Option(rich_help_panel=_READING_PANEL, help="crop: measure only the picture between black bars."),
]
VideoStream = Annotated[
    int | None,
    typer.Option(
        rich_help_panel=_READING_PANEL,
        metavar="NUMBER",
        min=0,
        help="A stream other than the main one, as ffprobe numbers streams.",
    ),
]
AudioStream = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=_READING_PANEL,
        metavar="NUMBER|LANGUAGE|mix",
        help="A stream other than the main one of the picture's programme, or the mean of all.",
    ),
]
Downmix = Annotated[
    Literal["standard", "mean"],
    typer.Option(
        rich_help_panel=_READING_PANEL,
        help="For more than two channels: standard is ITU-R BS.775, normalised; mean weights all channels equally.",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", rich_help_panel=_MEASUREMENT_PANEL, help="Recompute tables that are up to date.")
]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify",
        rich_help_panel=_MEASUREMENT_PANEL,
        help="Read every kept table, and recompute it if its content is damaged.",
    ),
]
HubModels = Annotated[
    list[str],
    typer.Option(
        rich_help_panel=_MEASUREMENT_PANEL,
        metavar="NAME=SOURCE[,OPTION=VALUE]",
        help="A model of the Hugging Face hub, or of a folder, as the feature NAME, e.g. "
        "hubert=facebook/hubert-base-ls960,layer=9 or fer=./my-vit,on=faces.",
    ),
]
Variants = Annotated[
    list[str],
    typer.Option(
        rich_help_panel=_NETWORK_PANEL,
        metavar="FEATURE=VARIANT",
        autocompletion=_complete_variants,
        help="Network of a feature, e.g. actions=i3d_rgb_imagenet.",
    ),
]
WeightsDir = Annotated[
    Path | None,
    typer.Option(
        rich_help_panel=_NETWORK_PANEL, help="Folder with your own weights files; avcues models list shows the names."
    ),
]
Device = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    typer.Option(rich_help_panel=_NETWORK_PANEL, help="auto uses a GPU if torch sees one."),
]
Precision = Annotated[
    Literal["fp32", "bf16", "int8"],
    typer.Option(
        rich_help_panel=_NETWORK_PANEL,
        help="bf16 is faster and moves probabilities by about 0.01 at most; int8 computes most of I3D in 8 bits, is "
        "faster again and moves its probabilities by 0.02 on average and 0.06 at most.",
    ),
]
Workers = Annotated[
    str,
    typer.Option(
        rich_help_panel=_EXECUTION_PANEL,
        help="Worker processes; auto: as many as suit cores, memory and GPUs; 0: this process, for debugging.",
    ),
]
WorkersPerGpu = Annotated[
    int | None,
    typer.Option(
        rich_help_panel=_EXECUTION_PANEL,
        min=1,
        help="With --workers auto: the most workers that share a GPU.  [default: 4]",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=_EXECUTION_PANEL,
        metavar="ADDRESS",
        help="Run on an existing Dask cluster, e.g. tcp://host:8786.",
    ),
]
Resources = Annotated[
    list[str],
    typer.Option(
        rich_help_panel=_EXECUTION_PANEL,
        metavar="NAME=AMOUNT",
        help="With --scheduler: use only workers that were started with dask worker --resources, e.g. GPU=1.",
    ),
]
Wait = Annotated[
    float | None,
    typer.Option(
        rich_help_panel=_EXECUTION_PANEL,
        metavar="SECONDS",
        min=0,
        help="With --scheduler: stop after so long without an answer of the scheduler, or without a worker.  "
        "[default: 30 s for an answer, any time for a worker]",
    ),
]
Shard = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=_EXECUTION_PANEL,
        metavar="I/N",
        help="Process part I of N of the videos, for an array of batch jobs, each with its own --out; "
        "avcues merge joins them.",
    ),
]
LogJson = Annotated[
    bool,
    typer.Option(
        "--log-json",
        rich_help_panel=_EXECUTION_PANEL,
        help="Write JSON objects, one per line and video, to standard output, and no text.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", rich_help_panel=_EXECUTION_PANEL, help="Print what would be computed, downloaded and left out."
    ),
]
Debug = Annotated[bool, typer.Option("--debug", rich_help_panel=_EXECUTION_PANEL, help="Show tracebacks.")]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        rich_help_panel=_LIMITS_PANEL,
        metavar="SECONDS",
        min=1,
        help="Give up on a video that takes longer.  [default: give up after 10 minutes without progress]",
    ),
]
MemoryLimit = Annotated[
    str,
    typer.Option(
        rich_help_panel=_LIMITS_PANEL,
        metavar="SIZE",
        help="Give up on a video that needs more, e.g. 4GiB. auto: its worker's share of the memory, but at least "
        "6 GiB if the machine has them; none: no limit.",
    ),
]
TrustHeaders = Annotated[
    bool,
    typer.Option(
        "--trust-headers",
        rich_help_panel=_LIMITS_PANEL,
        help="Also decode files that claim over 8192 x 8192 pixels, 64 audio channels, or less than 1 or more than "
        "768 kHz.",
    ),
]
FailFast = Annotated[
    bool, typer.Option("--fail-fast", rich_help_panel=_LIMITS_PANEL, help="Stop at the first video that fails.")
]
MaxFailures = Annotated[
    int | None, typer.Option(rich_help_panel=_LIMITS_PANEL, min=1, help="Stop after this many failed videos.")
]
