"""Patterns over the names of columns."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection


def matches(pattern: str, name: str) -> bool:
    """Whether a name matches a pattern: * stands for anything, ? for any character; brackets are literal."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, name) is not None


def similar(wrong: str, right: Collection[str]) -> str:
    """What to say after a wrong column name, of which there may be thousands of right ones."""
    close = difflib.get_close_matches(wrong, right, n=1)
    return f'; did you mean "{close[0]}"?' if close else "; avcues describe lists the columns"
