"""A table for print with its caption and its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from avcues.pipeline.notebook import html_table, text_table
from avcues.pipeline.paper.latex import latex_table
from avcues.pipeline.paper.saving import as_csv, save_together
from avcues.pipeline.paper.text import minus

NONE = "–"
"""A cell without a number."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PaperTable:
    """A table.

    Args:
        name: Name of its files.
        caption: What it shows, and the numbers of videos, ratings or raters behind it.
        header: Titles of the columns.
        rows: Cells as printed; the first `texts` columns hold words, the others numbers.
        numbers: The unrounded numbers of the cells, as a tidy table.
        texts: Number of columns with words.
    """

    name: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: pa.Table
    texts: int = 1

    def __repr__(self) -> str:
        return text_table(self.caption, self.header, self.rows)

    def _repr_html_(self) -> str:
        return html_table(self.caption, self.header, self.rows)

    def markdown(self) -> str:
        """The caption and a pipe table."""
        from tabulate import tabulate

        align = ["left"] * self.texts + ["right"] * (len(self.header) - self.texts)
        header, *rows = ([_markdown_cell(cell) for cell in row] for row in (self.header, *self.rows))
        table = tabulate(rows, header, tablefmt="pipe", disable_numparse=True, colalign=align)
        return f"{self.caption}\n\n{table}\n"

    def latex(self) -> str:
        """A table with the label `tab:NAME`, for the packages booktabs, graphicx and longtable."""
        return latex_table(self.name, self.caption, self.header, self.rows, self.texts)

    def save(self, folder: str | Path) -> list[Path]:
        """Writes NAME.md, NAME.tex, and NAME.csv with the numbers; returns their paths.

        Raises:
            OutputError: They cannot be written.
        """
        contents = {"csv": as_csv(self.numbers), "md": self.markdown().encode(), "tex": self.latex().encode()}
        return save_together(folder, self.name, contents)


def _markdown_cell(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())


def decimal(value: float | None, digits: int = 3) -> str:
    """A rounded number with a minus sign as in print, never minus zero, or a dash.

    >>> decimal(-0.0001), decimal(None), decimal(-12.5, 1)
    ('0.000', '–', '−12.5')
    """
    if value is None:
        return NONE
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if not float(text) else minus(text)


def spread(mean: float | None, sd: float | None, digits: int = 3) -> str:
    """A mean with its standard deviation."""
    return NONE if mean is None else decimal(mean, digits) + ("" if sd is None else f" ± {decimal(sd, digits)}")


def percent(share: float | None) -> str:
    """A share in per cent, with one decimal."""
    return NONE if share is None else f"{decimal(100 * share, 1)} %"


def p_value(p: float | None) -> str:
    """A p value in print style.

    >>> p_value(0.0002), p_value(0.0312)
    ('< .001', '.031')
    """
    if p is None:
        return NONE
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")
