"""The command `avcues merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avcues.pipeline.cli.errors import OneLineErrors
from avcues.pipeline.cli.visible_text import print_visible


def merge(
    parts: Annotated[
        list[Path],
        typer.Argument(metavar="PART", help="Output folders of runs that each processed a part of the videos."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of all videos; it may exist.")],
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Joins the folders of runs on parts of the videos, such as those of extract --shard.

    The parts are not changed. Exit codes: 0 joined, 2 nothing was joined, or settings differ.
    """
    with OneLineErrors(debug):
        from avcues.pipeline.runtime.merge import merge as merge_folders

        merged = merge_folders(parts, out)
        print_visible(f"{out}: added {merged.added} videos from {len(parts)} folders")
        if merged.kept_ids:
            examples = ", ".join(merged.kept_ids[:5]) + (", ..." if len(merged.kept_ids) > 5 else "")
            print_visible(f"{len(merged.kept_ids)} videos already existed and are unchanged: {examples}")
