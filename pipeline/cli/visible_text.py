"""Shows text from files and folders so that it cannot control the terminal."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_LAYOUT_CHARACTERS = "\n\t"
# Control characters, lone surrogates (undecodable bytes of file names), line separators, and formatting characters that
# change the direction of the text after them.
_INVISIBLE_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")
_DIRECTION_CHARACTERS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def visible(text: str) -> str:
    r"""Text with control characters written as escapes, such as `\x1b`, except line breaks and tabs."""
    return text if text.isascii() and text.isprintable() else "".join(map(_escaped, text))


@lru_cache(4096)
def _escaped(character: str) -> str:
    if character in _LAYOUT_CHARACTERS:
        return character
    if character in _DIRECTION_CHARACTERS or unicodedata.category(character) in _INVISIBLE_CATEGORIES:
        return ascii(character)[1:-1]
    return character


def print_visible(text: str) -> None:
    """Prints a line with control characters written as escapes, and flushes."""
    print(visible(text), flush=True)
