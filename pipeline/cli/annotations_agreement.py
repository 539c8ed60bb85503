"""How raters agree: `avcues annotations agreement` and `perspectives`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from avcues.pipeline.cli.annotations_options import (
    Debug,
    Folder,
    KeepConstant,
    Replicates,
    Report,
    Seed,
    Shortest,
    Step,
    StudyProtocol,
    Weights,
    parse_step,
    recipe_of,
    show_notes,
    show_written,
)
from avcues.pipeline.cli.errors import OneLineErrors
from avcues.pipeline.cli.option_values import parse_list, parse_range


def agreement(
    folder: Folder,
    out: Report,
    protocol: StudyProtocol = "avcues",
    weights: Annotated[
        Weights | None,
        typer.Option(help="Weights of the consensus that a rater is compared with; see gold. Default: others."),
    ] = None,
    by: Annotated[
        list[str],
        typer.Option(
            help="Compare labels and medians by setup, seen, overlay, a column about the raters, or a condition such "
            "as 'age>30'; repeatable. Default: everything with 2 to 8 groups."
        ),
    ] = [],  # noqa: B006  (typer copies it)
    predictions: Annotated[
        Path | None,
        typer.Option(help="Predictions of avcues predict or out_of_fold.parquet, compared as one more rater."),
    ] = None,
    setup: Annotated[str | None, typer.Option(help="Setup of --predictions; default: the setup of the labels.")] = None,
    shortest: Shortest = 0.9,
    keep_constant: KeepConstant = False,
    bootstrap: Replicates = 1000,
    seed: Seed = 0,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Reports how far raters agree: in each setup, between setups, with themselves, and by group of raters.

    [bold]avcues annotations agreement[/] ann --out agreement.md
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.ratings.exclusions import exclusion_notes
        from avcues.pipeline.annotations.ratings.files import read
        from avcues.pipeline.annotations.reliability.agreement import agreement as measure
        from avcues.pipeline.annotations.reliability.predictions import compare_predictions
        from avcues.pipeline.annotations.reports.documents import require_markdown, write_agreement
        from avcues.pipeline.annotations.statistics.coefficients import Bootstrap

        require_markdown(out)
        rated = read(folder)
        base = recipe_of(protocol)
        options: dict[str, Any] = {
            "shortest": shortest,
            "keep_constant": keep_constant,
            "step": parse_step(step),
            "bootstrap": Bootstrap(bootstrap, seed),
        }
        result = measure(
            rated,
            weights=weights or base.weights,
            windows=base.windows,
            whole_clips=base.whole_clips,
            by=by or None,
            **options,
        )
        models, model_notes = (
            ((), ())
            if predictions is None
            else compare_predictions(predictions, rated, setup=setup, weights=result.weights, **options)
        )
        show_notes([*exclusion_notes(result.left_out), *result.notes, *model_notes])
        show_written(*write_agreement(result, rated, out, models))


def plan(
    folder: Folder,
    reliability: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Reliability that the mean over raters must reach.")
    ] = 0.8,
    shortest: Shortest = 0.9,
    keep_constant: KeepConstant = False,
    seed: Seed = 0,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Computes how many raters a study needs, from the agreement of raters in a pilot study.

    [bold]avcues annotations plan[/] ann --reliability 0.8
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.ratings.files import read
        from avcues.pipeline.annotations.reliability.agreement import agreement as measure
        from avcues.pipeline.annotations.reliability.planning import raters_needed_in_words
        from avcues.pipeline.annotations.statistics.coefficients import Bootstrap
        from avcues.pipeline.cli.console import Console, print_line

        measured = measure(
            read(folder),
            shortest=shortest,
            keep_constant=keep_constant,
            step=parse_step(step),
            bootstrap=Bootstrap(0, seed),
            by=(),
        )
        for setup_plan in measured.plans:
            print_line(
                Console(),
                "bold",
                f"{setup_plan.setup} {setup_plan.dimension}",
                raters_needed_in_words(setup_plan, reliability),
            )


def perspectives(
    folder: Folder,
    out: Report,
    dimension: Annotated[str, typer.Option(help="Dimension to compare, rated in numbers.")],
    against: Annotated[str, typer.Option(metavar="SETUP", help="Setup in which everything is shown.")],
    setups: Annotated[
        str | None, typer.Option(help="Comma-separated setups to compare with it; default: all others.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Score from which inconsistency is strong; default: the score nearest to the top quarter."),
    ] = None,
    neutral: Annotated[
        str | None,
        typer.Option(metavar="LOW,HIGH", help="Range of neutral ratings; default: the middle of the scale."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a model of several modalities, to compare its reliance on each with that of the raters."
        ),
    ] = None,
    shortest: Shortest = 0.9,
    keep_constant: KeepConstant = False,
    bootstrap: Replicates = 1000,
    seed: Seed = 0,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Compares ratings of the same raters and clips across setups: what text, sound and picture each convey.

    [bold]avcues annotations perspectives[/] ann --dimension valence --against all --out perspectives.md
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.across_setups.perspectives import perspectives as compare
        from avcues.pipeline.annotations.ratings.exclusions import exclusion_notes
        from avcues.pipeline.annotations.ratings.files import read
        from avcues.pipeline.annotations.reports.documents import require_markdown, write_perspectives
        from avcues.pipeline.annotations.statistics.coefficients import Bootstrap

        require_markdown(out)
        reliance = None if model is None else _reliance(model, dimension)
        rated = read(folder)
        result = compare(
            rated,
            dimension,
            against,
            setups=parse_list(setups),
            threshold=threshold,
            neutral=None if neutral is None else parse_range(neutral, "--neutral"),
            step=parse_step(step),
            bootstrap=Bootstrap(bootstrap, seed),
            shortest=shortest,
            keep_constant=keep_constant,
        )
        show_notes([*exclusion_notes(result.left_out), *result.gaps()])
        show_written(*write_perspectives(result, rated, out, reliance))


def _reliance(model: Path, dimension: str) -> dict[str, float]:
    """By modality, how much a trained model loses without it."""
    from avcues.pipeline.errors import SettingsError, one_line
    from avcues.pipeline.store.documents import read_document
    from avcues.pipeline.store.model_files import METRICS

    try:
        dimensions = read_document(model / METRICS, "metrics")["dimensions"]
    except (OSError, ValueError) as error:
        raise SettingsError(f"`model={model}`: is no folder that avcues train made ({one_line(error)})") from error
    if dimension not in dimensions:
        raise SettingsError(f"`model={model}`: predicts {', '.join(dimensions)}, not {dimension}")
    reliance: dict[str, float] = dimensions[dimension]["importance"].get("modalities", {})
    if not reliance:
        raise SettingsError(f"`model={model}`: reads one modality; name a model of several, such as late")
    return reliance
