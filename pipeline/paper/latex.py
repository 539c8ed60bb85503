"""Tables in LaTeX, for any document class, with the packages booktabs, graphicx and longtable.

Cells are escaped, long words wrapped, wide tables shrunk to the width of the line, and long ones broken over pages.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Sequence
from itertools import groupby

_MOST_ROWS = 40
"""Longer tables do not fit on a page."""

_LETTERS_OF_WORDS = 60
"""Width of all columns of words together, beyond which the cells of the widest are wrapped."""

_LETTERS_OF_LONG = 45
"""The same of tables over several pages, which are not shrunk."""

_WIDEST_TITLE = 12
_EM_PER_LETTER = 0.55

_ESCAPED = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # at the start of a row they would be arguments of the row before
    "*": "{*}",
}
# Capital letters that look like those of Latin have no command of their own.
_GREEK_CAPITALS = {"Γ", "Δ", "Θ", "Λ", "Ξ", "Π", "Σ", "Υ", "Φ", "Ψ", "Ω"}
_MATH = {
    "φ": r"\varphi",
    "ε": r"\varepsilon",
    "ο": "o",
    "ς": r"\varsigma",
    "²": "^2",
    "±": r"\pm",
    "×": r"\times",
    "≤": r"\leq",
    "≥": r"\geq",
    "≈": r"\approx",
    "−": "-",
    "·": r"\cdot",
}
_END_OF_ROW = r" \tabularnewline"
r"""In place of `\\`, which `\raggedright` redefines within a cell."""

_PUNCTUATION = set("–—‘’“”…€")


def latex_table(name: str, caption: str, header: Sequence[str], rows: Sequence[Sequence[str]], texts: int) -> str:
    """A table with the label `tab:NAME`.

    Args:
        name: Underscores become hyphens.
        header: Titles of the columns.
        rows: Cells.
        texts: Number of columns with words, which come first and are set to the left.
    """
    lengths = [max(len(row[i]) for row in (header, *rows)) for i in range(texts)]
    is_long = len(rows) > _MOST_ROWS
    limit = _widest(lengths, _LETTERS_OF_LONG if is_long else _LETTERS_OF_WORDS)
    wrapped = [i < texts and lengths[i] > limit for i in range(len(header))]
    columns = "".join(
        f"p{{{limit * _EM_PER_LETTER:.1f}em}}" if wraps else "l" if i < texts else "r"
        for i, wraps in enumerate(wrapped)
    )
    titles = " & ".join(_title(text, i < texts) for i, text in enumerate(header)) + _END_OF_ROW
    body = [
        " & ".join(_wrappable(cell) if wraps else escaped(cell) for cell, wraps in zip(row, wrapped, strict=True))
        + _END_OF_ROW
        for row in rows
    ]
    label = rf"\label{{tab:{name.replace('_', '-')}}}"
    notes = _unknown_letters([caption, *header, *(cell for row in rows for cell in row)])
    if is_long:
        lines = [
            *(r"\begingroup", r"\footnotesize", r"\setlength{\tabcolsep}{3pt}", rf"\begin{{longtable}}{{{columns}}}"),
            *(rf"\caption{{{escaped(caption)}}}", rf"{label} \\", r"\toprule", titles, r"\midrule", r"\endfirsthead"),
            *(r"\toprule", titles, r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot"),
            *(*body, r"\end{longtable}", r"\endgroup"),
        ]
        return "\n".join(("% \\usepackage{booktabs, longtable}", *notes, *lines, ""))
    lines = [
        *(r"\begin{table}", r"\centering", rf"\caption{{{escaped(caption)}}}", label),
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        *(rf"\begin{{tabular}}{{{columns}}}", r"\toprule", titles, r"\midrule", *body, r"\bottomrule"),
        *(r"\end{tabular}}", r"\end{table}"),
    ]
    return "\n".join(("% \\usepackage{booktabs, graphicx}", *notes, *lines, ""))


def _widest(lengths: Sequence[int], together: int) -> int:
    """The length to which the longest columns are cut so that all have room together.

    >>> _widest([7, 20, 90], 60), _widest([7, 20], 60)
    (33, 60)
    """
    left, columns = together, len(lengths)
    for length in sorted(lengths):
        if length * columns > left:
            return left // columns
        left, columns = left - length, columns - 1
    return together


def escaped(text: str) -> str:
    r"""Text as LaTeX prints it.

    >>> escaped("50 % of r_1, α = −0.5")
    '50 \\% of r\\_1, $\\alpha$ = $-$0.5'
    """
    parts = []
    for is_math, letters in groupby(" ".join(text.split()), lambda letter: _in_math(letter) is not None):
        if is_math:
            parts.append(f"${' '.join(filter(None, map(_in_math, letters)))}$")
        else:
            parts += [_ESCAPED.get(letter, letter) for letter in letters]
    return "".join(parts)


def _in_math(letter: str) -> str | None:
    """The command of a letter that LaTeX has in formulas only."""
    if letter in _MATH:
        return _MATH[letter]
    name = unicodedata.name(letter, "")
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER ([A-Z]+)", name)
    if greek is None:
        return None
    command = {"LAMDA": "lambda"}.get(greek[2], greek[2].lower())
    if greek[1] == "SMALL":
        return f"\\{command}"
    return f"\\{command.capitalize()}" if letter in _GREEK_CAPITALS else rf"\mathrm{{{_LATIN_LOOKALIKES[letter]}}}"


_LATIN_LOOKALIKES = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧ", "ABEZHIKMNOPTX", strict=True))


def _wrappable(text: str) -> str:
    """A cell of a column of fixed width; names without blanks may be broken after underscores."""
    return rf"\raggedright {escaped(text)}".replace(r"\_", r"\_\allowbreak{}")


def _title(text: str, is_left: bool) -> str:
    lines = textwrap.wrap(text, _WIDEST_TITLE, break_long_words=False, break_on_hyphens=False) or [""]
    if len(lines) == 1:
        return escaped(text)
    return rf"\shortstack[{'l' if is_left else 'r'}]{{" + r"\\".join(map(escaped, lines)) + "}"


def _unknown_letters(texts: Sequence[str]) -> list[str]:
    """A comment if there are letters that pdfLaTeX does not print."""
    letters = sorted(set("".join(texts)))
    unknown = [
        letter for letter in letters if ord(letter) > 0x17F and letter not in _PUNCTUATION and _in_math(letter) is None
    ]
    if not unknown:
        return []
    return [f"% pdfLaTeX does not print {' '.join(unknown)}: use XeLaTeX or LuaLaTeX with a font that has them"]
