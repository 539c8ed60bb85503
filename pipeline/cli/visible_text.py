"""Text from files and folders, shown so that it cannot steer the terminal."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_LAYOUT = "\n\t"
# Control characters, lone surrogates (undecodable bytes of file names), line separators, and the formatting characters
# that reverse the order of what follows.
_INVISIBLE = ("Cc", "Cs", "Zl", "Zp")
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def visible(text: str) -> str:
    r"""Text with its control characters written out, such as `\x1b`; line breaks and tabs stay."""
    return text if text.isascii() and text.isprintable() else "".join(map(_written_out, text))


@lru_cache(4096)
def _written_out(character: str) -> str:
    if character in _LAYOUT:
        return character
    if character in _DIRECTIONS or unicodedata.category(character) in _INVISIBLE:
        return ascii(character)[1:-1]
    return character


def print_visible(text: str) -> None:
    """Prints a line whose control characters are written out, at once."""
    print(visible(text), flush=True)
