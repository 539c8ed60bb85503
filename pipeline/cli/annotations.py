"""The commands `avcues annotations ...`: from ratings to gold standards, agreement and perspectives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipeline.cli.errors import OneLineErrors

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.annotations.schema import Annotations


StaticRows = Literal["corrected", "as-published"]
Level = Literal["nominal", "ordinal", "interval"]
Method = Literal["ewe", "mean", "median"]
Weights = Literal["others", "all", "pairwise-ccc"]

Folder = Annotated[Path, typer.Argument(metavar="ANN", help="A folder that avcues annotations import made.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of ratings.parquet, raters.parquet, exposures.parquet.")]
Features = Annotated[
    str | None, typer.Option(help="A folder of avcues extract: ratings of videos that it does not have are left out.")
]
Raters = Annotated[Path | None, typer.Option(help="CSV or Parquet: rater, and any columns about them.")]
Setups = Annotated[str | None, typer.Option(help="Comma-separated: the only setups that there may be.")]
Report = Annotated[Path, typer.Option("--out", "-o", help="NAME.md; the numbers go to NAME.json beside it.")]
Replicates = Annotated[int, typer.Option(min=0, help="Samples of videos for the intervals; 0: no intervals.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the samples.")]
Step = Annotated[str, typer.Option(help="Seconds per window.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]

commands = typer.Typer(
    no_args_is_help=True, help="From ratings of several raters to labels: checked, combined, compared."
)
importing = typer.Typer(no_args_is_help=True, help="Brings ratings into one tidy table.")
commands.add_typer(importing, name="import")


@importing.command("muvi")
def import_muvi_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Of media_data.csv and the study's other files.")],
    out: Out,
    static_rows: Annotated[
        StaticRows,
        typer.Option(help="Labels stand one row too low as published: move them up, or leave them."),
    ] = "corrected",
    time: Annotated[
        Literal["seq", "timestamp"], typer.Option(help="A sample's time is half its number, or its time stamp.")
    ] = "seq",
    features: Features = None,
    debug: Debug = False,
) -> None:
    """Imports the MuVi study's annotations.

    [bold]avcues annotations import muvi[/] MuVi/ --out ann
    """
    with OneLineErrors(debug):
        from pipeline.annotations.muvi import import_muvi

        _write(import_muvi(folder, static_rows=static_rows, time_from=time, known=_videos_of(features)), out)


@importing.command("tidy")
def import_tidy_command(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV or Parquet: rater, video_id, setup, dimension, value or label, time."),
    ],
    out: Out,
    range_: Annotated[
        list[str], typer.Option("--range", metavar="[NAME=]LOW,HIGH", help="Of all dimensions, or of one; repeatable.")
    ] = [],  # noqa: B006  (typer copies it)
    level: Annotated[
        list[str], typer.Option(metavar="NAME=LEVEL", help="nominal, ordinal or interval; repeatable.")
    ] = [],  # noqa: B006
    setups: Setups = None,
    raters: Raters = None,
    features: Features = None,
    debug: Debug = False,
) -> None:
    """Imports a tidy table: one row per rating.

    [bold]avcues annotations import tidy[/] ratings.csv --out ann --range -1,1
    """
    with OneLineErrors(debug):
        from pipeline.annotations.tidy import import_tidy

        ranges = dict(_parse_range(text) for text in range_)
        made = import_tidy(
            file,
            range_=ranges.pop(None, None),
            ranges={name: value for name, value in ranges.items() if name is not None},
            levels=dict(_parse_level(text) for text in level),
            setups=_listed(setups),
            known=_videos_of(features),
            raters=raters,
        )
        _write(made, out)


@importing.command("wide")
def import_wide_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV: time, and one column per rater.")],
    out: Out,
    dimension: Annotated[str | None, typer.Option(help="Of all files whose path does not say it.")] = None,
    setup: Annotated[str | None, typer.Option(help="Of all files whose path does not say it.")] = None,
    pattern: Annotated[
        str, typer.Option(help="What the end of a path says, such as {dimension}/{setup}/{video_id}.")
    ] = "{video_id}",
    range_: Annotated[str | None, typer.Option("--range", metavar="LOW,HIGH", help="Of all values.")] = None,
    level: Annotated[Level, typer.Option(help="Level of measurement.")] = "interval",
    time_unit: Annotated[Literal["s", "ms"], typer.Option(help="Of the times in the files.")] = "s",
    setups: Setups = None,
    raters: Raters = None,
    features: Features = None,
    debug: Debug = False,
) -> None:
    """Imports wide tables: a column of times and one column per rater, one file per clip.

    [bold]avcues annotations import wide[/] valence/*.csv --out ann --dimension valence --setup video --range -1,1
    """
    with OneLineErrors(debug):
        from pipeline.annotations.wide import import_wide

        made = import_wide(
            files,
            pattern=pattern,
            setup=setup,
            dimension=dimension,
            range_=None if range_ is None else _parse_range(range_)[1],
            level=level,
            time_unit=time_unit,
            setups=_listed(setups),
            known=_videos_of(features),
            raters=raters,
        )
        _write(made, out)


@commands.command()
def example(
    out: Out,
    features: Annotated[
        str | None,
        typer.Option(help="A folder of avcues extract, whose videos are rated; else twelve that are not there."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random numbers.")] = 0,
    debug: Debug = False,
) -> None:
    """Makes up a small study to try the other commands on: six raters, three setups, four dimensions.

    [bold]avcues annotations example[/] --out ann
    """
    with OneLineErrors(debug):
        from pipeline.annotations.example import VIDEOS
        from pipeline.annotations.example import example as make

        if features is None:
            _write(make(VIDEOS, seed=seed), out)
        else:
            from pipeline.dataset.dataset import open_dataset

            data = open_dataset(features, tables=[])
            _write(make(data.lengths, step=data.catalog.step, seed=seed), out)


@commands.command()
def check(
    folder: Folder,
    step: Step = "0.5",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Looks for misplaced rows, raters who contradict the others, series that say nothing, and gaps in the design.

    Exit codes: 0 nothing is wrong, 1 problems found, 2 not a folder of annotations.

    [bold]avcues annotations check[/] ann
    """
    with OneLineErrors(debug):
        import json
        from dataclasses import asdict

        from rich.console import Console

        from pipeline.annotations.check import check as check_annotations
        from pipeline.annotations.schema import read

        found = check_annotations(read(folder), _parse_step(step))
        if as_json:
            print(json.dumps(asdict(found), indent=1))
        else:
            console = Console()
            for row in found.coverage:
                fewest, median, most = row["raters_per_video"]
                counts = f"{row['videos']} videos, {row['raters']} raters, {row['series']} series"
                per_video = f"{fewest} to {most} raters per video, median {median:g}"
                _line(console, "bold", "covered", f"{row['setup']} {row['dimension']}: {counts}; {per_video}")
            _show(console, found.notes)
            for problem in found.problems:
                _line(console, "red", "problem", problem)
            _line(console, "bold", "in all", f"{len(found.problems)} problems, {len(found.notes)} notes")
    raise typer.Exit(1 if found.problems else 0)


@commands.command("gold")
def gold_command(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of one labels file per setup.")],
    method: Annotated[Method, typer.Option(help="Evaluator weighted estimator, or plain.")] = "ewe",
    weights: Annotated[
        Weights,
        typer.Option(help="A rater's correlation with the others, with all, or concordance with each."),
    ] = "others",
    delay: Annotated[
        str, typer.Option(metavar="SECONDS|auto", help="How late raters are; auto: each one's, from --features.")
    ] = "0",
    standardise: Annotated[
        Literal["none", "rater"], typer.Option(help="Bring every rater's ratings to one mean and spread.")
    ] = "none",
    smooth: Annotated[str | None, typer.Option(metavar="savgol:WINDOWS:ORDER", help="Smooth every series.")] = None,
    windows: Annotated[int | None, typer.Option(help="Only the first windows; shorter series are left out.")] = None,
    round_: Annotated[
        str | None, typer.Option("--round", help="Whose ratings, where there are several rounds.")
    ] = None,
    protocol: Annotated[
        Literal["avcues", "muvi"],
        typer.Option(help="muvi: as the study's script: weights all, 118 windows, both dimensions or none."),
    ] = "avcues",
    training_videos: Annotated[
        Path | None,
        typer.Option(help="A list, one id a line: what is fitted over several videos is fitted on these only."),
    ] = None,
    features: Annotated[str | None, typer.Option(help="A folder of avcues extract, for --delay auto.")] = None,
    tables: Annotated[str | None, typer.Option(help="Comma-separated tables of --features; all if left out.")] = None,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Makes the labels files that --labels of avcues align reads: one value per window out of several raters'.

    Exit codes: 0 written, 2 nothing was written because of the input or the settings.

    [bold]avcues annotations gold[/] ann --out gold
    """
    with OneLineErrors(debug):
        from dataclasses import replace

        from rich.console import Console

        from pipeline.annotations.exclusions import in_words
        from pipeline.annotations.gold import gold, write_gold
        from pipeline.annotations.recipe import Recipe, Smoothing
        from pipeline.annotations.schema import read

        recipe = Recipe(
            method=method,
            weights=weights,
            delay=_parse_delay(delay),
            standardise=standardise == "rater",
            smooth=None if smooth is None else Smoothing.parse(smooth),
            windows=windows,
            step=_parse_step(step),
            round=round_,
        )
        if protocol == "muvi":
            muvi = Recipe.muvi()
            recipe = replace(recipe, weights=muvi.weights, windows=muvi.windows, together=muvi.together)
        console = Console(stderr=True)
        training = None if training_videos is None else _read_ids(training_videos)
        made = gold(read(folder), recipe, training_videos=training, features=_feature_values(features, tables))
        _show(console, [*in_words(made.left_out), *made.notes])
        for path, table in zip(write_gold(made, out), made.tables.values(), strict=True):
            videos = len(table["video_id"].unique())
            _line(console, "bold", "wrote", f"{path}: {table.num_rows} rows of {videos} videos")


@commands.command()
def agreement(
    folder: Folder,
    out: Report,
    weights: Annotated[
        Weights,
        typer.Option(help="Of the consensus that a rater is compared with; the MuVi study's: all."),
    ] = "others",
    by: Annotated[
        list[str],
        typer.Option(
            help="Compare labels and medians by setup, seen, overlay, a column of the raters, or a condition "
            "such as 'age>30'; repeatable; all if left out."
        ),
    ] = [],  # noqa: B006
    bootstrap: Replicates = 1000,
    seed: Seed = 0,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Measures how far raters agree, in every setup, between setups, and by who they are.

    [bold]avcues annotations agreement[/] ann --out agreement.md
    """
    with OneLineErrors(debug):
        from pipeline.annotations.agreement import agreement as measure
        from pipeline.annotations.coefficients import Bootstrap
        from pipeline.annotations.documents import check_report, write_agreement
        from pipeline.annotations.schema import read

        check_report(out)
        rated = read(folder)
        found = measure(
            rated, weights=weights, step=_parse_step(step), bootstrap=Bootstrap(bootstrap, seed), by=by or None
        )
        _wrote(*write_agreement(found, rated, out))


@commands.command("perspectives")
def perspectives_command(
    folder: Folder,
    out: Report,
    dimension: Annotated[str, typer.Option(help="Rated in numbers.")],
    against: Annotated[str, typer.Option(metavar="SETUP", help="The setup in which everything is shown.")],
    setups: Annotated[str | None, typer.Option(help="Comma-separated: those to compare with it; else all.")] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Strong inconsistency from this score on; else the score with a quarter of ratings from it on."
        ),
    ] = None,
    neutral: Annotated[
        str | None,
        typer.Option(metavar="LOW,HIGH", help="Neither negative nor positive; else the middle of the range."),
    ] = None,
    soft: Annotated[
        Path | None, typer.Option(help="Also write soft labels to this folder: per setup the shares of raters.")
    ] = None,
    soft_dimensions: Annotated[
        str | None, typer.Option(help="Comma-separated: those of the soft labels; else --dimension.")
    ] = None,
    bins: Annotated[int, typer.Option(min=2, help="Of soft labels, where there are more than 11 distinct values.")] = 5,
    round_: Annotated[
        str | None, typer.Option("--round", help="Of soft labels, where there are several rounds.")
    ] = None,
    bootstrap: Replicates = 1000,
    seed: Seed = 0,
    step: Step = "0.5",
    debug: Debug = False,
) -> None:
    """Compares the same raters' ratings of the same clips over setups: what text, sound and picture each say.

    [bold]avcues annotations perspectives[/] ann --dimension valence --against all --out perspectives.md --soft soft
    """
    with OneLineErrors(debug):
        from pipeline.annotations.coefficients import Bootstrap
        from pipeline.annotations.documents import check_report, write_perspectives
        from pipeline.annotations.perspectives import perspectives
        from pipeline.annotations.schema import read, write_parquet
        from pipeline.annotations.soft_labels import soft_labels

        check_report(out)
        rated = read(folder)
        found = perspectives(
            rated,
            dimension,
            against,
            setups=_listed(setups),
            threshold=threshold,
            neutral=None if neutral is None else _parse_range(neutral)[1],
            step=_parse_step(step),
            bootstrap=Bootstrap(bootstrap, seed),
        )
        wanted = _listed(soft_dimensions) or [dimension]
        tables = soft_labels(rated, wanted, bins=bins, step=_parse_step(step), round_=round_) if soft else {}
        _wrote(*write_perspectives(found, rated, out))
        for setup, table in tables.items():
            path = (soft or Path()) / f"{setup}.parquet"
            write_parquet(table, path)
            _wrote(path)


def _wrote(*paths: Path) -> None:
    from rich.console import Console

    for path in paths:
        _line(Console(stderr=True), "bold", "wrote", str(path))


def _write(made: Annotations, out: Path) -> None:
    """Writes what was imported, and says what was changed, left out or missed, and what will be left out later."""
    import pyarrow as pa
    from rich.console import Console

    from pipeline.annotations.exclusions import in_words, usable
    from pipeline.annotations.schema import write
    from pipeline.annotations.series import series_of

    console = Console(stderr=True)
    _show(console, made.notes)
    # What reading took is given back before more is taken.
    pa.default_memory_pool().release_unused()
    _, left_out = usable(series_of(made))
    _show(console, in_words(left_out, "will be left out of gold standards and agreement"))
    write(made, out)
    counts = f"{len(made.ratings)} ratings of {len(made.videos)} videos by {len(made.rater_ids)} raters"
    _line(console, "bold", "wrote", f"{out}: {counts}; setups {', '.join(made.setups)}; {', '.join(made.dimensions)}")


def _videos_of(features: str | None) -> list[str] | None:
    if features is None:
        return None
    from pipeline.dataset.catalog import read_catalog
    from pipeline.store.location import location

    return list(read_catalog(location(features)).videos)


def _feature_values(features: str | None, tables: str | None) -> Any:
    """A mapping of video id to (windows, columns) values, read when asked for."""
    if features is None:
        return None
    from pipeline.annotations.feature_values import FeatureValues
    from pipeline.dataset.dataset import open_dataset

    return FeatureValues(open_dataset(features, tables=_listed(tables)))


def _read_ids(path: Path) -> list[str]:
    from pipeline.errors import InputError

    try:
        ids = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a list of video ids ({error})") from error
    return [name for name in ids if name and name != "video_id"]


def _parse_range(text: str) -> tuple[str | None, tuple[float, float]]:
    from pipeline.errors import SettingsError

    name, separator, numbers = text.rpartition("=")
    try:
        low, high = (float(number) for number in numbers.split(","))
    except ValueError as error:
        raise SettingsError(f"--range {text}: expected LOW,HIGH or NAME=LOW,HIGH, such as -1,1") from error
    return name if separator else None, (low, high)


def _parse_level(text: str) -> tuple[str, Any]:
    from pipeline.annotations.schema import LEVELS
    from pipeline.errors import SettingsError

    name, _, level = text.rpartition("=")
    if not name or level not in LEVELS:
        raise SettingsError(f"--level {text}: expected NAME={'|'.join(LEVELS)}")
    return name, level


def _parse_delay(text: str) -> Any:
    from pipeline.errors import SettingsError

    if text == "auto":
        return "auto"
    try:
        return float(text)
    except ValueError as error:
        raise SettingsError(f"--delay {text}: expected seconds, or auto") from error


def _parse_step(text: str) -> Any:
    from fractions import Fraction

    from pipeline.errors import SettingsError

    try:
        step = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise SettingsError(f"--step {text}: expected seconds, such as 0.5") from error
    if not 0 < step <= 3600:
        raise SettingsError(f"--step {text}: expected seconds, more than 0 and at most 3600")
    return step


def _listed(names: str | None) -> list[str] | None:
    return None if names is None else [name.strip() for name in names.split(",") if name.strip()]


def _show(console: Console, notes: Sequence[str]) -> None:
    for note in notes:
        _line(console, "yellow", "note", note)


def _line(console: Console, style: str, word: str, text: str) -> None:
    from rich.markup import escape

    console.print(f"[{style}]{word:8}[/] {escape(text)}", soft_wrap=True, highlight=False)
