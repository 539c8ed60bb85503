"""Options that the commands of `avcues annotations` share, and functions that parse their values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from avcues.pipeline.cli.errors import with_options_of_any_command
from avcues.pipeline.cli.option_values import parse_list, parse_range
from avcues.pipeline.errors import InputError, SettingsError
from avcues.pipeline.store.documents import read_regular_file

if TYPE_CHECKING:
    from fractions import Fraction

    from avcues.pipeline.annotations.gold_standards.recipe import Recipe
    from avcues.pipeline.annotations.ratings.schema import Annotations, Level

Protocol = Literal["avcues", "muvi"]
Weights = Literal["others", "all", "pairwise-ccc"]

StudyProtocol = Annotated[
    Protocol,
    typer.Option(
        help="muvi: as in the study (--weights all, 118 windows; a rater's clip counts only if all its dimensions can "
        "be used)."
    ),
]
Folder = Annotated[Path, typer.Argument(metavar="ANN", help="Folder made by avcues annotations import.")]
Out = Annotated[
    Path, typer.Option("--out", "-o", help="Folder for ratings.parquet, raters.parquet and exposures.parquet.")
]
Report = Annotated[Path, typer.Option("--out", "-o", help="NAME.md; all numbers go to NAME.json beside it.")]
Round = Annotated[str | None, typer.Option("--round", help="Round to use; required if there are several.")]
Replicates = Annotated[
    int, typer.Option(min=0, help="Bootstrap samples of videos for the 95 % intervals; 0: no intervals.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")]
Step = Annotated[str, typer.Option(help="Seconds per window.")]
Shortest = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        help="Leave out series shorter than this share of the median of their video, setup and dimension.",
    ),
]
KeepConstant = Annotated[bool, typer.Option("--keep-constant", help="Keep series that do not vary.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]

Features = Annotated[
    str | None,
    typer.Option(help="Folder made by avcues extract; ratings of videos that it does not have are left out."),
]
Raters = Annotated[Path | None, typer.Option(help="CSV or Parquet file about the raters: rater, and any columns.")]
TimeUnit = Annotated[
    Literal["s", "ms", "us", "ns", "min", "clock", "unix", "unix-ms"],
    typer.Option(
        help="Unit of times; clock (14:05:10.5) and unix (seconds since 1970) are times of day: the first one of each "
        "rater and clip becomes 0 s."
    ),
]
Hold = Annotated[
    str | None,
    typer.Option(
        metavar="all|NAME,...",
        help="Dimensions over time that are logs of changes: a value holds until the next one, the last to the end of "
        "the video (known from --features).",
    ),
]
Add = Annotated[bool, typer.Option("--add", help="Add to the ratings in --out.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the ratings in --out.")]
Repeated = Annotated[
    bool,
    typer.Option("--repeated", help="Repeated ratings are second ratings of the same clip, for test-retest."),
]
Setups = Annotated[str | None, typer.Option(help="Comma-separated: the only setups allowed; any other is an error.")]


def recipe_of(protocol: Protocol) -> Recipe:
    """The recipe of gold standards of a protocol."""
    from avcues.pipeline.annotations.gold_standards.recipe import Recipe

    return Recipe.muvi() if protocol == "muvi" else Recipe()


def parse_step(text: str) -> Fraction:
    """Parses seconds as an exact fraction.

    Raises:
        SettingsError: The text is not a number above 0 and at most 3600.
    """
    from avcues.pipeline.timeline import exact_seconds

    try:
        step = exact_seconds(text)
    except ValueError as error:
        raise SettingsError(f"--step {text}: expected seconds, such as 0.5") from error
    if not 0 < step <= 3600:
        raise SettingsError(f"--step {text}: expected seconds, more than 0 and at most 3600")
    return step


def parse_delay(text: str) -> float | Literal["auto"]:
    """Parses seconds or "auto".

    Raises:
        SettingsError: The text is neither.
    """
    if text == "auto":
        return "auto"
    try:
        return float(text)
    except ValueError as error:
        raise SettingsError(f"--delay {text}: expected seconds, or auto") from error


def read_ids(path: Path) -> list[str]:
    """Reads a list of video ids, one per line, without its header `video_id`.

    Raises:
        InputError: The list cannot be read.
    """
    try:
        ids = [line.strip() for line in read_regular_file(path).decode("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a list of video ids ({error})") from error
    return [name for name in ids if name and name != "video_id"]


def show_notes(notes: Sequence[str]) -> None:
    """Prints a line per note to stderr."""
    from avcues.pipeline.cli.console import Console, print_line

    for note in notes:
        print_line(Console(stderr=True), "yellow", "note", with_options_of_any_command(note))


def show_written(*lines: object) -> None:
    """Prints a line per written file to stderr."""
    from avcues.pipeline.cli.console import Console, print_line

    for line in lines:
        print_line(Console(stderr=True), "bold", "wrote", str(line))


class ImportOutput:
    """The folder that an import writes.

    Raises:
        SettingsError: The folder has ratings, and neither or both of adding and overwriting were chosen.
    """

    def __init__(self, out: Path, add: bool, overwrite: bool) -> None:
        from avcues.pipeline.annotations.ratings.files import RATINGS
        from avcues.pipeline.errors import SettingsError

        self._out, self._add = out, add
        if add and overwrite:
            raise SettingsError("`add` and `overwrite` exclude each other")
        if (out / RATINGS).exists() and not (add or overwrite):
            raise SettingsError(f"{out}: already has ratings; --add adds to them, --overwrite replaces them")

    def write(self, imported: Annotations) -> None:
        """Writes the imported ratings; prints what was changed or left out, and what gold standards will leave out."""
        import pyarrow as pa

        from avcues.pipeline.annotations.checking.change_logs import change_log_notes
        from avcues.pipeline.annotations.importing.add import added
        from avcues.pipeline.annotations.ratings.exclusions import drop_unusable, exclusion_notes
        from avcues.pipeline.annotations.ratings.files import RATINGS, read, write
        from avcues.pipeline.annotations.ratings.series import series_of
        from avcues.pipeline.annotations.ratings.wording import counted

        show_notes(imported.notes)
        # Releases the memory that reading used before more is allocated.
        pa.default_memory_pool().release_unused()
        show_notes(change_log_notes(imported))
        _, left_out = drop_unusable(series_of(imported))
        show_notes(exclusion_notes(left_out, "to be left out of gold standards and agreement"))
        if self._add and (self._out / RATINGS).exists():
            imported = added(read(self._out), imported)
        write(imported, self._out)
        ratings, videos, raters = (
            counted(number, noun)
            for number, noun in (
                (len(imported.ratings), "rating"),
                (len(imported.videos), "video"),
                (len(imported.rater_ids), "rater"),
            )
        )
        setups, dimensions = (", ".join(names) for names in (imported.setups, imported.dimensions))
        show_written(f"{self._out}: {ratings} of {videos} by {raters}; setups: {setups}; dimensions: {dimensions}")


def parse_hold(text: str | None) -> bool | list[str]:
    """The value of --hold: all dimensions, none, or the named ones."""
    return text == "all" if text in (None, "all") else parse_list(text) or []


def parse_key(text: str) -> tuple[str, str]:
    """A key of ratings and its source, from a value of --map.

    Raises:
        SettingsError: The text does not have the right form.
    """
    key, separator, source = text.partition("=")
    if not separator or not source:
        raise SettingsError(f"--map {text}: expected KEY=COLUMN, KEY==CONSTANT or KEY={{file}}")
    return key.strip(), source


def parse_named_range(text: str) -> tuple[str | None, tuple[float, float]]:
    """A dimension, None for all, and its lowest and highest value, from a value of --range.

    Raises:
        SettingsError: The text does not have the right form.
    """
    name, separator, numbers = text.rpartition("=")
    try:
        return name if separator else None, parse_range(numbers)
    except SettingsError as error:
        raise SettingsError(f"--range {text}: expected LOW,HIGH or NAME=LOW,HIGH, such as -1,1") from error


def parse_level(text: str) -> tuple[str, Level]:
    """A dimension and its level of measurement, from a value of --level.

    Raises:
        SettingsError: The text does not have the right form.
    """
    from avcues.pipeline.annotations.ratings.schema import LEVELS

    name, _, level_name = text.rpartition("=")
    for level in LEVELS:
        if name and level == level_name:
            return name, level
    raise SettingsError(f"--level {text}: expected NAME={'|'.join(LEVELS)}")


def lengths_of(features: str | None) -> dict[str, float] | None:
    """Length in seconds of each video of a folder, by video id."""
    if features is None:
        return None
    from avcues.pipeline.dataset import join
    from avcues.pipeline.dataset.catalog import read_catalog
    from avcues.pipeline.store.location import location

    catalog = read_catalog(location(features))
    return {video_id: float(join.window_count(catalog, video_id) * catalog.step) for video_id in catalog.videos}
