"""Runs an extraction and shows it on the terminal."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from avcues.pipeline.cli.errors import EXIT_SOME_FAILED

if TYPE_CHECKING:
    from avcues.pipeline.runtime.request import Request, Workers
    from avcues.pipeline.runtime.worker_child import WorkerChild


def show_run(
    paths: list[str],
    request: Request,
    workers: Workers,
    *,
    max_failures: int | None = None,
    log_json: bool = False,
    child: WorkerChild | None = None,
) -> int:
    """Runs a request, shows it on standard error (as JSON: on standard output), and returns the exit code.

    The arguments are those of `avcues.pipeline.runtime.run.run`.
    """
    from avcues.pipeline.cli.console import Console
    from avcues.pipeline.cli.display import Display
    from avcues.pipeline.errors import RunStoppedError
    from avcues.pipeline.runtime.run import run
    from avcues.pipeline.runtime.signals import terminable

    display = Display(Console(stderr=not log_json), log_json=log_json)
    results = run(paths, request, workers, max_failures=max_failures, observer=display, child=child)
    with terminable(), closing(results), display:
        try:
            for result in results:
                display.on_result(result)
        except RunStoppedError as error:
            display.stopped(str(error))
        except KeyboardInterrupt:
            display.summarise(str(request.out))
            raise
        display.summarise(str(request.out))
    return EXIT_SOME_FAILED if display.failed or display.was_stopped else 0
