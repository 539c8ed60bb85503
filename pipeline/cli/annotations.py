"""The commands `avcues annotations ...`: ratings, gold standards, soft labels, agreement and perspectives."""

from __future__ import annotations

from typing import Annotated

import typer

from avcues.pipeline.cli import annotations_figures, annotations_import
from avcues.pipeline.cli.annotations_agreement import agreement, perspectives, plan
from avcues.pipeline.cli.annotations_labels import gold, soft
from avcues.pipeline.cli.annotations_options import (
    Debug,
    Folder,
    Step,
    parse_step,
)
from avcues.pipeline.cli.errors import OneLineErrors, with_options_of_any_command

commands = typer.Typer(
    no_args_is_help=True, help="From ratings of several raters to labels: import, check, combine, compare."
)
commands.add_typer(annotations_import.commands, name="import")
commands.command()(annotations_import.example)


@commands.command()
def check(
    folder: Folder,
    step: Step = "0.5",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Checks for displaced rows, raters who contradict the others, unusable series, and gaps in the design.

    Exit codes: 0 no problem, 1 problems found, 2 not a folder of ratings.

    [bold]avcues annotations check[/] ann
    """
    with OneLineErrors(debug):
        import json
        from dataclasses import asdict

        from avcues.pipeline.annotations.checking.check import check as check_annotations
        from avcues.pipeline.annotations.ratings.files import read
        from avcues.pipeline.annotations.ratings.wording import counted
        from avcues.pipeline.cli.console import Console, print_line

        result = check_annotations(read(folder), parse_step(step))
        if as_json:
            print(json.dumps(asdict(result), indent=1))
        else:
            console = Console()
            for line in result.coverage_in_words():
                print_line(console, "bold", "covered", line)
            for note in result.notes:
                print_line(console, "yellow", "note", with_options_of_any_command(note))
            for problem in result.problems:
                print_line(console, "red", "problem", with_options_of_any_command(problem))
            print_line(
                console,
                "bold",
                "total",
                f"{counted(len(result.problems), 'problem')}, {counted(len(result.notes), 'note')}",
            )
    raise typer.Exit(1 if result.problems else 0)


for command in (gold, soft, agreement, plan, perspectives):
    commands.command()(command)
commands.command()(annotations_figures.figures)
commands.command()(annotations_figures.tables)
