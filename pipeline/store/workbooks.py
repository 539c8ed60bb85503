"""Converts Excel workbooks to text; refuses those whose content would be lost in the conversion."""

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
"""A cell with a formula and no result. A result of type `str` may be an empty text, hence is not matched."""


def is_workbook(head: bytes) -> bool:
    """Whether a file begins like a workbook, whatever its name."""
    return head.startswith(_ZIP)


def workbook_as_text(path: Path, file_name: str) -> bytes:
    """Converts the only sheet with data of a workbook to CSV in UTF-8.

    Args:
        file_name: Name of the file, for messages.

    Raises:
        InputError: The workbook has several sheets with data, hidden rows, or formulas without results.
        ValueError: The file is not a workbook.
    """
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise InputError(
            f"{file_name}: Excel workbooks need the package openpyxl: pip install 'avcues[excel]'; or save it as CSV"
        ) from error

    try:
        content = io.BytesIO(path.read_bytes())  # By its path, openpyxl refuses a file that is called .csv.
        book = load_workbook(content, read_only=True, data_only=True)
        filled_sheets = [sheet for sheet in book.worksheets if sheet.max_row and sheet.max_row > 1]
        sheet = (filled_sheets or book.worksheets)[0]
        with ZipFile(content) as archive:
            xml = archive.read(sheet._worksheet_path)
    except (BadZipFile, KeyError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"is not an Excel workbook ({one_line(error)})") from error
    if len(filled_sheets) > 1:
        raise InputError(
            f"{file_name}: has {len(filled_sheets)} sheets with data "
            f"({', '.join(sheet.title for sheet in filled_sheets)}); save the right one as a separate file"
        )
    _check_sheet(xml, file_name)
    out = io.StringIO()
    rows = sheet.iter_rows(values_only=True)
    csv.writer(out, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows if _has_content(row))
    return out.getvalue().encode()


def _check_sheet(xml: bytes, file_name: str) -> None:
    """Refuses a sheet with hidden rows or with formulas without results."""
    hidden = len(_HIDDEN_ROW.findall(xml))
    if hidden:
        raise InputError(f"{file_name}: {hidden} of its rows are hidden, for example by a filter; show or delete them")
    empty = len(_EMPTY_FORMULA.findall(xml))
    if empty:
        raise InputError(
            f"{file_name}: {empty} of its cells contain formulas without results; open and save it in Excel, or save "
            "it as CSV"
        )


def _has_content(row: Sequence[Any]) -> bool:
    """Whether any cell of a row of a sheet is filled."""
    return any(value is not None and value != "" for value in row)


def _cell(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
