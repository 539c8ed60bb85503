"""The command `avcues report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from avcues.pipeline.cli import completion
from avcues.pipeline.cli.errors import OneLineErrors, complain


def report(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that avcues extract made.")],
    video_ids: Annotated[
        list[str], typer.Argument(metavar="VIDEO_ID", autocompletion=completion.videos, help="Videos; none: all.")
    ] = [],  # noqa: B006  (typer copies it)
    folder: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the pages; else DIR/report.")] = None,
    media: Annotated[Path | None, typer.Option(help="Folder of the videos: the pages play them.")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Parquet of avcues predict, or MODEL/out_of_fold.parquet, to show on each page.")
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option(help="Folder of ratings: shows their gold standard, its spread and every rater.")
    ] = None,
    columns: Annotated[
        list[str],
        typer.Option(
            metavar="TABLE.COLUMN",
            autocompletion=completion.columns,
            help="Columns that the pages show from the start, such as 'emobase.mfcc*'; repeatable. Any other can be "
            "added in the browser.",
        ),
    ] = [],  # noqa: B006
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; else one per core.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Makes a page per video and an index of all videos, for any browser, offline.

    Exit codes: 0 all made, 1 some pages could not be made, 2 bad input.
    """
    with OneLineErrors(debug):
        problems = make_report(out, video_ids, folder, media, predictions, annotations, columns, workers)
    raise typer.Exit(1 if problems else 0)


def make_report(
    out: Path,
    video_ids: Sequence[str] = (),
    folder: Path | None = None,
    media: Path | None = None,
    predictions: Path | None = None,
    annotations: Path | None = None,
    columns: Sequence[str] = (),
    workers: int | None = None,
) -> int:
    """Makes the pages behind a progress bar, names the one to open, and returns how many could not be made."""
    from rich.progress import Progress

    from avcues.pipeline.cli.console import Console
    from avcues.pipeline.report.build import build
    from avcues.pipeline.report.emotion import Emotion

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("pages", total=None)

        def tell(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total)

        emotion = Emotion(predictions, annotations)
        pages = build(
            out, video_ids, report=folder, media=media, emotion=emotion, columns=columns, workers=workers, tell=tell
        )
    for problem in pages.problems:
        complain(problem)
    print(f"{pages.pages} {'page' if pages.pages == 1 else 'pages'} made; open {pages.open_first}")
    return len(pages.problems)
