"""Patterns for names of columns."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection


def matches(pattern: str, name: str) -> bool:
    """Whether a name matches a pattern, with * for any text and ? for any character; brackets are literal."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, name) is not None


def similar(unknown: str, names: Collection[str]) -> str:
    """The end of an error about an unknown column: the most similar name, as there may be thousands of names."""
    close = difflib.get_close_matches(unknown, names, n=1)
    return f'; did you mean "{close[0]}"?' if close else "; avcues describe lists the columns"
