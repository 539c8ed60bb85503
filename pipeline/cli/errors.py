"""What users of the command line see of an error: one line, in the words of the command line.

The library speaks Python. A message names a parameter between backquotes, as `` `audio_rate` ``, or together with its
value, as `` `audio_rate=8000` ``. Where the running command has a parameter of that name, the message shows the option
instead: `--audio-rate`, or `--audio-rate 8000`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from shutil import get_terminal_size
from typing import Any

import typer

from avcues.errors import AvcuesError
from avcues.pipeline.cli.visible_text import visible
from avcues.pipeline.errors import one_line
from avcues.pipeline.runtime.signals import Terminated

EXIT_SOME_FAILED = 1
EXIT_DEFECT = 1
EXIT_NOTHING_STARTED = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143

_PARAMETER = re.compile(r"`([a-z][a-z0-9_]*)(?:=([^`]*))?`")


class OneLineErrors:
    """Turns the errors of a command into one line on standard error and an exit code. Use as a context manager.

    Args:
        debug: Let the traceback through.
        options: Options whose names differ from those of the library's parameters, by parameter: `report="--out"`.
    """

    def __init__(self, debug: bool, **options: str) -> None:
        self._debug = debug
        self._options = options

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if self._debug or error is None:
            return
        if isinstance(error, AvcuesError):
            for line in as_typed(str(error), **self._options).splitlines():
                complain(line)
            raise typer.Exit(EXIT_NOTHING_STARTED) from error
        if isinstance(error, KeyboardInterrupt):
            how = "terminated" if isinstance(error, Terminated) else "interrupted"
            complain(f"{how}; run the same command again to continue")
            raise typer.Exit(EXIT_TERMINATED if isinstance(error, Terminated) else EXIT_INTERRUPTED) from error
        if isinstance(error, OSError) and error.filename:
            complain(f"{error.filename}: {error.strerror or error}")
            raise typer.Exit(EXIT_NOTHING_STARTED) from error
        if isinstance(error, Exception) and not isinstance(error, typer.Exit | typer.Abort | typer.BadParameter):
            complain(
                f"unexpected error, {type(error).__name__}: {one_line(error)}; --debug shows where it occurred",
            )
            raise typer.Exit(EXIT_DEFECT) from error


def complain(line: str) -> None:
    """Prints a line to standard error, after the name of the program; on a terminal, each remedy on its own."""
    shown = in_parts(visible(line), "        ") if sys.stderr.isatty() else visible(line)
    print(f"avcues: {shown}", file=sys.stderr)


def in_parts(message: str, indent: str) -> str:
    """A message that does not fit the terminal, with a line for each cause and remedy, to be copied whole."""
    if len(indent) + len(message) <= get_terminal_size().columns:
        return message
    return f"\n{indent}".join(message.split("; "))


def as_typed(message: str, **options: str) -> str:
    """A message of the library in which the parameters of the running command are its options.

    Args:
        message: Names parameters between backquotes, with or without their values.
        options: As for `OneLineErrors`.
    """
    return with_options(message, _options_of_command() | options)


def with_options(message: str, options: Mapping[str, str]) -> str:
    """A message of the library in which parameters are options of the command line.

    Args:
        message: Names parameters between backquotes, with or without their values.
        options: Name of the option by parameter; empty for an argument, of which only the value is shown.
    """

    def option(match: re.Match[str]) -> str:
        name, value = match.groups()
        name = name if name in options else name.removesuffix("_s")  # a time in seconds
        if name not in options:
            return match[0]
        shown = None if value in (None, "True", "None") else _on_command_line(value)
        return " ".join(filter(None, (options[name], shown))) or name.upper()

    return _PARAMETER.sub(option, message)


def _on_command_line(value: str) -> str:
    """A Python value as it is typed in a shell: without quotes, lists with commas."""
    try:
        parsed = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return value
    if isinstance(parsed, list | tuple):
        return ",".join(map(str, parsed))
    return parsed if isinstance(parsed, str) else value


def _options_of_command() -> dict[str, str]:
    """The options of the command that is running, by the names of its parameters; arguments are empty."""
    context = _current_context()
    if context is None:
        return {}
    return {
        parameter.name: "" if parameter.param_type_name == "argument" else max(parameter.opts, key=len)
        for parameter in context.command.params
    }


def _current_context() -> Any:
    """Click's context of the running command; newer versions of Typer bring their own Click."""
    click = import_module("typer._click.globals" if find_spec("typer._click") else "click")
    return click.get_current_context(silent=True)
