"""`avcues extract`: its options, and how they become settings."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from avcues.pipeline.cli.errors import EXIT_SOME_FAILED, OneLineErrors

if TYPE_CHECKING:
    from avcues.pipeline.runtime.inputs import Shard
    from avcues.pipeline.runtime.request import Request, Workers

_WHAT, _READ, _WEIGHTS, _HOW, _LIMITS = "What is measured", "What is read of a file", "Networks", "Execution", "Limits"


def _complete_features(typed: str) -> list[str]:
    """Continuations of a comma-separated list of features, for the shell."""
    from avcues.extractors import registry

    before, comma, last = typed.rpartition(",")
    return [
        f"{before}{comma}{name}"
        for name in ("all", *registry.names(), *registry.extra_tables())
        if name.startswith(last)
    ]


def _complete_variants(typed: str) -> list[str]:
    """Continuations of FEATURE=VARIANT, for the shell."""
    from avcues.pipeline.runtime.api import features

    choices = [
        f"{feature.name}={variant}"
        for feature in features().values()
        for variant in feature.variants.get("variant", ())
    ]
    return [choice for choice in choices if choice.startswith(typed)]


def extract(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH",
            help="Media files, folders, quoted patterns, or a .csv/.parquet list with the columns video_id,path; "
            "also s3://, gs:// and other URLs.",
        ),
    ],
    out: Annotated[
        str, typer.Option("--out", "-o", help="Folder or URL of the tables: OUT/<table>/<video_id>.parquet.")
    ],
    features: Annotated[
        str,
        typer.Option(
            rich_help_panel=_WHAT,
            autocompletion=_complete_features,
            help="Comma-separated, or all: emobase, rhythm, color, lighting, motion, expressions (and its faces), "
            "scenes, objects (and its detections), actions. Only by name: egemaps, compare_2016, text (with "
            "words and utterances), text_embedding, and the tables actions_embedding, scenes_embedding, "
            "expressions_embedding, faces_embedding, as in all,scenes_embedding. shots and the timeline always "
            "come along.",
        ),
    ] = "all",
    step: Annotated[
        str, typer.Option(rich_help_panel=_WHAT, help="Window length in seconds, a multiple of 0.02, at least 0.1.")
    ] = "0.5",
    audio_rate: Annotated[
        str,
        typer.Option(
            rich_help_panel=_WHAT,
            help="Rate in Hz that openSMILE's input is resampled to, or native: plain openSMILE at each track's own "
            "rate, pitch too, as the MuVi study did.",
        ),
    ] = "48000",
    set_: Annotated[
        list[str],
        typer.Option(
            "--set",
            rich_help_panel=_WHAT,
            metavar="FEATURE.OPTION=VALUE",
            help="Option of a feature, e.g. shots.detector=content.",
        ),
    ] = [],  # noqa: B006  (typer copies it)
    picture: Annotated[
        Literal["display", "coded"],
        typer.Option(
            rich_help_panel=_READ,
            help="display: as a viewer sees it: square pixels, fields joined, HDR as SDR, cropped as the "
            "file says; coded: as it is coded, but upright.",
        ),
    ] = "display",
    bars: Annotated[
        Literal["keep", "crop"],
        typer.Option(rich_help_panel=_READ, help="crop: measure only the picture between black bars."),
    ] = "keep",
    video_stream: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=_READ, metavar="NUMBER", min=0, help="Another than the main one, as ffprobe counts streams."
        ),
    ] = None,
    audio_stream: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_READ,
            metavar="NUMBER|LANGUAGE|mix",
            help="Another than the main one of the picture's programme, or the mean of all.",
        ),
    ] = None,
    downmix: Annotated[
        Literal["standard", "mean"],
        typer.Option(
            rich_help_panel=_READ,
            help="Of more than two channels: standard is ITU-R BS.775, normalised; mean counts every channel the same.",
        ),
    ] = "standard",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel=_WHAT, help="Recompute tables that are up to date.")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            rich_help_panel=_WHAT,
            help="Read every table that is kept, and recompute it if its content is damaged.",
        ),
    ] = False,
    model: Annotated[
        list[str],
        typer.Option(
            rich_help_panel=_WHAT,
            metavar="NAME=SOURCE[,OPTION=VALUE]",
            help="A model of the Hugging Face hub, or of a folder, as the feature NAME, e.g. "
            "hubert=facebook/hubert-base-ls960,layer=9 or fer=./my-vit,on=faces.",
        ),
    ] = [],  # noqa: B006
    variant: Annotated[
        list[str],
        typer.Option(
            rich_help_panel=_WEIGHTS,
            metavar="FEATURE=VARIANT",
            autocompletion=_complete_variants,
            help="Network of a feature, e.g. actions=i3d_rgb_imagenet.",
        ),
    ] = [],  # noqa: B006
    weights_dir: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_WEIGHTS, help="Folder with weights files of your own; avcues models list has the names."
        ),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"],
        typer.Option(rich_help_panel=_WEIGHTS, help="auto takes a GPU if torch sees one."),
    ] = "auto",
    precision: Annotated[
        Literal["fp32", "bf16", "int8"],
        typer.Option(
            rich_help_panel=_WEIGHTS,
            help="bf16 is faster and moves probabilities by about 0.01 at most; int8 computes most of I3D in 8 bits, "
            "is faster again and moves its probabilities by 0.02 on average and 0.06 at most.",
        ),
    ] = "fp32",
    workers: Annotated[
        str,
        typer.Option(
            rich_help_panel=_HOW,
            help="Worker processes; auto: as many as suit cores, memory and GPUs; 0: this process, for debugging.",
        ),
    ] = "auto",
    workers_per_gpu: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=_HOW, min=1, help="With --workers auto: the most workers that share a GPU.  [default: 4]"
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_HOW, metavar="ADDRESS", help="Run on an existing Dask cluster, e.g. tcp://host:8786."
        ),
    ] = None,
    resources: Annotated[
        list[str],
        typer.Option(
            rich_help_panel=_HOW,
            metavar="NAME=AMOUNT",
            help="With --scheduler: use only workers that were started with dask worker --resources, e.g. GPU=1.",
        ),
    ] = [],  # noqa: B006
    wait: Annotated[
        float | None,
        typer.Option(
            rich_help_panel=_HOW,
            metavar="SECONDS",
            min=0,
            help="With --scheduler: stop when no worker was connected for so long.  [default: wait]",
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_HOW,
            metavar="I/N",
            help="Process part I of N of the videos, for an array of batch jobs, each with an --out of its own; "
            "avcues merge joins them.",
        ),
    ] = None,
    log_json: Annotated[
        bool,
        typer.Option(
            "--log-json",
            rich_help_panel=_HOW,
            help="Write JSON objects, one per line and video, to standard output, and no text.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", rich_help_panel=_HOW, help="Say what would be computed, downloaded and left out."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", rich_help_panel=_HOW, help="Show tracebacks.")] = False,
    time_limit: Annotated[
        float | None,
        typer.Option(
            rich_help_panel=_LIMITS,
            metavar="SECONDS",
            min=1,
            help="Give up on a video that takes longer; without this, on one that makes no progress for 10 minutes.",
        ),
    ] = None,
    memory_limit: Annotated[
        str,
        typer.Option(
            rich_help_panel=_LIMITS,
            metavar="SIZE",
            help="Give up on a video that needs more, e.g. 4GiB. auto: its worker's share of the memory, but at least "
            "6 GiB if the machine has them; none: no limit.",
        ),
    ] = "auto",
    trust_headers: Annotated[
        bool,
        typer.Option(
            "--trust-headers",
            rich_help_panel=_LIMITS,
            help="Also decode files that claim over 8192 x 8192 pixels, 64 audio channels, or less than 1 or more than "
            "768 kHz.",
        ),
    ] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", rich_help_panel=_LIMITS, help="Stop at the first video that fails.")
    ] = False,
    max_failures: Annotated[
        int | None, typer.Option(rich_help_panel=_LIMITS, min=1, help="Stop after this many failed videos.")
    ] = None,
) -> None:
    """Makes the feature tables of videos.

    [bold]avcues extract[/] clip.mp4 --out features

    [bold]avcues extract[/] "videos/**/*.mkv" --out features --features emobase,color --workers 8

    [bold]avcues extract[/] s3://bucket/videos --out s3://bucket/features --scheduler tcp://host:8786

    Run it again to continue where it stopped: tables that are up to date are kept.

    Exit codes: 0 all done, 1 some videos failed (the others are done), 2 nothing was started, 130 or 143 ended by
    Ctrl-C or SIGTERM.
    """
    with OneLineErrors(debug):
        from avcues.pipeline.media.reading import Reading
        from avcues.pipeline.runtime.api import make_settings, parse_memory_limit
        from avcues.pipeline.runtime.request import Limits, Request, Workers
        from avcues.pipeline.store.location import location

        request = Request(
            settings=make_settings(
                features=_names(features),
                step=step,
                options=_options(audio_rate, _names(features), set_, variant),
                models=_models(model),
                device=device,
                precision=precision,
                weights_dir=weights_dir,
                reading=Reading(
                    video_stream=video_stream,
                    audio_stream=audio_stream,
                    downmix=downmix,
                    picture=picture,
                    bars=bars,
                ),
            ),
            out=location(out),
            overwrite=overwrite,
            trust_headers=trust_headers,
            verify=verify,
            debug=debug,
            shard=parse_shard(shard),
            limits=Limits(time_s=time_limit, memory_bytes=parse_memory_limit(memory_limit)),
        )
        if dry_run:
            from avcues.pipeline.cli.plan import show_plan

            raise typer.Exit(show_plan(paths, request))
        where = Workers(
            count=parse_workers(workers),
            per_gpu=workers_per_gpu,
            scheduler=scheduler,
            resources=parse_resources(resources),
            wait_s=wait,
        )
        code = show_run(paths, request, where, max_failures=1 if fail_fast else max_failures, log_json=log_json)
    raise typer.Exit(code)


def show_run(
    paths: list[str],
    request: Request,
    workers: Workers,
    *,
    max_failures: int | None = None,
    log_json: bool = False,
) -> int:
    """Runs a request, shows it on standard error (as JSON: on standard output), and returns the exit code."""
    from avcues.pipeline.cli.console import Console
    from avcues.pipeline.cli.display import Display
    from avcues.pipeline.errors import RunStoppedError
    from avcues.pipeline.runtime.run import run
    from avcues.pipeline.runtime.signals import terminable

    display = Display(Console(stderr=not log_json), log_json=log_json)
    results = run(paths, request, workers, max_failures=max_failures, observer=display)
    with terminable(), closing(results), display:
        try:
            for result in results:
                display.finished(result)
        except RunStoppedError as error:
            display.stopped(str(error))
        except KeyboardInterrupt:
            display.summarise(str(request.out))
            raise
        display.summarise(str(request.out))
    return EXIT_SOME_FAILED if display.failed or display.was_stopped else 0


def _names(features: str) -> list[str]:
    return [name.strip() for name in features.split(",") if name.strip()]


def parse_workers(workers: str) -> int | None:
    """Number of workers; None for auto.

    Raises:
        SettingsError: It is neither.
    """
    from avcues.pipeline.errors import SettingsError

    if workers == "auto":
        return None
    if not (workers.isascii() and workers.isdigit()):
        raise SettingsError(f"--workers {workers}: expected a number of processes, 0, or auto")
    return int(workers)


def parse_shard(shard: str | None) -> Shard | None:
    """The part that "3/16" names.

    Raises:
        SettingsError: It names none.
    """
    from avcues.pipeline.errors import SettingsError
    from avcues.pipeline.runtime.inputs import Shard

    if shard is None:
        return None
    number, _, count = shard.partition("/")
    if not (number.isdecimal() and count.isdecimal()):
        raise SettingsError(f"`shard={shard}`: expected I/N with I from 1 to N, such as 3/16")
    return Shard(int(number), int(count))


def _options(
    audio_rate: str, features: list[str], assignments: list[str], variants: list[str]
) -> dict[str, dict[str, Any]]:
    """Options by feature, from --audio-rate, --set and --variant."""
    from avcues.extractors.registry import OPENSMILE
    from avcues.pipeline.errors import SettingsError
    from avcues.pipeline.runtime.settings import Settings

    options: dict[str, dict[str, Any]] = {}
    if audio_rate != "48000":
        is_number = audio_rate.isascii() and audio_rate.isdigit()
        if audio_rate != "native" and not is_number:
            raise SettingsError(f"`audio_rate={audio_rate}`: expected a rate in Hz, such as 48000, or native")
        rate = int(audio_rate) if is_number else audio_rate
        taking = [name for name in Settings(features=tuple(features)).wanted if name in OPENSMILE]
        if not taking:
            raise SettingsError("`audio_rate` is for features that openSMILE computes, and this run has none of them")
        options |= {name: {"rate_hz": rate} for name in taking}
        if not is_number and "emobase" in taking:
            options["emobase"]["pitch_rate_hz"] = "track"  # the study's pitch, artefacts included
    for assignment in assignments:
        name, dot, rest = assignment.partition(".")
        option, equals, value = rest.partition("=")
        if not (dot and equals and name and option):
            raise SettingsError(f"--set {assignment}: expected FEATURE.OPTION=VALUE, such as shots.detector=content")
        options.setdefault(name, {})[option] = value
    for choice in variants:
        name, equals, value = choice.partition("=")
        if not (equals and name and value):
            raise SettingsError(f"--variant {choice}: expected FEATURE=VARIANT, such as actions=i3d_rgb_imagenet")
        options.setdefault(name, {})["variant"] = value
    return options


def _models(models: list[str]) -> dict[str, dict[str, str]]:
    """Options of models by name.

    Raises:
        AvcuesError: One is not of the right form, or a name stands twice.
    """
    from avcues.extractors.hub.options import parse_model
    from avcues.pipeline.errors import SettingsError

    parsed: dict[str, dict[str, str]] = {}
    for text in models:
        name, options = parse_model(text)
        if name in parsed:
            raise SettingsError(f"two models are named {name}: give each a name of its own")
        parsed[name] = options
    return parsed


def parse_resources(assignments: list[str]) -> dict[str, float] | None:
    """Amounts by name; None if there are none.

    Raises:
        SettingsError: One cannot be understood.
    """
    from avcues.pipeline.errors import SettingsError

    amounts = {}
    for assignment in assignments:
        name, _, amount = assignment.partition("=")
        try:
            amounts[name] = float(amount)
        except ValueError as error:
            raise SettingsError(f"--resources {assignment}: expected NAME=AMOUNT, such as GPU=1") from error
    return amounts or None
