"""The console of all commands: what comes from files and folders cannot steer the terminal."""

from __future__ import annotations

from collections.abc import Iterable

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from avcues.pipeline.cli.visible_text import visible


class Console(rich.console.Console):
    """Rich's console, which shows control characters in text instead of obeying them; styles and bars are as ever."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Segments of a renderable: their text has no control characters, the codes that Rich itself adds are kept."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)
