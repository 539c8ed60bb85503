"""The commands `avcues annotations figures` and `tables`: what a paper shows of a study."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avcues.pipeline.cli.annotations_options import (
    Debug,
    Folder,
    KeepConstant,
    Protocol,
    Replicates,
    Seed,
    Shortest,
    Step,
    listed,
    parse_step,
    show_notes,
    show_written,
    with_options,
)
from avcues.pipeline.cli.errors import OneLineErrors

if TYPE_CHECKING:
    from avcues.pipeline.annotations.results import Results
    from avcues.pipeline.annotations.shown import NotShown
    from avcues.pipeline.paper.figure import PaperFigure
    from avcues.pipeline.paper.table import PaperTable

Only = Annotated[str | None, typer.Option(help="Comma-separated kinds; default: all.")]
StudyProtocol = Annotated[
    Protocol, typer.Option(help="muvi: as in the study (--weights all, 118 windows, both dimensions or neither).")
]
Against = Annotated[
    str | None,
    typer.Option(metavar="SETUP", help="Setup in which everything is shown; default: all or audiovisual."),
]
By = Annotated[
    list[str],
    typer.Option(
        help="Groups to compare: setup, seen, overlay, a column about the raters, or a condition such as 'age>30'; "
        "repeatable. Default: everything with 2 to 8 groups."
    ),
]
LabelGroups = Annotated[
    Path | None,
    typer.Option(help="CSV of label, category and, if there is one, superfactor: groups of labels."),
]


def figures(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for NAME.svg, .pdf, .png, and .csv.")],
    only: Only = None,
    protocol: StudyProtocol = "avcues",
    against: Against = None,
    by: By = [],  # noqa: B006  (typer copies it)
    shortest: Shortest = 0.9,
    keep_constant: KeepConstant = False,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Draws the figures of a paper: SVG, PDF and PNG in the size of print, each with its numbers as CSV.

    What the ratings do not hold is left out with a line that says so.

    [bold]avcues annotations figures[/] ann --out figures
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.plot import all_figures

        results = _results(folder, protocol, against, by, shortest, keep_constant, step, bootstrap=0, seed=0)
        _save(all_figures(results, listed(only)), results, out, "figure")


def tables(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for NAME.md, .tex, and .csv.")],
    only: Only = None,
    protocol: StudyProtocol = "avcues",
    against: Against = None,
    by: By = [],  # noqa: B006  (typer copies it)
    shortest: Shortest = 0.9,
    keep_constant: KeepConstant = False,
    bootstrap: Replicates = 1000,
    seed: Seed = 0,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Writes the tables of a paper: Markdown and LaTeX, each with its numbers as CSV.

    What the ratings do not hold is left out with a line that says so.

    [bold]avcues annotations tables[/] ann --out tables
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.tables import all_tables

        results = _results(folder, protocol, against, by, shortest, keep_constant, step, bootstrap, seed)
        _save(all_tables(results, listed(only)), results, out, "table")


def _results(
    folder: Path,
    protocol: Protocol,
    against: str | None,
    by: list[str],
    shortest: float,
    keep_constant: bool,
    step: str,
    bootstrap: int,
    seed: int,
) -> Results:
    from avcues.pipeline.annotations.gold_standards.recipe import Recipe
    from avcues.pipeline.annotations.ratings.schema import read
    from avcues.pipeline.annotations.results import Results
    from avcues.pipeline.annotations.statistics.coefficients import Bootstrap

    base = Recipe.muvi() if protocol == "muvi" else Recipe()
    return Results(
        annotations=read(folder),
        against=against,
        by=by or None,
        weights=base.weights,
        windows=base.windows,
        together=base.together,
        shortest=shortest,
        keep_constant=keep_constant,
        step=parse_step(step),
        bootstrap=Bootstrap(bootstrap, seed),
    )


def _save(
    items: Iterable[PaperFigure | NotShown] | Iterable[PaperTable | NotShown], results: Results, out: Path, what: str
) -> None:
    """Writes what can be made, says what cannot, and counts both."""
    from avcues.pipeline.annotations.ratings.exclusions import in_words
    from avcues.pipeline.annotations.ratings.wording import counted
    from avcues.pipeline.annotations.shown import NotShown
    from avcues.pipeline.cli.console import Console
    from avcues.pipeline.cli.dataset import say

    show_notes(in_words(results.rated[2]))
    saved = left_out = 0
    for item in items:
        if isinstance(item, NotShown):
            left_out += 1
            say(Console(stderr=True), "yellow", "left out", f"{item.name}: {with_options(item.reason)}")
            continue
        saved += 1
        paths = item.save(out)
        show_written(f"{paths[0].with_suffix('')}: {', '.join(path.suffix for path in paths)}")
    say(
        Console(stderr=True),
        "bold",
        "in all",
        f"{counted(saved, what)}, {counted(left_out, f'kind of {what}', f'kinds of {what}')} left out",
    )
