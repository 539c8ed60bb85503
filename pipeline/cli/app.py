"""The command line. Commands import heavy packages only when they run, so that help appears at once."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from avcues.pipeline.cli import annotations as ratings
from avcues.pipeline.cli import collect
from avcues.pipeline.cli.dataset import align, describe, export
from avcues.pipeline.cli.errors import EXIT_NOTHING_STARTED, OneLineErrors, complain
from avcues.pipeline.cli.extract import extract
from avcues.pipeline.cli.merge import merge
from avcues.pipeline.cli.models import models
from avcues.pipeline.cli.option_values import parse_workers
from avcues.pipeline.cli.predict import compare, evaluate, predict
from avcues.pipeline.cli.report import make_report, report
from avcues.pipeline.cli.show_run import show_run
from avcues.pipeline.cli.train import train
from avcues.pipeline.errors import LeftOutWarning


class _Commands(TyperGroup):
    """Refuses empty arguments: an unset shell variable would silently mean the current folder."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for previous, argument in pairwise(["", *args]):
            option, equals, value = argument.partition("=")
            if not argument or (option.startswith("--") and equals and not value):
                subject = option or (previous if previous.startswith("-") else "an argument")
                complain(f"{subject} is empty; is a shell variable unset?")
                raise typer.Exit(EXIT_NOTHING_STARTED)
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="avcues",
    cls=_Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Turns videos into aligned half-second feature tables for models of perceived emotion.\n\n"
    "[bold]avcues doctor[/]                           what runs on this machine\n\n"
    "[bold]avcues extract[/] videos/ --out features   every table of every video in a folder\n\n"
    "[bold]avcues report[/] features                  pages to look at them\n\n"
    "[bold]avcues align[/] features --out train.parquet   one table for training",
)


def _version(requested: bool) -> None:
    if requested:
        from avcues.version import __version__

        print(f"avcues {__version__}")
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


_MAKE, _CHECK, _TRAIN, _MODEL = "Make tables", "Look and check", "Into training", "Models of emotion"
_MACHINE = "This machine"

app.command(rich_help_panel=_MAKE)(extract)
app.command(rich_help_panel=_MAKE)(merge)
app.command(rich_help_panel=_CHECK)(report)
app.command(rich_help_panel=_TRAIN)(align)
app.command(rich_help_panel=_TRAIN)(describe)
app.add_typer(export, name="export", rich_help_panel=_TRAIN)
app.add_typer(collect.commands, name="collect", rich_help_panel=_TRAIN)
app.add_typer(ratings.commands, name="annotations", rich_help_panel=_TRAIN)
for command in (train, evaluate, compare, predict):
    app.command(rich_help_panel=_MODEL)(command)
app.add_typer(models, name="models", rich_help_panel=_MACHINE)


@app.command(rich_help_panel=_CHECK)
def validate(
    out: Annotated[str, typer.Argument(metavar="DIR", help="A folder or URL that avcues extract made.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Checks every invariant of a finished folder and names each violation.

    Exit codes: 0 sound, 1 breaches found, 2 not a folder of avcues.
    """
    with OneLineErrors(debug):
        import json
        from dataclasses import asdict

        from avcues.pipeline.cli.console import Console
        from avcues.pipeline.dataset.validate import validate as validate_folder
        from avcues.pipeline.store.location import location

        validation = validate_folder(location(out))
        if as_json:
            print(json.dumps(asdict(validation), indent=1))
        else:
            console = Console()
            for breach in validation.breaches:
                console.print(breach, soft_wrap=True, markup=False, highlight=False)
            console.print(
                f"{out}: {validation.videos} videos, {validation.tables} tables, {len(validation.breaches)} breaches",
                soft_wrap=True,
                markup=False,
            )
    raise typer.Exit(1 if validation.breaches else 0)


@app.command(rich_help_panel=_CHECK)
def status(
    out: Annotated[str, typer.Argument(metavar="DIR", help="A folder that avcues extract works on.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Reports what is done, what failed and why, and what remains.

    Exit codes: 0 all done, 1 some failed or remain, 2 not a folder of avcues.
    """
    with OneLineErrors(debug):
        import json
        from dataclasses import asdict

        from avcues.pipeline.cli.console import Console
        from avcues.pipeline.cli.display import show_overview
        from avcues.pipeline.store.location import location
        from avcues.pipeline.store.records import overview

        folder_overview = overview(location(out))
        if as_json:
            print(json.dumps(asdict(folder_overview), indent=1))
        else:
            show_overview(folder_overview, out, Console())
    raise typer.Exit(1 if folder_overview.failures or folder_overview.queued or folder_overview.unreadable else 0)


@app.command(rich_help_panel=_MACHINE)
def doctor(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Also test writing to this folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Reports what this machine has, which features run on it, and how to enable others.

    Exit codes: 0 avcues runs (a feature may lack its weights), 1 it does not.
    """
    with OneLineErrors(debug):
        import json
        from dataclasses import asdict

        from avcues.pipeline.cli.console import Console
        from avcues.pipeline.cli.display import show_findings
        from avcues.pipeline.cli.doctor import examine

        console = Console()
        with console.status("examining this machine") if console.is_terminal else nullcontext():
            findings = list(examine(out))
        if as_json:
            print(json.dumps([asdict(finding) for finding in findings], indent=1))
        else:
            show_findings(findings, console)
    raise typer.Exit(1 if any(finding.state == "problem" for finding in findings) else 0)


@app.command(rich_help_panel=_MAKE)
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the tables.")] = Path("demo"),
    workers: Annotated[str, typer.Option(help="As for extract.")] = "auto",
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Downloads three short real clips, makes their tables and report pages, and prints a sample."""
    with OneLineErrors(debug):
        from avcues.models_cache import WeightsError
        from avcues.pipeline.cli.console import Console
        from avcues.pipeline.cli.demo import fetch_clips, show_sample
        from avcues.pipeline.runtime.request import Request, Workers
        from avcues.pipeline.runtime.settings import Settings

        clips = fetch_clips()
        request = Request(settings=Settings(), out=out, debug=debug)
        code = show_run([str(clip) for clip in clips], request, Workers(count=parse_workers(workers)))
        if code == 0:
            show_sample(out, [clip.stem for clip in clips], Console())
            try:
                make_report(out)
            except WeightsError as error:
                complain(f"no report: {error}")
    raise typer.Exit(code)


def main() -> None:
    """Entry point of the command `avcues`."""
    # The commands print themselves what they leave out.
    warnings.filterwarnings("ignore", category=LeftOutWarning)
    app()
