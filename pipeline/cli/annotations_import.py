"""The commands `avcues annotations import ...` and `example`, which make one tidy table of ratings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from avcues.pipeline.cli.annotations_formats import Formats
from avcues.pipeline.cli.annotations_options import (
    Add,
    Debug,
    Features,
    Hold,
    ImportOutput,
    Out,
    Overwrite,
    Raters,
    Repeated,
    Setups,
    Step,
    TimeUnit,
    lengths_of,
    parse_hold,
    parse_key,
    parse_level,
    parse_named_range,
    parse_step,
)
from avcues.pipeline.cli.errors import OneLineErrors
from avcues.pipeline.cli.option_values import parse_list, parse_range

if TYPE_CHECKING:
    pass

commands = typer.Typer(cls=Formats, no_args_is_help=True, help="Import ratings into one tidy table.")


@commands.command()
def muvi(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Copy of the study's repository, or its CSV files in one folder.")
    ],
    out: Out,
    static_rows: Annotated[
        Literal["corrected", "as-published"],
        typer.Option(help="The published labels are one row too low: move them up, or keep them."),
    ] = "corrected",
    time: Annotated[
        Literal["seq", "timestamp"],
        typer.Option(help="Time of a sample: half its number, as in the study's script, or its time stamp."),
    ] = "seq",
    features: Features = None,
    add: Add = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Imports the annotations of the MuVi study.

    [bold]avcues annotations import muvi[/] MuVi/ --out ann
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.importing.formats.muvi import import_muvi

        output = ImportOutput(out, add, overwrite)
        output.write(import_muvi(folder, static_rows=static_rows, time_from=time, known=lengths_of(features)))


@commands.command()
def tidy(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV or Parquet: rater, video_id, setup, dimension, value or label, time."),
    ],
    out: Out,
    range_: Annotated[
        list[str],
        typer.Option("--range", metavar="[NAME=]LOW,HIGH", help="Scale of all dimensions, or of one; repeatable."),
    ] = [],  # noqa: B006  (typer copies it)
    level: Annotated[
        list[str],
        typer.Option(metavar="NAME=LEVEL", help="Level of measurement: nominal, ordinal or interval; repeatable."),
    ] = [],  # noqa: B006
    time_unit: TimeUnit = "s",
    hold: Hold = None,
    setups: Setups = None,
    raters: Raters = None,
    repeated: Repeated = False,
    features: Features = None,
    add: Add = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Imports a tidy table with one row per rating.

    [bold]avcues annotations import tidy[/] ratings.csv --out ann --range -1,1
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.importing.formats.tidy import import_tidy

        output = ImportOutput(out, add, overwrite)
        ranges = dict(parse_named_range(text) for text in range_)
        imported = import_tidy(
            file,
            range_=ranges.pop(None, None),
            ranges={name: value for name, value in ranges.items() if name is not None},
            levels=dict(parse_level(text) for text in level),
            time_unit=time_unit,
            hold=parse_hold(hold),
            setups=parse_list(setups),
            known=lengths_of(features),
            raters=raters,
            repeated=repeated,
        )
        output.write(imported)


@commands.command()
def wide(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="CSV: a column of times, and one per rater (or per dimension)."),
    ],
    out: Out,
    pattern: Annotated[
        str,
        typer.Option(help="How paths end, e.g. {dimension}/{video_id}; also {setup}, {round} and {rater}."),
    ] = "{video_id}",
    setup: Annotated[str | None, typer.Option(help="Setup of all files, unless their paths name it.")] = None,
    dimension: Annotated[
        str | None, typer.Option(help="Dimension of all files, unless their paths or columns name it.")
    ] = None,
    rater: Annotated[
        str | None,
        typer.Option(help="Rater of all files, unless their paths name it; then columns are dimensions."),
    ] = None,
    range_: Annotated[str | None, typer.Option("--range", metavar="LOW,HIGH", help="Scale of all values.")] = None,
    level: Annotated[Literal["ordinal", "interval"], typer.Option(help="Level of measurement.")] = "interval",
    time_unit: TimeUnit = "s",
    columns: Annotated[
        str | None,
        typer.Option(help="Comma-separated columns of ratings; default: all but counts of rows and statistics."),
    ] = None,
    hold: Hold = None,
    setups: Setups = None,
    raters: Raters = None,
    repeated: Repeated = False,
    features: Features = None,
    add: Add = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Imports wide tables: a column of times beside one column per rater, or per dimension; one file per clip.

    [bold]avcues annotations import wide[/] valence/*.csv --out ann --dimension valence --setup video --range -1,1
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.importing.formats.wide import import_wide

        output = ImportOutput(out, add, overwrite)
        imported = import_wide(
            files,
            pattern=pattern,
            setup=setup,
            dimension=dimension,
            rater=rater,
            range_=None if range_ is None else parse_range(range_),
            level=level,
            time_unit=time_unit,
            hold=parse_hold(hold),
            columns=parse_list(columns),
            setups=parse_list(setups),
            known=lengths_of(features),
            raters=raters,
            repeated=repeated,
        )
        output.write(imported)


@commands.command()
def table(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="CSV of any separator, Excel workbooks or Parquet files.")
    ],
    out: Out,
    map_: Annotated[
        list[str],
        typer.Option(
            "--map",
            metavar="KEY=SOURCE",
            help="Where rater, video_id, setup, dimension, time, start, end, value or label come from: a column, a "
            "constant ('setup==music') or a template of columns and parts of the path ('video_id={file}'); repeatable.",
        ),
    ] = [],  # noqa: B006  (typer copies it)
    header: Annotated[
        str | None, typer.Option(help="Names of the columns of ratings: sample_{time}ms, {video_id}_{dimension}.")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Comma-separated columns that --header applies to.")] = None,
    pattern: Annotated[str | None, typer.Option(help="How paths end, e.g. {dimension}/{video_id}.")] = None,
    scale: Annotated[
        str | None, typer.Option(metavar="LOW,HIGH", help="Scale of the files, to be mapped to --range.")
    ] = None,
    range_: Annotated[str | None, typer.Option("--range", metavar="LOW,HIGH", help="Scale of the ratings.")] = None,
    level: Annotated[
        list[str],
        typer.Option(metavar="NAME=LEVEL", help="Level of measurement: nominal, ordinal or interval; repeatable."),
    ] = [],  # noqa: B006
    split: Annotated[str | None, typer.Option(help="Separator of several labels in one cell.")] = None,
    time_unit: TimeUnit = "s",
    step: Step = "0.5",
    hold: Hold = None,
    setups: Setups = None,
    raters: Raters = None,
    repeated: Repeated = False,
    features: Features = None,
    add: Add = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Imports any table by a map of its columns.

    [bold]avcues annotations import table[/] *.csv --map video_id=clip --map rater={file} --map value=Wert --out ann
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.importing.formats.table import import_table

        output = ImportOutput(out, add, overwrite)
        imported = import_table(
            files,
            dict(parse_key(text) for text in map_),
            header=header,
            columns=parse_list(columns),
            pattern=pattern,
            time_unit=time_unit,
            scale=None if scale is None else parse_range(scale, "--scale"),
            range_=None if range_ is None else parse_range(range_),
            levels=dict(parse_level(text) for text in level),
            split=split,
            step=parse_step(step),
            hold=parse_hold(hold),
            setups=parse_list(setups),
            known=lengths_of(features),
            raters=raters,
            repeated=repeated,
        )
        output.write(imported)


def example(
    out: Out,
    features: Annotated[
        str | None,
        typer.Option(help="Folder made by avcues extract whose videos are rated; default: twelve invented videos."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 0,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Makes up a small study to try the other commands: six raters, three setups, four dimensions.

    [bold]avcues annotations example[/] --out ann
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.example import VIDEOS
        from avcues.pipeline.annotations.example import example as make

        output = ImportOutput(out, False, overwrite)
        if features is None:
            output.write(make(VIDEOS, seed=seed))
        else:
            from avcues.pipeline.dataset.opening import open_dataset

            data = open_dataset(features, tables=[])
            output.write(make(data.lengths, step=data.catalog.step, seed=seed))
