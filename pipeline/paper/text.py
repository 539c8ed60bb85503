"""Text for figures and for names of files."""

from __future__ import annotations

import re


def minus(number: str) -> str:
    """A number with a typographic minus sign."""
    return number.replace("-", "−")


def file_name(*parts: str) -> str:
    """A file name that every file system accepts, from words of users.

    >>> file_name("labels_by", "years > 3", "gems")
    'labels_by_years_over_3_gems'
    """
    text = (
        "_".join(parts).replace(">=", " from ").replace("<=", " up to ").replace(">", " over ").replace("<", " under ")
    )
    return re.sub(r"[^\w-]+", "_", text).strip("_")
