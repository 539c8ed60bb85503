"""Shows errors to users of the command line: one line each, with options instead of Python parameters.

The library speaks Python. A message names a parameter between backquotes, as `` `audio_rate` ``, or together with its
value, as `` `audio_rate=8000` ``. If the running command has a parameter of that name, the message shows the option
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
        debug: Whether to show the traceback instead.
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
            for line in with_options_of_command(str(error), **self._options).splitlines():
                complain(line)
            raise typer.Exit(EXIT_NOTHING_STARTED) from error
        if isinstance(error, KeyboardInterrupt):
            event = "terminated" if isinstance(error, Terminated) else "interrupted"
            complain(f"{event}; run the same command again to continue")
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
    """Prints a line to standard error after the name of the program; on a terminal, each remedy on its own line."""
    text = break_at_remedies(visible(line), "        ") if sys.stderr.isatty() else visible(line)
    print(f"avcues: {text}", file=sys.stderr)


def break_at_remedies(message: str, indent: str) -> str:
    """Breaks a message that does not fit the terminal into a line per cause and remedy, so that each can be copied."""
    if len(indent) + len(message) <= get_terminal_size().columns:
        return message
    return f"\n{indent}".join(message.split("; "))


def with_options_of_command(message: str, **options: str) -> str:
    """Replaces parameters of the running command in a message of the library by its options.

    Args:
        message: A message with parameters between backquotes, with or without their values.
        options: As for `OneLineErrors`.
    """
    return with_options(message, _options_of_command() | options)


def with_options_of_any_command(message: str) -> str:
    """Replaces all parameters in a message of the library by options, for notes that concern other commands too.

    >>> with_options_of_any_command("`keep_constant` keeps them; give `time_unit=ms`")
    '--keep-constant keeps them; give --time-unit ms'
    """
    names = {match[1] for match in _PARAMETER.finditer(message)}
    return with_options(message, {name: f"--{name.strip('_').replace('_', '-')}" for name in names})


def with_options(message: str, options: Mapping[str, str]) -> str:
    """Replaces parameters in a message of the library by options of the command line.

    Args:
        message: A message with parameters between backquotes, with or without their values.
        options: By parameter, the name of its option; empty for an argument, of which only the value is shown.
    """

    def option(match: re.Match[str]) -> str:
        name, value = match.groups()
        name = name if name in options else name.removesuffix("_s")  # a time in seconds
        if name not in options:
            return match[0]
        typed_value = None if value in (None, "True", "None") else _on_command_line(value)
        return " ".join(filter(None, (options[name], typed_value))) or name.upper()

    return _PARAMETER.sub(option, message)


def _on_command_line(value: str) -> str:
    """A Python value as typed in a shell: without quotes, and lists with commas."""
    try:
        parsed = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return value
    if isinstance(parsed, list | tuple):
        return ",".join(map(str, parsed))
    return parsed if isinstance(parsed, str) else value


def _options_of_command() -> dict[str, str]:
    """By parameter of the running command, the name of its option; empty for arguments."""
    context = _current_context()
    if context is None:
        return {}
    return {
        parameter.name: "" if parameter.param_type_name == "argument" else max(parameter.opts, key=len)
        for parameter in context.command.params
    }


def _current_context() -> Any:
    """Click's context of the running command; newer versions of Typer include their own Click."""
    click = import_module("typer._click.globals" if find_spec("typer._click") else "click")
    return click.get_current_context(silent=True)
