"""How the objects of the Python API show themselves: as tables, in a notebook and in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

_MOST_ROWS = 40
_WIDEST_CELL = 90


def html_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of HTML with a line above it; of many rows the first."""
    cells = Markup("").join(
        Markup("<tr>") + Markup("").join(Markup("<td style='text-align:left'>{}</td>").format(cell) for cell in row)
        for row in rows[:_MOST_ROWS]
    )
    names = Markup("").join(Markup("<th style='text-align:left'>{}</th>").format(name) for name in header)
    remainder = Markup("<p>{}</p>").format(_rest(rows)) if len(rows) > _MOST_ROWS else ""
    table = Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(names, cells) if rows else ""
    return str(Markup("<p>{}</p>").format(title) + table + remainder)


def html_facts(title: str, facts: Mapping[str, object]) -> str:
    """What is known of an object, a row for each fact that is not empty."""
    return html_table(title, ("", ""), [(name, value) for name, value in facts.items() if value not in ("", None)])


def text_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of text with a line above it; of many rows the first, and of long cells the beginning."""
    shown = [[_short(str(cell)) for cell in row] for row in [header, *rows[:_MOST_ROWS]]]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]
    return "\n".join([title, *lines, *([_rest(rows)] if len(rows) > _MOST_ROWS else [])])


def html_page(page: str, height_px: int = 720) -> str:
    """A page of HTML in a frame of its own."""
    return f'<iframe srcdoc="{escape(page)}" style="width:100%;height:{height_px}px;border:1px solid #ccc"></iframe>'


def _rest(rows: Sequence[object]) -> str:
    return f"... and {len(rows) - _MOST_ROWS} more"


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST_CELL else f"{text[: _WIDEST_CELL - 3]}..."
