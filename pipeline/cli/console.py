"""The console of all commands: text from files and folders cannot control the terminal."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from avcues.pipeline.cli.visible_text import visible

_WIDTH_WITHOUT_TERMINAL = 200


class Console(rich.console.Console):
    """Rich's console, which shows control characters in text instead of obeying them; styles and bars are unchanged.

    In a pipe or a log, where Rich takes 80 columns and cuts the cells of tables, it is wider.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if "width" not in options and not self.is_terminal and "COLUMNS" not in os.environ:
            self.width = _WIDTH_WITHOUT_TERMINAL

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Segments of a renderable: their text has no control characters, the codes that Rich itself adds are kept."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)
