"""A figure with its caption and its numbers."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from avcues.pipeline.paper.saving import as_csv, save_together
from avcues.pipeline.paper.style import in_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Without dates, the same figure gives the same file.
_METADATA: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PaperFigure:
    """A figure.

    Args:
        name: Name of its files.
        caption: What it shows, and the numbers of videos, ratings or raters behind it.
        figure: The figure of Matplotlib.
        numbers: The numbers that are drawn, as a tidy table.
    """

    name: str
    caption: str
    figure: Figure
    numbers: pa.Table

    def __repr__(self) -> str:
        width, height = self.figure.get_size_inches()
        return f"<PaperFigure {self.name}: {width:.1f} x {height:.1f} in, {self.numbers.num_rows} rows of numbers>"

    def _repr_png_(self) -> bytes:
        return self._drawn("png")

    def save(self, folder: str | Path) -> list[Path]:
        """Writes NAME.svg, NAME.pdf and NAME.png, and NAME.csv with the numbers; returns their paths.

        Raises:
            OutputError: They cannot be written.
        """
        return save_together(
            folder, self.name, {suffix: self._drawn(suffix) for suffix in _METADATA} | {"csv": as_csv(self.numbers)}
        )

    def _drawn(self, suffix: str) -> bytes:
        file = io.BytesIO()
        with in_style():
            self.figure.savefig(file, format=suffix, metadata=_METADATA[suffix])
        return file.getvalue()
