"""The command line. Heavy imports wait until a command runs, so that help comes at once."""

from __future__ import annotations

import enum
import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipeline.settings import Settings

EXIT_SOME_FAILED = 1
EXIT_NOTHING_STARTED = 2
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="avcues",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Turns videos into aligned half-second feature tables for models of perceived emotion.\n\n"
    "[bold]avcues extract[/] videos/ --out features   makes every table of every video in a folder\n\n"
    "[bold]avcues validate[/] features                checks the finished folder",
)


class Workers(enum.Enum):
    """Default of --workers."""

    AUTO = "auto"


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
        str, typer.Option(help="Comma-separated features, or all. The timeline and shots always come along.")
    ] = "all",
    step: Annotated[str, typer.Option(help="Window length in seconds.")] = "0.5",
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
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make tables anew that are up to date.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Makes the feature tables of videos.

    Running it again goes on where it stopped: tables that are up to date are kept.

    Exit codes: 0 all done, 1 some videos failed (the others are done), 2 nothing was started.

    [bold]avcues extract[/] clip.mp4 --out features

    [bold]avcues extract[/] "videos/**/*.mkv" --out features --features emobase,color --workers 8
    """
    with _Errors(debug):
        code = _extract(
            paths,
            out,
            settings=_settings(features, step, audio_rate, set_),
            workers=_parse_workers(workers),
            overwrite=overwrite,
        )
    raise typer.Exit(code)


def _extract(paths: list[str], out: Path, *, settings: Settings, workers: int | None, overwrite: bool) -> int:
    from dataclasses import asdict

    from rich.console import Console

    from pipeline import batch, inputs
    from pipeline.console import Display
    from pipeline.preflight import prepare_output
    from pipeline.settings import pin
    from pipeline.tables import write_json

    extractors = settings.create_extractors()
    named = inputs.collect(paths)
    prepare_output(out)
    pin(out, settings, extractors, overwrite=overwrite)
    console = Console(stderr=True)
    for problem in named.problems:
        console.print(f"[red]failed[/]  {problem}", soft_wrap=True)
    job = batch.Job(settings=settings, out=out, overwrite=overwrite)
    count = batch.default_workers(len(named.videos)) if workers is None else workers
    with Display(console, len(named.videos)) as display:
        for result in batch.run(named.videos, job, workers=count, observer=display.observe):
            write_json(asdict(result), out / "_status" / f"{result.video_id}.json")
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
    with _Errors(debug):
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


def _settings(features: str, step: str, audio_rate: str, assignments: list[str]) -> Settings:
    from pipeline.errors import SettingsError
    from pipeline.settings import Settings

    try:
        exact_step = Fraction(step)
    except (ValueError, ZeroDivisionError) as error:
        raise SettingsError(f"--step {step}: expected seconds, such as 0.5 or 1/2") from error
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
    chosen = () if features == "all" else tuple(name.strip() for name in features.split(",") if name.strip())
    if features != "all" and not chosen:
        raise SettingsError("--features is empty: name some, or leave it out for all")
    return Settings(step=exact_step, features=chosen, options=options)


def _parse_workers(workers: str) -> int | None:
    from pipeline.errors import SettingsError

    if workers == "auto":
        return None
    if not workers.isdigit():
        raise SettingsError(f"--workers {workers}: expected a number of processes, 0, or auto")
    return int(workers)


class _Errors:
    """Turns errors that avcues raises on purpose into one line and exit code 2."""

    def __init__(self, debug: bool) -> None:
        self._debug = debug

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        from models_cache import AvcuesError

        if self._debug or error is None:
            return
        if isinstance(error, AvcuesError):
            for line in str(error).splitlines():
                print(f"avcues: {line}", file=sys.stderr)
            raise typer.Exit(EXIT_NOTHING_STARTED) from error
        if isinstance(error, KeyboardInterrupt):
            print("avcues: interrupted; run the same command again to go on", file=sys.stderr)
            raise typer.Exit(EXIT_INTERRUPTED) from error


def main() -> None:
    """Entry point of the command `avcues`."""
    app()
