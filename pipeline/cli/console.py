"""The console of all commands, on which text from files and folders cannot control the terminal."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

from avcues.pipeline.cli.visible_text import visible

_WIDTH_WITHOUT_TERMINAL = 200


class Console(rich.console.Console):
    """Rich's console, except that control characters in text are shown instead of obeyed.

    In a pipe or a log it is wider than Rich's 80 columns, which would cut the cells of tables.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if "width" not in options and not self.is_terminal and "COLUMNS" not in os.environ:
            self.width = _WIDTH_WITHOUT_TERMINAL

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yields the segments of a renderable without control characters in texts; control codes of Rich are kept."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


def print_line(console: rich.console.Console, style: str, label: str, text: str) -> None:
    """Prints a line that begins with a styled label."""
    console.print(f"[{style}]{label:8}[/] {escape(text)}", soft_wrap=True, highlight=False)
