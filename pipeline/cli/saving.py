"""Saves figures and tables for print, and prints what is left out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from avcues.pipeline.cli.annotations_options import show_written
from avcues.pipeline.cli.errors import with_options_of_any_command

if TYPE_CHECKING:
    from avcues.pipeline.annotations.shown import NotShown
    from avcues.pipeline.paper.figure import PaperFigure
    from avcues.pipeline.paper.table import PaperTable


def save_items(items: Iterable[PaperFigure | PaperTable | NotShown], out: Path, noun: str) -> None:
    """Saves figures or tables, prints a line for each that could not be made, and counts both.

    Args:
        noun: "figure" or "table".
    """
    from avcues.pipeline.annotations.ratings.wording import counted
    from avcues.pipeline.annotations.shown import NotShown
    from avcues.pipeline.cli.console import Console, print_line

    console = Console(stderr=True)
    saved = left_out = 0
    for item in items:
        if isinstance(item, NotShown):
            left_out += 1
            print_line(console, "yellow", "left out", f"{item.name}: {with_options_of_any_command(item.reason)}")
            continue
        saved += 1
        paths = item.save(out)
        show_written(f"{paths[0].with_suffix('')}: {', '.join(path.suffix for path in paths)}")
    kinds = counted(left_out, f"kind of {noun}", f"kinds of {noun}")
    print_line(console, "bold", "total", f"{counted(saved, noun)}; {kinds} left out")
