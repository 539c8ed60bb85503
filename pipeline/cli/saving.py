"""Saving figures and tables for print, and saying what is left out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from avcues.pipeline.cli.annotations_options import show_written, with_options

if TYPE_CHECKING:
    from avcues.pipeline.annotations.shown import NotShown
    from avcues.pipeline.paper.figure import PaperFigure
    from avcues.pipeline.paper.table import PaperTable


def save_shown(items: Iterable[PaperFigure | PaperTable | NotShown], out: Path, what: str) -> None:
    """Writes what can be made, says what cannot, and counts both.

    Args:
        what: "figure" or "table".
    """
    from avcues.pipeline.annotations.ratings.wording import counted
    from avcues.pipeline.annotations.shown import NotShown
    from avcues.pipeline.cli.console import Console
    from avcues.pipeline.cli.dataset import say

    console = Console(stderr=True)
    saved = left_out = 0
    for item in items:
        if isinstance(item, NotShown):
            left_out += 1
            say(console, "yellow", "left out", f"{item.name}: {with_options(item.reason)}")
            continue
        saved += 1
        paths = item.save(out)
        show_written(f"{paths[0].with_suffix('')}: {', '.join(path.suffix for path in paths)}")
    kinds = counted(left_out, f"kind of {what}", f"kinds of {what}")
    say(console, "bold", "in all", f"{counted(saved, what)}; {kinds} left out")
