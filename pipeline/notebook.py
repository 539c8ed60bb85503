"""Tables that show objects of the Python API in notebooks and terminals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

_MAX_ROWS = 40
_MAX_CELL_WIDTH = 90


def html_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """An HTML table with a title line; at most the first `_MAX_ROWS` rows."""
    cells = Markup("").join(
        Markup("<tr>") + Markup("").join(Markup("<td style='text-align:left'>{}</td>").format(cell) for cell in row)
        for row in rows[:_MAX_ROWS]
    )
    names = Markup("").join(Markup("<th style='text-align:left'>{}</th>").format(name) for name in header)
    remainder = Markup("<p>{}</p>").format(_remaining_rows_text(rows)) if len(rows) > _MAX_ROWS else ""
    table = Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(names, cells) if rows else ""
    return str(Markup("<p>{}</p>").format(title) + table + remainder)


def html_facts(title: str, facts: Mapping[str, object]) -> str:
    """An HTML table with a row for each fact that is not empty."""
    return html_table(title, ("", ""), [(name, value) for name, value in facts.items() if value not in ("", None)])


def text_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A text table with a title line; at most the first `_MAX_ROWS` rows, with long cells cut."""
    cells = [[_cut(str(cell)) for cell in row] for row in [header, *rows[:_MAX_ROWS]]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([title, *lines, *([_remaining_rows_text(rows)] if len(rows) > _MAX_ROWS else [])])


def html_page(page: str, height_px: int = 720) -> str:
    """An HTML page in a frame."""
    return f'<iframe srcdoc="{escape(page)}" style="width:100%;height:{height_px}px;border:1px solid #ccc"></iframe>'


def _remaining_rows_text(rows: Sequence[object]) -> str:
    return f"... and {len(rows) - _MAX_ROWS} more"


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CELL_WIDTH else f"{text[: _MAX_CELL_WIDTH - 3]}..."
