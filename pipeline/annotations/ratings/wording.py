"""Numbers of things and lists of names, in words."""

from __future__ import annotations

from collections.abc import Collection

_LISTED = 5


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: "1 rater", "2 raters".

    Args:
        plural: Plural of the noun; None: the noun with an s.

    >>> counted(1, "series", "series"), counted(0, "video")
    ('1 series', '0 videos')
    """
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def listed(names: Collection[str]) -> str:
    """The first few names, and how many more there are.

    >>> listed(["a", "b", "c", "d", "e", "f", "g"])
    'a, b, c, d, e and 2 more'
    """
    first = list(names)[:_LISTED]
    return ", ".join(first) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
