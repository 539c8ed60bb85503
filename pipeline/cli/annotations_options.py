"""Options that the commands of `avcues annotations` share, and what their texts mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import typer

from avcues.pipeline.errors import InputError, SettingsError

_PARAMETER = re.compile(r"`([a-z][a-z0-9_]*)(?:=([^`]*))?`")

Protocol = Literal["avcues", "muvi"]
Weights = Literal["others", "all", "pairwise-ccc"]

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
    try:
        step = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
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
    """A remark of the library in which parameters are options.

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


def show_written(*what: object) -> None:
    """Prints a line per written file to stderr."""
    from avcues.pipeline.cli.console import Console
    from avcues.pipeline.cli.dataset import say

    for one in what:
        say(Console(stderr=True), "bold", "wrote", str(one))
