"""The commands `avcues annotations figures` and `tables`: figures and tables of a study for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    StudyProtocol,
    parse_step,
    recipe_of,
    show_notes,
)
from avcues.pipeline.cli.errors import OneLineErrors
from avcues.pipeline.cli.option_values import parse_list
from avcues.pipeline.cli.saving import save_items

if TYPE_CHECKING:
    from avcues.pipeline.annotations.results import Results

Only = Annotated[str | None, typer.Option(help="Comma-separated kinds; default: all.")]
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
Clip = Annotated[list[str], typer.Option(metavar="ID", help="Clip of the figures of one clip; repeatable.")]
LabelGroups = Annotated[
    Path | None,
    typer.Option(
        help="CSV of label, category and, if there is one, superfactor: groups of labels. Default: those of the Geneva "
        "Emotional Music Scale, if all labels are its terms."
    ),
]


def figures(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for NAME.svg, .pdf, .png, and .csv.")],
    only: Only = None,
    protocol: StudyProtocol = "avcues",
    against: Against = None,
    by: By = [],  # noqa: B006  (typer copies it)
    label_groups: LabelGroups = None,
    clip: Clip = [],  # noqa: B006
    shortest: Shortest = 0.9,
    keep_constant: KeepConstant = False,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Draws the figures of a paper as SVG, PDF and PNG in print size, each with its numbers as CSV.

    Figures that the ratings do not allow are left out, with a line for each.

    [bold]avcues annotations figures[/] ann --out figures
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.plot import all_figures
        from avcues.pipeline.annotations.statistics.coefficients import Bootstrap

        options = {"against": against, "by": by or None, "clips": tuple(clip)} | _shared_options(
            shortest, keep_constant, step
        )
        results = _results(folder, protocol, label_groups, **options, bootstrap=Bootstrap(0))
        show_notes(_notes(results))
        save_items(all_figures(results, parse_list(only)), out, "figure")


def tables(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for NAME.md, .tex, and .csv.")],
    only: Only = None,
    protocol: StudyProtocol = "avcues",
    against: Against = None,
    by: By = [],  # noqa: B006  (typer copies it)
    label_groups: LabelGroups = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Predictions of avcues predict or out_of_fold.parquet, judged as one more rater."),
    ] = None,
    shortest: Shortest = 0.9,
    keep_constant: KeepConstant = False,
    bootstrap: Replicates = 1000,
    seed: Seed = 0,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Writes the tables of a paper as Markdown and LaTeX, each with its numbers as CSV.

    Tables that the ratings do not allow are left out, with a line for each.

    [bold]avcues annotations tables[/] ann --out tables
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.reliability.predictions import compare_predictions
        from avcues.pipeline.annotations.statistics.coefficients import Bootstrap
        from avcues.pipeline.annotations.tables import all_tables

        options = {"against": against, "by": by or None} | _shared_options(shortest, keep_constant, step)
        results = _results(folder, protocol, label_groups, **options, bootstrap=Bootstrap(bootstrap, seed))
        model_notes: Sequence[str] = ()
        if predictions is not None:
            model_options: dict[str, Any] = {"weights": results.weights, "bootstrap": results.bootstrap}
            model_options |= _shared_options(shortest, keep_constant, step)
            models, model_notes = compare_predictions(predictions, results.annotations, **model_options)
            results = replace(results, models=models)
        show_notes([*_notes(results), *model_notes])
        save_items(all_tables(results, parse_list(only)), out, "table")


def _results(folder: Path, protocol: Protocol, label_groups: Path | None, **options: Any) -> Results:
    from avcues.pipeline.annotations.label_order import read_label_groups
    from avcues.pipeline.annotations.ratings.files import read
    from avcues.pipeline.annotations.results import Results

    base = recipe_of(protocol)
    return Results(
        annotations=read(folder),
        label_groups=None if label_groups is None else read_label_groups(label_groups),
        weights=base.weights,
        windows=base.windows,
        whole_clips=base.whole_clips,
        **options,
    )


def _shared_options(shortest: float, keep_constant: bool, step: str) -> dict[str, Any]:
    return {"shortest": shortest, "keep_constant": keep_constant, "step": parse_step(step)}


def _notes(results: Results) -> list[str]:
    """Notes on ratings that are left out, and on groups that are not compared."""
    from avcues.pipeline.annotations.ratings.exclusions import exclusion_notes
    from avcues.pipeline.annotations.reliability.groups import not_compared

    reasons = not_compared(results.annotations) if results.by is None else {}
    return [
        *exclusion_notes(results.rated[2]),
        *(f"not compared by {name}: {reason}" for name, reason in reasons.items()),
    ]
