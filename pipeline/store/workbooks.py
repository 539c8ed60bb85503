"""Excel workbooks as text; what would be lost on the way is refused."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from avcues.pipeline.errors import InputError, one_line

EXCEL = (".xlsx", ".xlsm")

_ZIP = b"PK\x03\x04"
_HIDDEN_ROW = re.compile(rb'<row [^>]*hidden="(?:1|true)"')
_EMPTY_FORMULA = re.compile(
    rb'<c (?![^>]*t="str")[^>]*>\s*<f(?:\s*/>|\s[^>]*/>|[\s>][^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>'
)
"""A cell with a formula and no result; that of type `str` may be an empty text."""


def is_workbook(head: bytes) -> bool:
    """Whether a file begins like a workbook, whatever its name is."""
    return head.startswith(_ZIP)


def workbook_as_text(path: Path, where: str) -> bytes:
    """The only sheet with data of a workbook, as CSV in UTF-8.

    Args:
        where: Name of the file, for messages.

    Raises:
        InputError: There are several such sheets, hidden rows, or formulas without results.
        ValueError: It is no workbook.
    """
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise InputError(
            f"{where}: Excel workbooks need the package openpyxl: pip install 'avcues[excel]'; or save it as CSV"
        ) from error

    try:
        content = io.BytesIO(path.read_bytes())  # By its path, openpyxl refuses a file that is called .csv.
        book = load_workbook(content, read_only=True, data_only=True)
        filled = [sheet for sheet in book.worksheets if sheet.max_row and sheet.max_row > 1]
        sheet = (filled or book.worksheets)[0]
        with ZipFile(content) as archive:
            xml = archive.read(sheet._worksheet_path)
    except (BadZipFile, KeyError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"is no Excel workbook ({one_line(error)})") from error
    if len(filled) > 1:
        raise InputError(
            f"{where}: has {len(filled)} sheets with data ({', '.join(sheet.title for sheet in filled)}); save the one "
            "that is meant as a file of its own"
        )
    _require_plain(xml, where)
    out = io.StringIO()
    rows = sheet.iter_rows(values_only=True)
    csv.writer(out, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows if _any_cell(row))
    return out.getvalue().encode()


def _require_plain(xml: bytes, where: str) -> None:
    hidden = len(_HIDDEN_ROW.findall(xml))
    if hidden:
        raise InputError(f"{where}: {hidden} of its rows are hidden, as by a filter; show them, or delete them")
    empty = len(_EMPTY_FORMULA.findall(xml))
    if empty:
        raise InputError(
            f"{where}: {empty} of its cells hold formulas without their results; open it in Excel and save it, or save "
            "it as CSV"
        )


def _any_cell(row: Sequence[Any]) -> bool:
    return any(value is not None and value != "" for value in row)


def _cell(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
