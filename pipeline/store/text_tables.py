"""Detects the form of a table in a text file: encoding, separator, decimal mark and header."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass

SAMPLE_BYTES = 1 << 18
"""How much of a file is examined."""

_SAMPLE_LINES = 50
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SEPARATORS = (",", ";", "\t", "|")
_EXCEL_HINT = re.compile(r'^"?sep=(?P<separator>.)"?\s*$', re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_DECIMAL_POINT = re.compile(r"[-+]?\d*\.\d+")


@dataclass(frozen=True, kw_only=True)
class TextForm:
    """The form of a text file.

    Args:
        encoding: "utf-8", "utf-8-sig" or a form of UTF-16.
        separator: The character between cells.
        decimal: The decimal mark: "." or ",".
        names: Names of the columns, without surrounding blanks.
        header_lines: Number of lines up to and including that of the names.
        has_blanks_before_quotes: Whether quoted cells follow a blank, as in `a, "b"`.
    """

    encoding: str
    separator: str
    decimal: str
    names: tuple[str, ...]
    header_lines: int
    has_blanks_before_quotes: bool


def detect_form(head: bytes) -> TextForm:
    """Detects the form of a file from its beginning.

    Args:
        head: Its first `SAMPLE_BYTES` bytes.

    Raises:
        ValueError: The file is empty, or in another encoding.
    """
    encoding = _encoding(head)
    try:
        # The last character may be incomplete.
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError as error:
        line = head[: error.start].count(b"\n")
        position = f"row {line} " if line else "its first line "
        raise ValueError(f"{position}is not UTF-8; save the file as UTF-8") from error
    lines = text.splitlines()
    if len(head) >= SAMPLE_BYTES and len(lines) > 1:
        lines = lines[:-1]
    hint = _EXCEL_HINT.match(lines[0]) if lines else None
    first = 1 if hint else 0
    while first < len(lines) and not lines[first].strip(" ,;\t"):
        first += 1
    if first >= len(lines):
        raise ValueError("is empty; expected a first line with column names")
    # numpy.savetxt puts a "#" before the first name.
    header = lines[first].removeprefix("#")
    rows = [line for line in lines[first + 1 : first + 1 + _SAMPLE_LINES] if line.strip()]
    separator = hint["separator"] if hint else _separator(header)
    names = next(csv.reader(io.StringIO(header), delimiter=separator, skipinitialspace=True))
    sample = [cell.strip() for line in rows for cell in next(csv.reader([line], delimiter=separator))]
    return TextForm(
        encoding=encoding,
        separator=separator,
        decimal="," if separator != "," and _has_decimal_commas(sample) else ".",
        names=tuple(name.strip() for name in names),
        header_lines=first + 1,
        has_blanks_before_quotes=any(re.search(rf'{re.escape(separator)} +"', line) for line in rows),
    )


def decode_head(head: bytes) -> str:
    """Decodes the beginning of a file in any encoding; replaces what cannot be decoded."""
    return head.decode(_encoding(head), errors="replace")


def _encoding(head: bytes) -> str:
    for bom, encoding in _BOMS.items():
        if head.startswith(bom):
            return encoding
    # In UTF-16 without a byte-order mark, every second byte of ASCII letters is zero.
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        every_second = head[first:2000:2]
        if every_second.count(0) > 0.8 * len(every_second):
            return encoding
    return "utf-8"


def _separator(header: str) -> str:
    """The separator that splits the header into the most names; a comma if none splits it."""
    counts = {separator: len(next(csv.reader([header], delimiter=separator))) for separator in _SEPARATORS}
    max_names = max(counts.values())
    return next(separator for separator in _SEPARATORS if counts[separator] == max_names)


def _has_decimal_commas(cells: list[str]) -> bool:
    commas = sum(bool(_DECIMAL_COMMA.fullmatch(cell)) for cell in cells)
    return commas > sum(bool(_DECIMAL_POINT.fullmatch(cell)) for cell in cells)
