"""The command line. Heavy imports wait until a command runs, so that help comes at once."""

from __future__ import annotations

import enum
import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline import cli_dataset
from pipeline.cli_errors import OneLineErrors
from pipeline.cli_models import models

if TYPE_CHECKING:
    from extractors.compute import Device, Precision
    from pipeline.settings import Settings

EXIT_SOME_FAILED = 1

app = typer.Typer(
    name="avcues",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Turns videos into aligned half-second feature tables for models of perceived emotion.\n\n"
    "[bold]avcues extract[/] videos/ --out features   makes every table of every video in a folder\n\n"
    "[bold]avcues validate[/] features                checks the finished folder",
)


def _version(wanted: bool) -> None:
    if wanted:
        from pipeline.provenance import avcues_version

        print(f"avcues {avcues_version()}")
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


class DeviceName(enum.StrEnum):
    """Values of --device."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class PrecisionName(enum.StrEnum):
    """Values of --precision."""

    fp32 = "fp32"
    bf16 = "bf16"


app.add_typer(models, name="models")


@app.command()
def extract(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Media files, folders, quoted patterns, or a .csv/.parquet list with the columns video_id,path.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the tables: OUT/<table>/<video_id>.parquet.")],
    features: Annotated[
        str,
        typer.Option(
            help="Comma-separated, or all: emobase, rhythm, color, lighting, expressions (and its faces), scenes, "
            "objects (and its detections), actions. shots and the timeline always come along."
        ),
    ] = "all",
    step: Annotated[str, typer.Option(help="Window length in seconds, a multiple of 0.02, at least 0.1.")] = "0.5",
    workers: Annotated[
        str, typer.Option(help="Worker processes; auto: one per core; 0: work in this process, for debugging.")
    ] = "auto",
    audio_rate: Annotated[
        str, typer.Option(help="Rate in Hz that emobase's input is resampled to, or native, as the MuVi study did.")
    ] = "48000",
    set_: Annotated[
        list[str],
        typer.Option("--set", metavar="FEATURE.OPTION=VALUE", help="Option of a feature, e.g. shots.detector=content."),
    ] = [],  # noqa: B006  (typer copies it)
    variant: Annotated[
        list[str],
        typer.Option(metavar="FEATURE=VARIANT", help="Network of a feature, e.g. actions=i3d_rgb_imagenet."),
    ] = [],  # noqa: B006
    weights_dir: Annotated[
        Path | None, typer.Option(help="Folder with weights files of your own; see avcues models list for the names.")
    ] = None,
    device: Annotated[DeviceName, typer.Option(help="auto takes a GPU if torch sees one.")] = DeviceName.auto,
    precision: Annotated[
        PrecisionName, typer.Option(help="bf16 is faster and moves probabilities by up to 0.01.")
    ] = PrecisionName.fp32,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make tables anew that are up to date.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Makes the feature tables of videos.

    Running it again goes on where it stopped: tables that are up to date are kept.

    Exit codes: 0 all done, 1 some videos failed (the others are done), 2 nothing was started.

    [bold]avcues extract[/] clip.mp4 --out features

    [bold]avcues extract[/] "videos/**/*.mkv" --out features --features emobase,color --workers 8
    """
    with OneLineErrors(debug):
        _use_weights_dir(weights_dir)
        options = _options(audio_rate, set_, variant)
        code = _extract(
            paths,
            out,
            settings=_settings(features, step, options, device.value, precision.value),
            workers=_parse_workers(workers),
            overwrite=overwrite,
            debug=debug,
        )
    raise typer.Exit(code)


