"""The commands `avcues annotations import ...` and `example`: ratings into one tidy table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from avcues.pipeline.cli.annotations_options import Debug, Out, listed, parse_range, show_notes, show_written
from avcues.pipeline.cli.errors import OneLineErrors

if TYPE_CHECKING:
    from avcues.pipeline.annotations.ratings.schema import Annotations, Level

Features = Annotated[
    str | None,
    typer.Option(help="Folder made by avcues extract; ratings of videos that it does not have are left out."),
]
Raters = Annotated[Path | None, typer.Option(help="CSV or Parquet file about the raters: rater, and any columns.")]
TimeUnit = Annotated[
    Literal["s", "ms", "us", "ns", "min", "unix", "unix-ms"],
    typer.Option(help="Unit of times; unix: seconds since 1970, of which the first of a file counts as 0 s."),
]
Hold = Annotated[
    str | None,
    typer.Option(
        metavar="all|NAME,...",
        help="Dimensions over time that are logs of changes: a value holds until the next one, the last to the end of "
        "the video (known from --features).",
    ),
]
Add = Annotated[bool, typer.Option("--add", help="Add to the ratings that --out already holds.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the ratings that --out already holds.")]
Setups = Annotated[str | None, typer.Option(help="Comma-separated: the only setups allowed; any other is an error.")]

commands = typer.Typer(no_args_is_help=True, help="Import ratings into one tidy table.")


@commands.command()
def muvi(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Copy of the study's repository, or its CSV files in one folder.")
    ],
    out: Out,
    static_rows: Annotated[
        Literal["corrected", "as-published"],
        typer.Option(help="The published labels stand one row too low: move them up, or keep them there."),
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

        target = _Target(out, add, overwrite)
        target.write(import_muvi(folder, static_rows=static_rows, time_from=time, known=_videos_of(features)))


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

        target = _Target(out, add, overwrite)
        ranges = dict(_named_range(text) for text in range_)
        made = import_tidy(
            file,
            range_=ranges.pop(None, None),
            ranges={name: value for name, value in ranges.items() if name is not None},
            levels=dict(_named_level(text) for text in level),
            time_unit=time_unit,
            hold=_held(hold),
            setups=listed(setups),
            known=_videos_of(features),
            raters=raters,
        )
        target.write(made)


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

        target = _Target(out, add, overwrite)
        made = import_wide(
            files,
            pattern=pattern,
            setup=setup,
            dimension=dimension,
            rater=rater,
            range_=None if range_ is None else parse_range(range_),
            level=level,
            time_unit=time_unit,
            hold=_held(hold),
            columns=listed(columns),
            setups=listed(setups),
            known=_videos_of(features),
            raters=raters,
        )
        target.write(made)


def example(
    out: Out,
    features: Annotated[
        str | None,
        typer.Option(help="Folder made by avcues extract whose videos are rated; else twelve videos are made up."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")] = 0,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Makes up a small study to try the other commands on: six raters, three setups, four dimensions.

    [bold]avcues annotations example[/] --out ann
    """
    with OneLineErrors(debug):
        from avcues.pipeline.annotations.example import VIDEOS
        from avcues.pipeline.annotations.example import example as make

        target = _Target(out, False, overwrite)
        if features is None:
            target.write(make(VIDEOS, seed=seed))
        else:
            from avcues.pipeline.dataset.dataset import open_dataset

            data = open_dataset(features, tables=[])
            target.write(make(data.lengths, step=data.catalog.step, seed=seed))


class _Target:
    """The folder that an import is for.

    Raises:
        SettingsError: It holds ratings already, and neither adding nor overwriting was chosen; or both were.
    """

    def __init__(self, out: Path, add: bool, overwrite: bool) -> None:
        from avcues.pipeline.annotations.ratings.schema import RATINGS
        from avcues.pipeline.errors import SettingsError

        self._out, self._add = out, add
        if add and overwrite:
            raise SettingsError("`add` and `overwrite` exclude each other")
        if (out / RATINGS).exists() and not (add or overwrite):
            raise SettingsError(f"{out}: holds ratings already; --add adds to them, --overwrite replaces them")

    def write(self, made: Annotations) -> None:
        """Writes what was imported; says what was changed or left out, and what will be left out later."""
        import pyarrow as pa

        from avcues.pipeline.annotations.checking.change_logs import looks_like_changes
        from avcues.pipeline.annotations.importing.add import added
        from avcues.pipeline.annotations.ratings.exclusions import in_words, usable
        from avcues.pipeline.annotations.ratings.schema import RATINGS, read, write
        from avcues.pipeline.annotations.ratings.series import series_of
        from avcues.pipeline.annotations.ratings.wording import counted

        show_notes(made.notes)
        # What reading took is given back before more is taken.
        pa.default_memory_pool().release_unused()
        show_notes(looks_like_changes(made))
        _, left_out = usable(series_of(made))
        show_notes(in_words(left_out, "to be left out of gold standards and agreement"))
        if self._add and (self._out / RATINGS).exists():
            made = added(read(self._out), made)
        write(made, self._out)
        ratings, videos, raters = (
            counted(number, noun)
            for number, noun in (
                (len(made.ratings), "rating"),
                (len(made.videos), "video"),
                (len(made.rater_ids), "rater"),
            )
        )
        setups, dimensions = (", ".join(names) for names in (made.setups, made.dimensions))
        show_written(f"{self._out}: {ratings} of {videos} by {raters}; setups: {setups}; dimensions: {dimensions}")


def _held(text: str | None) -> bool | list[str]:
    return text == "all" if text in (None, "all") else listed(text) or []


def _videos_of(features: str | None) -> dict[str, float] | None:
    """The videos of a folder, with their lengths in seconds."""
    if features is None:
        return None
    from avcues.pipeline.dataset import join
    from avcues.pipeline.dataset.catalog import read_catalog
    from avcues.pipeline.store.location import location

    catalog = read_catalog(location(features))
    return {video_id: float(join.windows(catalog, video_id) * catalog.step) for video_id in catalog.videos}


def _named_range(text: str) -> tuple[str | None, tuple[float, float]]:
    from avcues.pipeline.errors import SettingsError

    name, separator, numbers = text.rpartition("=")
    try:
        return name if separator else None, parse_range(numbers)
    except SettingsError as error:
        raise SettingsError(f"--range {text}: expected LOW,HIGH or NAME=LOW,HIGH, such as -1,1") from error


def _named_level(text: str) -> tuple[str, Level]:
    from avcues.pipeline.annotations.ratings.schema import LEVELS
    from avcues.pipeline.errors import SettingsError

    name, _, chosen = text.rpartition("=")
    for level in LEVELS:
        if name and level == chosen:
            return name, level
    raise SettingsError(f"--level {text}: expected NAME={'|'.join(LEVELS)}")
