"""What users see of an error: one line."""

from __future__ import annotations

import sys
from typing import Any

import typer

from avcues.models_cache import AvcuesError
from avcues.pipeline.errors import one_line
from avcues.pipeline.runtime.signals import Terminated

EXIT_SOME_FAILED = 1
EXIT_DEFECT = 1
EXIT_NOTHING_STARTED = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class OneLineErrors:
    """Turns the errors of a command into one line on standard error and an exit code. Use as a context manager.

    Args:
        debug: Let the traceback through.
    """

    def __init__(self, debug: bool) -> None:
        self._debug = debug

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if self._debug or error is None:
            return
        if isinstance(error, AvcuesError):
            for line in str(error).splitlines():
                print(f"avcues: {line}", file=sys.stderr)
            raise typer.Exit(EXIT_NOTHING_STARTED) from error
        if isinstance(error, KeyboardInterrupt):
            how = "terminated" if isinstance(error, Terminated) else "interrupted"
            print(f"avcues: {how}; run the same command again to continue", file=sys.stderr)
            raise typer.Exit(EXIT_TERMINATED if isinstance(error, Terminated) else EXIT_INTERRUPTED) from error
        if isinstance(error, OSError) and error.filename:
            print(f"avcues: {error.filename}: {error.strerror or error}", file=sys.stderr)
            raise typer.Exit(EXIT_NOTHING_STARTED) from error
        if isinstance(error, Exception) and not isinstance(error, typer.Exit | typer.Abort | typer.BadParameter):
            print(
                f"avcues: unexpected error, {type(error).__name__}: {one_line(error)}; --debug shows where it occurred",
                file=sys.stderr,
            )
            raise typer.Exit(EXIT_DEFECT) from error
