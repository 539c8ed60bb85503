"""A command per registered format of ratings, and suggestions for files without a format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

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
    lengths_of,
    parse_hold,
)
from avcues.pipeline.cli.errors import OneLineErrors
from avcues.pipeline.cli.option_values import parse_list, parse_range

_FORMATS = Path(__file__).parents[1] / "annotations" / "importing" / "formats"
"""The folder with one module per format; names are listed without importing modules."""


_GENERIC_COLUMNS: Mapping[str, frozenset[str]] = {
    "tidy": frozenset(("rater", "video_id", "setup", "dimension")),
    "wide": frozenset(("time",)),
}
"""Columns by which tables of no particular program are recognised."""


class Formats(TyperGroup):
    """A command for every module of `formats`, besides the explicitly defined commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        defined_commands = super().list_commands(ctx)
        return [*defined_commands, *sorted({path.stem for path in _FORMATS.glob("[!_]*.py")} - {*defined_commands})]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = super().get_command(ctx, cmd_name)
        if command is not None or not (_FORMATS / f"{cmd_name}.py").is_file():
            return command
        return _command_of(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None and Path(args[0]).exists():
            with OneLineErrors(False):
                suggest_format(Path(args[0]))
        return super().resolve_command(ctx, args)


def suggest_format(file: Path) -> None:
    """Suggests the format of a file.

    Raises:
        SettingsError: Always; the message has the suggestion.
    """
    from avcues.pipeline.annotations.importing.registry import formats_of, registered
    from avcues.pipeline.errors import SettingsError
    from avcues.pipeline.store.user_tables import column_names

    formats = registered()
    names = formats_of(file)
    if not names and file.is_file():
        columns = {name.lower() for name in column_names(file)}
        for generic, required_columns in _GENERIC_COLUMNS.items():
            if required_columns <= columns:
                raise SettingsError(
                    f"{file}: name its format; it looks like a {generic} table: avcues annotations import {generic} "
                    f"{file} --out ann"
                )
    if not names:
        raise SettingsError(
            f"{file}: looks like none of {', '.join(formats)}; if it is a table: "
            "avcues annotations import table FILE --map video_id=... --map value=... --out ann"
        )
    suggestions = ", or ".join(
        f"{formats[name].title}: avcues annotations import {name} {file} --out ann" for name in names
    )
    raise SettingsError(f"{file}: name its format; it looks like {suggestions}")


def _command_of(name: str) -> Any:
    """The command of a registered format."""
    from avcues.pipeline.annotations.importing.registry import registered

    format_ = registered()[name]
    app = typer.Typer(rich_markup_mode="rich")
    example = f"[bold]avcues annotations import {name}[/] {format_.files} --out ann"

    @app.command(name, help=f"Imports {format_.title}.\n\n{example}")
    def command(
        files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files, or folders of them.")],
        out: Out,
        setup: Annotated[str | None, typer.Option(help="Setup of all ratings; default: that of the format.")] = None,
        dimension: Annotated[
            str | None, typer.Option(help="Name of the rated dimension, if the files do not have it.")
        ] = None,
        header: Annotated[
            str | None, typer.Option(help="Names of questions, such as {video_id}_{dimension}; for questionnaires.")
        ] = None,
        frame_rate: Annotated[
            float | None, typer.Option(min=0.001, help="Frames per second, if the format counts frames.")
        ] = None,
        range_: Annotated[
            str | None, typer.Option("--range", metavar="LOW,HIGH", help="Scale of values, if the format has none.")
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
        with OneLineErrors(debug):
            from avcues.pipeline.annotations.importing.format import FormatOptions
            from avcues.pipeline.annotations.importing.registry import import_format

            output = ImportOutput(out, add, overwrite)
            imported = import_format(
                name,
                files,
                options=FormatOptions(setup=setup, dimension=dimension, header=header, frame_rate=frame_rate),
                range_=None if range_ is None else parse_range(range_),
                hold=parse_hold(hold),
                setups=parse_list(setups),
                known=lengths_of(features),
                raters=raters,
                repeated=repeated,
            )
            output.write(imported)

    return typer.main.get_command(app)