def _extract(
    paths: list[str],
    out: Path,
    *,
    settings: Settings,
    workers: int | None,
    overwrite: bool = False,
    debug: bool = False,
) -> int:
    from rich.console import Console
    from rich.markup import escape

    from pipeline import batch, inputs
    from pipeline.console import Display, Downloads
    from pipeline.preflight import prepare_output
    from pipeline.settings import pin, read_pin
    from pipeline.status import record
    from pipeline.weights import describe_networks, settle

    console = Console(stderr=True)
    settings.create_extractors()
    if settings.compute.device != "auto":
        settings.compute.resolved()
    named = inputs.collect(paths)
    with Downloads(console) as downloads:
        settings, left_out = settle(settings, None if overwrite else read_pin(out), downloads.fetching)
    prepare_output(out)
    extractors = settings.create_extractors()
    pin(out, settings, extractors, overwrite=overwrite, video_ids={video.video_id for video in named.videos})
    for line in describe_networks(extractors):
        console.print(f"using    {line}", soft_wrap=True, highlight=False)
    for extractor in extractors:
        prepare = getattr(extractor, "prepare", None)
        if prepare is not None:
            prepare(lambda text: console.print(text, soft_wrap=True, highlight=False))
    for feature, reason in left_out.items():
        console.print(f"[yellow]left out[/] {feature}: {escape(reason)}", soft_wrap=True)
    for problem in named.problems:
        console.print(f"[red]failed[/]  {escape(problem)}", soft_wrap=True)
    job = batch.Job(settings=settings, out=out, overwrite=overwrite, debug=debug, left_out=left_out)
    count = batch.default_workers(len(named.videos)) if workers is None else workers
    with Display(console, len(named.videos), problems=len(named.problems)) as display:
        for result in batch.run(named.videos, job, workers=count, observer=display.observe):
            record(result, out)
            display.finished(result)
    display.summarise(str(out))
    failed = any(result.state == "failed" for result in display.results)
    return EXIT_SOME_FAILED if failed or named.problems else 0


@app.command()
def validate(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that avcues extract made.")],
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Checks every invariant of a finished folder and names each breach.

    Exit codes: 0 sound, 1 breaches found, 2 not a folder of avcues.
    """
    with OneLineErrors(debug):
        from rich.console import Console

        from pipeline.validate import check

        console = Console()
        summary = check(out)
        for breach in summary.breaches:
            console.print(breach, soft_wrap=True, markup=False, highlight=False)
        console.print(
            f"{out}: {summary.videos} videos, {summary.tables} tables, {len(summary.breaches)} breaches",
            soft_wrap=True,
            markup=False,
        )
    raise typer.Exit(1 if summary.breaches else 0)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the tables.")] = Path("demo"),
    workers: Annotated[str, typer.Option(help="As for extract.")] = "auto",
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Fetches three short real clips, makes their tables and prints a look at them."""
    with OneLineErrors(debug):
        from rich.console import Console

        from pipeline.demo import fetch_clips, look

        clips = fetch_clips()
        settings = _settings("all", "0.5", {}, "auto", "fp32")
        code = _extract([str(clip) for clip in clips], out, settings=settings, workers=_parse_workers(workers))
        if code == 0:
            look(out, [clip.stem for clip in clips], Console())
    raise typer.Exit(code)


def _settings(
    features: str, step: str, options: dict[str, dict[str, Any]], device: Device, precision: Precision
) -> Settings:
    from extractors.compute import Compute
    from pipeline.errors import SettingsError
    from pipeline.settings import Settings

    try:
        exact_step = Fraction(step)
    except (ValueError, ZeroDivisionError) as error:
        raise SettingsError(f"--step {step}: expected seconds, such as 0.5 or 1/2") from error
    chosen = () if features == "all" else tuple(name.strip() for name in features.split(",") if name.strip())
    if features != "all" and not chosen:
        raise SettingsError("--features is empty: name some, or leave it out for all")
    compute = Compute(device=device, precision=precision)
    return Settings(step=exact_step, features=chosen, options=options, compute=compute)


def _options(audio_rate: str, assignments: list[str], variants: list[str]) -> dict[str, dict[str, Any]]:
    """Options by feature, from --audio-rate, --set and --variant."""
    from pipeline.errors import SettingsError

    options: dict[str, dict[str, Any]] = {}
    if audio_rate != "48000":
        if audio_rate != "native" and not audio_rate.isdigit():
            raise SettingsError(f"--audio-rate {audio_rate}: expected a rate in Hz, such as 48000, or native")
        options["emobase"] = {"rate_hz": int(audio_rate) if audio_rate.isdigit() else audio_rate}
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


def _use_weights_dir(folder: Path | None) -> None:
    """Worker processes find the folder in the environment that they inherit."""
    from models_cache.cache import WEIGHTS_DIR_VARIABLE
    from pipeline.errors import SettingsError

    if folder is not None:
        if not folder.is_dir():
            raise SettingsError(f"--weights-dir {folder}: no such folder")
        os.environ[WEIGHTS_DIR_VARIABLE] = str(folder.resolve())


def _parse_workers(workers: str) -> int | None:
    from pipeline.errors import SettingsError

    if workers == "auto":
        return None
    if not workers.isdigit():
        raise SettingsError(f"--workers {workers}: expected a number of processes, 0, or auto")
    return int(workers)


cli_dataset.add_to(app)


def main() -> None:
    """Entry point of the command `avcues`."""
    app()
