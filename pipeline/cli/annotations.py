"""The commands `avcues annotations ...`: from ratings to gold standards, soft labels, agreement and perspectives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from avcues.pipeline.cli import annotations_figures, annotations_import
from avcues.pipeline.cli.annotations_options import (
    Debug,
    Folder,
    KeepConstant,
    Protocol,
    Replicates,
    Report,
    Round,
    Seed,
    Shortest,
    Step,
    Weights,
    listed,
    parse_delay,
    parse_range,
    parse_step,
    read_ids,
    show_notes,
    show_written,
    with_options,
)
from avcues.pipeline.cli.errors import OneLineErrors

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
    """Looks for displaced rows, raters who contradict the others, unusable series, and gaps in the design.

    Exit codes: 0 no problem, 1 problems found, 2 not a folder of ratings.

    [bold]avcues annotations check[/] ann
    """
    with OneLineErrors(debug):
        import json
        from dataclasses import asdict

        from avcues.pipeline.annotations.checking.check import check as check_annotations
        from avcues.pipeline.annotations.ratings.schema import read
        from avcues.pipeline.annotations.ratings.wording import counted
        from avcues.pipeline.cli.console import Console
        from avcues.pipeline.cli.dataset import say

        result = check_annotations(read(folder), parse_step(step))
        if as_json:
            print(json.dumps(asdict(result), indent=1))
        else:
            console = Console()
            for line in result.coverage_in_words():
                say(console, "bold", "covered", line)
            for note in result.notes:
                say(console, "yellow", "note", with_options(note))
            for problem in result.problems:
                say(console, "red", "problem", with_options(problem))
            say(
                console,
                "bold",
                "in all",
                f"{counted(len(result.problems), 'problem')}, {counted(len(result.notes), 'note')}",
            )
    raise typer.Exit(1 if result.problems else 0)


@commands.command()
def gold(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for one labels file per setup.")],
    dimensions: Annotated[
        str | None, typer.Option(help="Comma-separated dimensions rated in numbers; default: all.")
    ] = None,
    protocol: Annotated[
        Protocol,
        typer.Option(help="muvi: as the study's script (--weights all --windows 118, both dimensions or neither)."),
    ] = "avcues",
    method: Annotated[
        Literal["ewe", "mean", "median"], typer.Option(help="Evaluator weighted estimator, or plain mean or median.")
    ] = "ewe",
    weights: Annotated[
        Weights | None,
        typer.Option(
            help="Weight of a rater: correlation with the mean of the others (default) or of all raters, or mean CCC "
            "with each other rater."
        ),
    ] = None,
    delay: Annotated[
        str,
        typer.Option(metavar="SECONDS|auto", help="How late raters react; auto: each rater's lag, from --features."),
    ] = "0",
    standardise: Annotated[
        Literal["none", "rater"], typer.Option(help="rater: bring all raters to one mean and spread.")
    ] = "none",
    smooth: Annotated[
        str | None, typer.Option(metavar="savgol:WINDOWS:ORDER", help="Smooth every series, e.g. savgol:5:3.")
    ] = None,
    windows: Annotated[
        int | None, typer.Option(help="Use the first windows only; shorter series are left out.")
    ] = None,
    shortest: Shortest = 0.9,
    keep_constant: KeepConstant = False,
    round_: Round = None,
    training_videos: Annotated[
        Path | None,
        typer.Option(help="List of video ids, one per line: what is fitted over videos is fitted on these only."),
    ] = None,
    partition: Annotated[
        Path | None,
        typer.Option(help="The same by a study's own partition, as for train: CSV of video_id and part (train, ...)."),
    ] = None,
    features: Annotated[str | None, typer.Option(help="Folder made by avcues extract, for --delay auto.")] = None,
    tables: Annotated[str | None, typer.Option(help="Comma-separated tables of --features; default: all.")] = None,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Makes gold standards, the labels files that --labels reads: one value per window out of several raters'.

    Exit codes: 0 written, 2 nothing written because of the input or the settings.

    [bold]avcues annotations gold[/] ann --out gold
    """
    with OneLineErrors(debug):
        from dataclasses import replace

        from avcues.pipeline.annotations.gold_standards.gold import gold as make_gold
        from avcues.pipeline.annotations.gold_standards.gold import write_gold
        from avcues.pipeline.annotations.gold_standards.recipe import Recipe, Smoothing
        from avcues.pipeline.annotations.ratings.exclusions import in_words
        from avcues.pipeline.annotations.ratings.schema import read

        base = Recipe.muvi() if protocol == "muvi" else Recipe()
        recipe = replace(
            base,
            method=method,
            weights=weights or base.weights,
            delay=parse_delay(delay),
            standardise=standardise == "rater",
            smooth=None if smooth is None else Smoothing.parse(smooth),
            windows=base.windows if windows is None else windows,
            shortest=shortest,
            keep_constant=keep_constant,
            step=parse_step(step),
            round=round_,
            dimensions=None if dimensions is None else tuple(listed(dimensions) or ()),
        )
        training = None if training_videos is None else read_ids(training_videos)
        if partition is not None:
            training = _training_part(partition, training)
        result = make_gold(read(folder), recipe, training_videos=training, features=_feature_values(features, tables))
        show_notes([*in_words(result.left_out), *result.notes])
        for path, table in zip(write_gold(result, out), result.tables.values(), strict=True):
            show_written(f"{path}: {table.num_rows} rows, {len(table['video_id'].unique())} videos")


