"""Options that the commands of `avcues annotations` share, and functions that parse their values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from avcues.pipeline.errors import InputError, SettingsError

if TYPE_CHECKING:
    from fractions import Fraction

    from avcues.pipeline.annotations.gold_standards.recipe import Recipe
    from avcues.pipeline.annotations.ratings.schema import Annotations

_PARAMETER = re.compile(r"`([a-z][a-z0-9_]*)(?:=([^`]*))?`")

Protocol = Literal["avcues", "muvi"]
Weights = Literal["others", "all", "pairwise-ccc"]

StudyProtocol = Annotated[
    Protocol, typer.Option(help="muvi: as in the study (--weights all, 118 windows, both dimensions or neither).")
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
Repeated = Annotated[
    bool,
    typer.Option("--repeated", help="Repeated ratings are of clips that a rater rated twice: for test-retest."),
]
Setups = Annotated[str | None, typer.Option(help="Comma-separated: the only setups allowed; any other is an error.")]


def recipe_of(protocol: Protocol) -> Recipe:
    """The recipe of labels that a protocol begins with."""
    from avcues.pipeline.annotations.gold_standards.recipe import Recipe

    return Recipe.muvi() if protocol == "muvi" else Recipe()


def parse_range(text: str, option: str = "--range") -> tuple[float, float]:
    """LOW,HIGH, the value of an option.

    Raises:
        SettingsError: It is not two numbers.
    """
    try:
        low, high = (float(number) for number in text.split(","))
    except ValueError as error:
        raise SettingsError(f"{option} {text}: expected LOW,HIGH, such as -1,1") from error
    return low, high


def parse_step(text: str) -> Fraction:
    """Seconds, as an exact fraction.

    Raises:
        SettingsError: It is not a number above 0 and at most 3600.
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
    """Seconds, or "auto".

    Raises:
        SettingsError: It is neither.
    """
    if text == "auto":
        return "auto"
    try:
        return float(text)
    except ValueError as error:
        raise SettingsError(f"--delay {text}: expected seconds, or auto") from error


def listed(names: str | None) -> list[str] | None:
    """The parts of a comma-separated list; None: there is no list."""
    return None if names is None else [name.strip() for name in names.split(",") if name.strip()]


def read_ids(path: Path) -> list[str]:
    """The lines of a list of video ids, without a header `video_id`.

    Raises:
        InputError: It cannot be read.
    """
    try:
        ids = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a list of video ids ({error})") from error
    return [name for name in ids if name and name != "video_id"]


def with_options(note: str) -> str:
    """A remark of the library, with its parameters written as command-line options.

    >>> with_options("`keep_constant` keeps them; give `time_unit=ms`")
    '--keep-constant keeps them; give --time-unit ms'
    """

    def option(parameter: re.Match[str]) -> str:
        name, value = parameter.groups()
        return f"--{name.strip('_').replace('_', '-')}{f' {value}' if value else ''}"

    return _PARAMETER.sub(option, note)


def show_notes(notes: Sequence[str]) -> None:
    """Prints a line per note to stderr."""
    from avcues.pipeline.cli.console import Console
    from avcues.pipeline.cli.dataset import say

    for note in notes:
        say(Console(stderr=True), "yellow", "note", with_options(note))


def show_written(*lines: object) -> None:
    """Prints a line per written file to stderr."""
    from avcues.pipeline.cli.console import Console
    from avcues.pipeline.cli.dataset import say

    for line in lines:
        say(Console(stderr=True), "bold", "wrote", str(line))


class Target:
    """The folder that an import writes.

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

    def write(self, imported: Annotations) -> None:
        """Writes what was imported; says what was changed or left out, and what will be left out later."""
        import pyarrow as pa

        from avcues.pipeline.annotations.checking.change_logs import looks_like_changes
        from avcues.pipeline.annotations.importing.add import added
        from avcues.pipeline.annotations.ratings.exclusions import in_words, usable
        from avcues.pipeline.annotations.ratings.schema import RATINGS, read, write
        from avcues.pipeline.annotations.ratings.series import series_of
        from avcues.pipeline.annotations.ratings.wording import counted

        show_notes(imported.notes)
        # The memory that reading used is released before more is allocated.
        pa.default_memory_pool().release_unused()
        show_notes(looks_like_changes(imported))
        _, left_out = usable(series_of(imported))
        show_notes(in_words(left_out, "to be left out of gold standards and agreement"))
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


def parse_held(text: str | None) -> bool | list[str]:
    """The value of --hold: all dimensions, none, or those that are named."""
    return text == "all" if text in (None, "all") else listed(text) or []


def lengths_of(features: str | None) -> dict[str, float] | None:
    """The videos of a folder, with their lengths in seconds."""
    if features is None:
        return None
    from avcues.pipeline.dataset import join
    from avcues.pipeline.dataset.catalog import read_catalog
    from avcues.pipeline.store.location import location

    catalog = read_catalog(location(features))
    return {video_id: float(join.windows(catalog, video_id) * catalog.step) for video_id in catalog.videos}
