"""The command `avcues report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from avcues.pipeline.cli import completion
from avcues.pipeline.cli.errors import OneLineErrors, complain, with_options_of_command
from avcues.pipeline.cli.visible_text import print_visible

_STILLS = {
    "on": "with stills in which people can be recognised; use --stills blur or none for pages that others see",
    "blur": "with blurred stills, in which nobody can be recognised; --stills on shows them sharp",
    "none": "without stills",
}


def report(
    features_folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that avcues extract made.")],
    video_ids: Annotated[
        list[str], typer.Argument(metavar="VIDEO_ID", autocompletion=completion.videos, help="Videos; none: all.")
    ] = [],  # noqa: B006  (typer copies it)
    report_folder: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the pages; default: DIR/report.")
    ] = None,
    media: Annotated[Path | None, typer.Option(help="Folder of the videos, which the pages play.")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Parquet of avcues predict, or MODEL/out_of_fold.parquet, to show on each page.")
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option(help="Folder of ratings, to show their gold standard, its spread and every rater.")
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
    stills: Annotated[
        Literal["on", "blur", "none"] | None,
        typer.Option(help="Pictures of the shots: sharp, blurred so that nobody can be recognised (default), or none."),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh",
            help="Do not reuse the options of the previous report; without --fresh, options that you omit are "
            "taken from it.",
        ),
    ] = False,
    share: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Make a file to send instead: FILE.zip with all pages, or FILE.html with the page of one video. It "
            "opens offline on any machine and reveals no folder of this machine.",
        ),
    ] = None,
    with_media: Annotated[bool, typer.Option("--with-media", help="Put the videos into the ZIP file.")] = False,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Another folder of the same videos, such as another run or setting: shows both on one axis, with the "
            "difference, in DIR/report/against.",
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one per core.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Makes a page per video and an index of all videos, for any browser, offline.

    Exit codes: 0 all made, 1 some pages could not be made, 2 bad input.
    """
    with OneLineErrors(debug, out="--out"):
        problems = make_report(
            features_folder,
            video_ids,
            out=report_folder,
            media=media,
            predictions=predictions,
            annotations=annotations,
            columns=columns,
            stills=stills,
            fresh=fresh,
            share=share,
            with_media=with_media,
            against=against,
            workers=workers,
        )
    raise typer.Exit(1 if problems else 0)


def make_report(folder: Path, video_ids: Sequence[str] = (), **settings: Any) -> int:
    """Makes the pages, shows a progress bar, prints what to open, and returns how many pages could not be made.

    Args:
        settings: As for `avcues.report`.
    """
    from rich.progress import Progress

    from avcues.pipeline.cli.console import Console
    from avcues.pipeline.report.api import report as report_of

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("pages", total=None)

        def on_progress(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total)

        result = report_of(folder, video_ids, **{"workers": None} | settings, on_progress=on_progress)
    for line in (*result.notes, *result.problems):
        complain(with_options_of_command(line))
    pages = "page" if result.pages == 1 else "pages"
    action = "send" if settings.get("share") else "open"
    print_visible(f"{result.pages} {pages} made, {_STILLS[result.stills]}; {action} {result.open_first}")
    return len(result.problems)
