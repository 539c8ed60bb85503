"""Detects the form of a table in a text file: encoding, separator, decimal mark and header."""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass

SAMPLE_BYTES = 1 << 18
"""How much of a file is examined."""

_SAMPLE_LINES = 50
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_OTHER_FILES = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls); save it as .xlsx or CSV",
    b"<html": "a page of HTML; export the table as CSV",
    b"<!doctype html": "a page of HTML; export the table as CSV",
    b"<table": "a table of HTML; export it as CSV",
    b"%pdf": "a PDF document; export the table as CSV",
    b"par1": "a Parquet file; name it .parquet",
}
"""Descriptions of other kinds of files, by the bytes at their beginning in lower case."""
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
        header_lines: Number of lines up to and including the last line of the names.
        has_blanks_before_quotes: Whether quoted cells follow a blank, as in `a, "b"`.
        has_quotes: Whether any cell may be quoted, and may therefore contain line breaks.
    """

    encoding: str
    separator: str
    decimal: str
    names: tuple[str, ...]
    header_lines: int
    has_blanks_before_quotes: bool
    has_quotes: bool


def detect_form(head: bytes) -> TextForm:
    """Detects the form of a file from its beginning.

    Args:
        head: Its first `SAMPLE_BYTES` bytes.

    Raises:
        ValueError: The file is empty, or in another encoding.
    """
    for mark, kind in _OTHER_FILES.items():
        if head.lstrip()[: len(mark)].lower() == mark:
            raise ValueError(f"is {kind}")
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
    while first < len(lines) and (not lines[first].strip(" ,;\t") or _is_comment(lines, first)):
        first += 1
    if first >= len(lines):
        raise ValueError("is empty; expected a first line with column names")
    # numpy.savetxt puts a "#" before the first name.
    header = lines[first].removeprefix("#")
    separator = hint["separator"] if hint else separator_of([header])
    following = (f"{line}\n" for line in [header, *lines[first + 1 :]])
    heading = csv.reader(following, delimiter=separator, skipinitialspace=True)
    names = [name.replace("\n", " ").strip() for name in next(heading)]
    header_lines = first + heading.line_num
    rows = [line for line in lines[header_lines : header_lines + _SAMPLE_LINES] if line.strip()]
    sample = [cell.strip() for line in rows for cell in next(csv.reader([line], delimiter=separator))]
    return TextForm(
        encoding=encoding,
        separator=separator,
        decimal="," if separator != "," and _has_decimal_commas(sample) else ".",
        names=tuple(names),
        header_lines=header_lines,
        has_blanks_before_quotes=any(re.search(rf'{re.escape(separator)} +"', line) for line in rows),
        has_quotes='"' in text,
    )


def _is_comment(lines: list[str], index: int) -> bool:
    """Whether a line that begins with # is a comment; if not, it names the columns of the data below it."""
    if not lines[index].startswith("#") or index + 1 == len(lines):
        return False
    following = lines[index + 1]
    separator = separator_of([following])
    return following.startswith("#") or len(lines[index].split(separator)) != len(following.split(separator))


def decode_text(content: bytes) -> str:
    """Decodes a file, or its beginning, in any encoding; replaces what cannot be decoded."""
    return content.decode(_encoding(content), errors="replace")


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


def separator_of(lines: list[str]) -> str:
    """The separator that splits lines into the most cells; a comma if none splits them."""
    counts = {separator: sum(map(len, csv.reader(lines, delimiter=separator))) for separator in _SEPARATORS}
    max_cells = max(counts.values())
    return next(separator for separator in _SEPARATORS if counts[separator] == max_cells)


def _has_decimal_commas(cells: list[str]) -> bool:
    commas = sum(bool(_DECIMAL_COMMA.fullmatch(cell)) for cell in cells)
    return commas > sum(bool(_DECIMAL_POINT.fullmatch(cell)) for cell in cells)