@commands.command()
def soft(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for one labels file per setup.")],
    dimensions: Annotated[
        str | None, typer.Option(help="Comma-separated, all over time or all once per clip; default: all.")
    ] = None,
    bins: Annotated[int, typer.Option(min=2, help="Bins of a dimension with more than 11 distinct values.")] = 5,
    round_: Round = None,
    shortest: Shortest = 0.9,
    keep_constant: KeepConstant = False,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Makes soft labels, which --labels reads: the share of raters who gave each value or chose each label.

    Exit codes: 0 written, 2 nothing written because of the input or the settings.

    [bold]avcues annotations soft[/] ann --out soft --dimensions mood
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.gold_standards.gold import read_about
        from avcues.pipeline.annotations.gold_standards.soft_labels import soft_labels
        from avcues.pipeline.annotations.ratings.schema import read, write_tables

        tables = soft_labels(
            read(folder),
            listed(dimensions),
            bins=bins,
            step=parse_step(step),
            round_=round_,
            shortest=shortest,
            keep_constant=keep_constant,
        )
        about = next((read_about(table) for table in tables.values()), None) or {}
        show_notes([f"left out: {count} {reason} series" for reason, count in about.get("left_out", {}).items()])
        files = {out / f"{setup}.parquet": table for setup, table in tables.items()}
        write_tables(files)
        for path, table in files.items():
            show_written(f"{path}: {table.num_rows} rows, {len(table['video_id'].unique())} videos")


@commands.command()
def agreement(
    folder: Folder,
    out: Report,
    protocol: Annotated[
        Protocol,
        typer.Option(help="muvi: as in the study (--weights all, 118 windows, both dimensions or neither)."),
    ] = "avcues",
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
    shortest: Shortest = 0.9,
    keep_constant: KeepConstant = False,
    bootstrap: Replicates = 1000,
    seed: Seed = 0,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Reports how far raters agree: in each setup, between setups, and by who they are.

    [bold]avcues annotations agreement[/] ann --out agreement.md
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.gold_standards.recipe import Recipe
        from avcues.pipeline.annotations.ratings.exclusions import in_words
        from avcues.pipeline.annotations.ratings.schema import read
        from avcues.pipeline.annotations.reliability.agreement import agreement as measure
        from avcues.pipeline.annotations.reports.documents import require_markdown, write_agreement
        from avcues.pipeline.annotations.statistics.coefficients import Bootstrap

        require_markdown(out)
        rated = read(folder)
        base = Recipe.muvi() if protocol == "muvi" else Recipe()
        result = measure(
            rated,
            weights=weights or base.weights,
            windows=base.windows,
            together=base.together,
            shortest=shortest,
            keep_constant=keep_constant,
            step=parse_step(step),
            bootstrap=Bootstrap(bootstrap, seed),
            by=by or None,
        )
        show_notes(in_words(result.left_out))
        show_written(*write_agreement(result, rated, out))


@commands.command()
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
        typer.Option(help="Inconsistency is strong from this score on; default: the score nearest to the top quarter."),
    ] = None,
    neutral: Annotated[
        str | None,
        typer.Option(metavar="LOW,HIGH", help="Neither negative nor positive; default: the middle of the range."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Folder of a model of several modalities, whose reliance on each is set beside the raters'."),
    ] = None,
    shortest: Shortest = 0.9,
    keep_constant: KeepConstant = False,
    bootstrap: Replicates = 1000,
    seed: Seed = 0,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Compares the ratings of the same raters and clips across setups: what text, sound and picture each convey.

    [bold]avcues annotations perspectives[/] ann --dimension valence --against all --out perspectives.md
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.across_setups.perspectives import perspectives as compare
        from avcues.pipeline.annotations.ratings.exclusions import in_words
        from avcues.pipeline.annotations.ratings.schema import read
        from avcues.pipeline.annotations.reports.documents import require_markdown, write_perspectives
        from avcues.pipeline.annotations.statistics.coefficients import Bootstrap

        require_markdown(out)
        lost = None if model is None else _reliance(model, dimension)
        rated = read(folder)
        result = compare(
            rated,
            dimension,
            against,
            setups=listed(setups),
            threshold=threshold,
            neutral=None if neutral is None else parse_range(neutral, "--neutral"),
            step=parse_step(step),
            bootstrap=Bootstrap(bootstrap, seed),
            shortest=shortest,
            keep_constant=keep_constant,
        )
        show_notes([*in_words(result.left_out), *result.gaps()])
        show_written(*write_perspectives(result, rated, out, lost))


commands.command()(annotations_figures.figures)
commands.command()(annotations_figures.tables)


def _reliance(model: Path, dimension: str) -> dict[str, float]:
    """By modality, what a trained model loses without it."""
    import json

    from avcues.pipeline.errors import SettingsError
    from avcues.pipeline.store.model_files import METRICS

    try:
        dimensions = json.loads((model / METRICS).read_text("utf-8"))["dimensions"]
    except (OSError, ValueError, KeyError) as error:
        raise SettingsError(f"`model={model}`: is no folder that avcues train made ({type(error).__name__})") from error
    if dimension not in dimensions:
        raise SettingsError(f"`model={model}`: predicts {', '.join(dimensions)}, not {dimension}")
    lost: dict[str, float] = dimensions[dimension]["importance"].get("modalities", {})
    if not lost:
        raise SettingsError(f"`model={model}`: reads one modality; name a model of several, such as late")
    return lost


def _training_part(partition: Path, training_videos: list[str] | None) -> list[str]:
    """The videos of a study's training part."""
    from avcues.pipeline.errors import InputError, SettingsError
    from avcues.pipeline.training.video_lists import read_partition

    if training_videos is not None:
        raise SettingsError("`training_videos` and `partition` exclude each other")
    names = [name for name, part in read_partition(partition).items() if part.strip().lower() in ("train", "training")]
    if not names:
        raise InputError(f"{partition}: names no video of the part train")
    return names


def _feature_values(features: str | None, tables: str | None) -> Any:
    """A mapping of video id to (windows, columns) values, read on demand."""
    if features is None:
        return None
    from avcues.pipeline.annotations.gold_standards.feature_values import FeatureValues
    from avcues.pipeline.dataset.dataset import open_dataset

    return FeatureValues(open_dataset(features, tables=listed(tables)))
